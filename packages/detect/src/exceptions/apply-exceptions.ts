import type { Problem } from "@auditsieve/audit";
import type { Detection } from "../definition/detection.ts";
import { linkCorrelations } from "../definition/link-correlations.ts";
import type { DetectionException } from "../definition/detection-exception.ts";
import { LIMITS } from "../sigma/limits.ts";
import type { DetectionOverride } from "./read-exception.ts";

type FileProblem = Problem & { readonly file: string };
type Names = readonly string[] | "any";

/** The detections with their exceptions and overrides, and a warning for every name that is no detection's. */
export function applyExceptions(
  detections: readonly Detection[],
  exceptions: readonly DetectionException[],
  overrides: readonly DetectionOverride[],
): { readonly detections: readonly Detection[]; readonly problems: readonly FileProblem[] } {
  if (exceptions.length + overrides.length === 0) {
    return { detections, problems: [] };
  }
  const { silent } = linkCorrelations(detections);
  const calls = new Map(detections.map((one) => [one, callsOf(one, silent.has(one))]));
  const called = new Set([...calls.values()].flat());
  // There may be very many names.
  const sets = new Map<Names, ReadonlySet<string>>();
  const isNamed = (detection: Detection, rules: Names): boolean => {
    if (rules === "any") {
      return true;
    }
    let names = sets.get(rules);
    if (names === undefined) {
      names = new Set(rules);
      sets.set(rules, names);
    }
    return calls.get(detection)?.some((call) => names.has(call)) === true;
  };
  const problems = [...exceptions, ...overrides].flatMap(({ title, rules, file, line }) => {
    const unknown = (rules === "any" ? [] : rules).filter((rule) => !called.has(rule));
    const place = { severity: "warning" as const, file, ...(line !== undefined && { line }) };
    const told = unknown.slice(0, LIMITS.problems).map((rule) => ({
      ...place,
      id: "sigma-filter",
      message: `Cannot apply filter ${JSON.stringify(title)}: no detection has the id, name or file name "${rule.slice(0, 120)}"`,
      hint: "`auditsieve detections list` names them; load the filter together with the detection",
    }));
    return told.length === unknown.length
      ? told
      : [
          ...told,
          {
            ...place,
            id: "sigma-too-many",
            message: `Cannot apply filter ${JSON.stringify(title)}: ${unknown.length - told.length} more of the detections that it names are not there`,
            hint: "Correct these first",
          },
        ];
  });
  return {
    detections: detections.map((detection) => {
      const excused = exceptions.filter(({ rules }) => isNamed(detection, rules));
      const changed = overrides.filter(({ rules }) => isNamed(detection, rules));
      const severity = changed.findLast((override) => override.severity)?.severity;
      const status = changed.findLast((override) => override.status)?.status;
      return excused.length + changed.length === 0
        ? detection
        : {
            ...detection,
            ...(severity && { severity }),
            ...(status && { status }),
            ...(excused.length > 0 && { exceptions: excused }),
          };
    }),
    problems,
  };
}

/** What a detection may be called by; one that only counts for correlations shares its file with these. */
function callsOf({ id, name, file }: Detection, isSilent: boolean): readonly string[] {
  return [id, ...(name === undefined ? [] : [name]), ...(isSilent ? [] : [stemOf(file)])];
}

/** `exec-into-pod` of `execution/exec-into-pod.yml`: how the documents call a detection. */
function stemOf(file: string): string {
  return /([^/\\]+?)(?:\.ya?ml)?$/.exec(file)?.[1] ?? file;
}
