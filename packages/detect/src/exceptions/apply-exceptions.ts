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
  const isNamed = (detection: Detection, rules: Names): boolean =>
    rules === "any" ||
    rules.some((rule) => isCalled(detection, rule) || (!silent.has(detection) && rule === stemOf(detection.file)));
  const problems = [...exceptions, ...overrides].flatMap(({ title, rules, file, line }) => {
    const unknown = (rules === "any" ? [] : rules).filter(
      (rule) => !detections.some((detection) => isNamed(detection, [rule])),
    );
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

function isCalled({ id, name }: Detection, rule: string): boolean {
  return id === rule || name === rule;
}

/** `exec-into-pod` of `execution/exec-into-pod.yml`: how the documents call a detection. */
function stemOf(file: string): string {
  return /([^/\\]+?)(?:\.ya?ml)?$/.exec(file)?.[1] ?? file;
}
