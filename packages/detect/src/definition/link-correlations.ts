import type { Problem } from "@auditsieve/audit";
import type { Correlation } from "./correlation.ts";
import type { Detection } from "./detection.ts";

/** A correlation with what it names. */
export interface LinkedCorrelation {
  readonly detection: Detection;
  readonly correlation: Correlation;
  /** Those it is about, in the order of its `rules`. */
  readonly detections: readonly Detection[];
}

/** What {@link linkCorrelations} gives. */
export interface LinkedCorrelations {
  /** Those that others build on come first. */
  readonly correlations: readonly LinkedCorrelation[];
  /** Detections that only count for correlations: one that names them does not say `generate`. */
  readonly silent: ReadonlySet<Detection>;
  readonly problems: readonly (Problem & { readonly file: string })[];
}

/** How many correlations may build on each other. */
export const MAX_CHAIN = 16;

/** Of all correlations of one load together: as many as are told of a document. */
const MOST_PROBLEMS = 200;

type FileProblem = Problem & { readonly file: string };
/** A correlation with what it names, or why that cannot be said. */
interface Named {
  readonly detection: Detection;
  readonly correlation: Correlation;
  readonly detections: readonly Detection[];
}

/** Finds what each correlation names. One that names what is not there, or itself over others, is left out. */
export function linkCorrelations(detections: readonly Detection[]): LinkedCorrelations {
  const problems: FileProblem[] = [];
  const refused = new Set<Detection>();
  const refuse = (detection: Detection, message: string, hint: string): void => {
    refused.add(detection);
    const subject = `Cannot link correlation ${JSON.stringify(detection.title)}`;
    if (problems.length >= MOST_PROBLEMS) {
      if (problems.length === MOST_PROBLEMS) {
        const more = "there are more problems of correlations than these";
        problems.push({
          id: "sigma-too-many",
          severity: "error",
          ...placeOf(detection),
          message: `${subject}: ${more}`,
          hint: "Correct these first",
        });
      }
      return;
    }
    problems.push({
      id: "sigma-correlation",
      severity: "error",
      ...placeOf(detection),
      message: `${subject}: ${message}`,
      hint,
    });
  };
  const called = namesOf(detections);
  const named = detections.flatMap((detection): readonly Named[] => {
    const { correlation } = detection;
    const of = correlation?.rules.map((name) => called(name, detection));
    if (correlation === undefined || of === undefined) {
      return [];
    }
    const wrong = of.find((one) => "wrong" in one);
    if (wrong !== undefined) {
      refuse(detection, wrong.wrong, wrong.hint);
      return [];
    }
    return [{ detection, correlation, detections: of.flatMap((one) => ("wrong" in one ? [] : [one])) }];
  });
  const { linked, left } = inLayers(withinBounds(named, refuse));
  refuseLeft(left, refused, refuse);
  problems.push(...linked.flatMap(aliasProblems));
  const silent = new Set(linked.flatMap(({ correlation, detections: of }) => (correlation.generate ? [] : of)));
  return { correlations: linked, silent, problems };
}

type Called = Detection | { readonly wrong: string; readonly hint: string };

/** Finds a detection by the name that another one calls it. Names need to be told apart in their own file only. */
function namesOf(detections: readonly Detection[]): (name: string, by: Detection) => Called {
  const byID = new Map(detections.map((detection) => [detection.id, detection]));
  const byName = Map.groupBy(detections, ({ name }) => name);
  return (name, { file }) => {
    const ofName = byName.get(name) ?? [];
    const near = ofName.filter((one) => one.file === file);
    const byOwnID = byID.get(name);
    const [found, second] = byOwnID ? [byOwnID] : near.length > 0 ? near : ofName;
    if (found === undefined) {
      return {
        wrong: `no detection has the id or name "${name.slice(0, 120)}"`,
        hint: "Load it together with the detection",
      };
    }
    if (second === undefined) {
      return found;
    }
    const places = found.file === second.file ? found.file : `${found.file} and ${second.file}`;
    return {
      wrong: `the name "${name.slice(0, 120)}" is that of several detections, in ${places}`,
      hint: "Name the one that is meant by its id",
    };
  };
}

/** Each event that a detection hits is read for every correlation that counts it, directly or over others, as often as one of them names another. */
const MAX_COUNTS = 1000;

/** The correlations without those of which a detection would be counted too often. */
function withinBounds(
  named: readonly Named[],
  refuse: (detection: Detection, message: string, hint: string) => void,
): readonly Named[] {
  const above = namersOf(named);
  const isTooMuch = (detection: Detection): boolean => {
    const reached = new Set([detection]);
    let counts = 0;
    // It grows while it is gone through.
    for (const one of reached) {
      const next = above.get(one) ?? [];
      counts += next.length;
      if (counts > MAX_COUNTS) {
        return true;
      }
      next.forEach((each) => reached.add(each));
    }
    return false;
  };
  const heavy = new Set([...above.keys()].filter((one) => !one.correlation && isTooMuch(one)));
  return named.filter(({ detection, detections }) => {
    const found = detections.find((one) => heavy.has(one));
    if (found !== undefined) {
      const title = JSON.stringify(found.title.slice(0, 120));
      refuse(
        detection,
        `each event of ${title} would be counted more than ${MAX_COUNTS} times, directly and over other correlations`,
        "Name fewer detections in fewer correlations",
      );
    }
    return found === undefined;
  });
}

/** Those that build on no correlation, those that build on these, and so on; and what is on no layer then. */
function inLayers(named: readonly Named[]): { readonly linked: readonly Named[]; readonly left: readonly Named[] } {
  const linked: Named[] = [];
  const done = new Set<Detection>();
  let left = named;
  for (let layer = 0; layer < MAX_CHAIN && left.length > 0; layer++) {
    const isReady = Map.groupBy(left, ({ detections }) => detections.every((one) => !one.correlation || done.has(one)));
    const ready = isReady.get(true) ?? [];
    linked.push(...ready);
    ready.forEach(({ detection }) => done.add(detection));
    left = isReady.get(false) ?? [];
  }
  return { linked, left };
}

/** Those that build on one that is refused are refused for that; the others build on themselves, or on too many layers. */
function refuseLeft(
  left: readonly Named[],
  refused: ReadonlySet<Detection>,
  refuse: (detection: Detection, message: string, hint: string) => void,
): void {
  const waiting = new Set(left.map(({ detection }) => detection));
  for (const { detection, detections } of left) {
    if (detections.every((one) => !waiting.has(one) && !refused.has(one))) {
      refuse(detection, "it builds on too long a chain", `Chain at most ${MAX_CHAIN} correlations`);
    }
  }
  const above = namersOf(left);
  // It grows while it is gone through.
  for (const one of refused) {
    for (const detection of above.get(one) ?? []) {
      if (!refused.has(detection)) {
        refuse(detection, `"${one.name ?? one.id}" is refused itself`, "Correct that one first");
      }
    }
  }
  for (const { detection } of left) {
    if (!refused.has(detection)) {
      refuse(detection, "it builds on itself", `Chain at most ${MAX_CHAIN} correlations`);
    }
  }
}

/** Of each detection the correlations that name it. */
function namersOf(named: readonly Named[]): ReadonlyMap<Detection, readonly Detection[]> {
  const namers = new Map<Detection, Detection[]>();
  for (const { detection, detections } of named) {
    for (const one of detections) {
      const known = namers.get(one);
      if (known === undefined) {
        namers.set(one, [detection]);
      } else {
        known.push(detection);
      }
    }
  }
  return namers;
}

function aliasProblems({ detection, correlation, detections }: Named): readonly FileProblem[] {
  return [...correlation.groupBy, ...correlation.fields].flatMap(({ name, perDetection }) => {
    const missing =
      perDetection.size === 0
        ? []
        : detections.filter((one) => !perDetection.has(one.id) && !perDetection.has(one.name ?? ""));
    const titles = missing.map(({ title }) => JSON.stringify(title.slice(0, 120))).join(", ");
    const alias = JSON.stringify(name.slice(0, 120));
    return missing.length === 0
      ? []
      : [
          {
            id: "sigma-alias",
            severity: "warning" as const,
            ...placeOf(detection),
            message: `Cannot fully trust correlation ${JSON.stringify(detection.title)}: its alias ${alias} says nothing of ${titles}, which is never counted then`,
            hint: "Name a field for each of the correlation's rules",
          },
        ];
  });
}

function placeOf({ file, correlation }: Detection): { readonly file: string; readonly line?: number } {
  return { file, ...(correlation?.line !== undefined && { line: correlation.line }) };
}
