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

/** Finds what each correlation names. One that names what is not there, or itself over others, is left out. */
export function linkCorrelations(detections: readonly Detection[]): LinkedCorrelations {
  const byID = new Map(detections.map((detection) => [detection.id, detection]));
  const byName = Map.groupBy(detections, ({ name }) => name);
  /** Names need to be told apart in their own file only. */
  const called = (name: string, { file }: Detection): readonly Detection[] => {
    const byOwnID = byID.get(name);
    const named = byName.get(name) ?? [];
    const near = named.filter((one) => one.file === file);
    return byOwnID ? [byOwnID] : near.length > 0 ? near : named;
  };
  const correlations: LinkedCorrelation[] = [];
  const problems: (Problem & { readonly file: string })[] = [];
  const linked = new Map<Detection, boolean>();

  const warn = (detection: Detection, message: string): void => {
    const { line } = detection.correlation ?? {};
    problems.push({
      id: "sigma-alias",
      severity: "warning",
      file: detection.file,
      ...(line !== undefined && { line }),
      message: `Cannot fully trust correlation ${JSON.stringify(detection.title)}: ${message}`,
      hint: "Name a field for each of the correlation's rules",
    });
  };

  const link = (detection: Detection, above: readonly Detection[]): boolean => {
    const { correlation } = detection;
    const known = linked.get(detection);
    if (!correlation || known !== undefined) {
      return known ?? true;
    }
    const refuse = (message: string, hint: string): boolean => {
      const subject = `Cannot link correlation ${JSON.stringify(detection.title)}`;
      problems.push({
        id: "sigma-correlation",
        severity: "error",
        file: detection.file,
        ...(correlation.line !== undefined && { line: correlation.line }),
        message: `${subject}: ${message}`,
        hint,
      });
      linked.set(detection, false);
      return false;
    };
    if (above.includes(detection) || above.length > MAX_CHAIN) {
      return refuse("it builds on itself, or on too long a chain", `Chain at most ${MAX_CHAIN} correlations`);
    }
    const named: Detection[] = [];
    for (const name of correlation.rules) {
      const [found, second] = called(name, detection);
      if (!found) {
        return refuse(`no detection has the id or name "${name.slice(0, 120)}"`, "Load it together with the detection");
      }
      if (second) {
        const places = found.file === second.file ? found.file : `${found.file} and ${second.file}`;
        return refuse(
          `the name "${name.slice(0, 120)}" is that of several detections, in ${places}`,
          "Name the one that is meant by its id",
        );
      }
      if (!link(found, [...above, detection])) {
        return linked.has(detection) ? false : refuse(`"${name}" is refused itself`, "Correct that one first");
      }
      named.push(found);
    }
    for (const { name, perDetection } of [...correlation.groupBy, ...correlation.fields]) {
      const missing =
        perDetection.size === 0
          ? []
          : named.filter((one) => !perDetection.has(one.id) && !perDetection.has(one.name ?? ""));
      if (missing.length > 0) {
        const titles = missing.map(({ title }) => JSON.stringify(title.slice(0, 120))).join(", ");
        warn(
          detection,
          `its alias ${JSON.stringify(name.slice(0, 120))} says nothing of ${titles}, which is never counted then`,
        );
      }
    }
    linked.set(detection, true);
    correlations.push({ detection, correlation, detections: named });
    return true;
  };

  detections.forEach((detection) => link(detection, []));
  const silent = new Set(
    correlations.flatMap(({ correlation, detections: named }) => (correlation.generate ? [] : named)),
  );
  return { correlations, silent, problems };
}

const MAX_CHAIN = 16;
