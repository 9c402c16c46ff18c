import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue, Problem } from "@auditsieve/audit";
import type { Expression } from "../condition/expression.ts";
import { deriveNeeds } from "../derive-needs.ts";
import type { Detection } from "../detection.ts";
import { digest } from "../finding.ts";
import { compileCondition } from "./compile-condition.ts";
import type { FieldPipeline } from "./field-pipeline.ts";
import { LIMITS } from "./limits.ts";
import type { ProblemLog } from "./problem-log.ts";

/** A Sigma filter: a condition that detections must satisfy too. Tuning by data, without an edit of the detection. */
export interface DetectionFilter {
  readonly title: string;
  /** Ids or names of the detections; "any" is all of them. */
  readonly rules: readonly string[] | "any";
  readonly condition: Expression;
  /** The filter as it is written, for the fingerprint of a detection. */
  readonly text: string;
  readonly file: string;
}

/** Reads the `filter` part of a document; undefined when it has errors, which are reported. */
export function readFilter(
  document: JsonObject,
  title: string,
  file: string,
  log: ProblemLog,
  fields: FieldPipeline,
): DetectionFilter | undefined {
  const filter = own(document, "filter");
  const rules = readRules(isJsonObject(filter) ? own(filter, "rules") : undefined);
  if (!rules) {
    log.error(
      "sigma-filter",
      ["filter", "rules"],
      "the filter names no detections",
      'Give rules: a list of ids or names, or "any"',
    );
  }
  const condition = compileCondition(filter, log, fields, "filter");
  return rules && condition && { title, rules, condition, text: JSON.stringify(filter), file };
}

/** The detections with the filters added, and a warning for every detection that a filter names in vain. */
export function applyFilters(
  detections: readonly Detection[],
  filters: readonly DetectionFilter[],
): { readonly detections: readonly Detection[]; readonly problems: readonly (Problem & { readonly file: string })[] } {
  const problems = filters.flatMap(({ title, rules, file }) =>
    (rules === "any" ? [] : rules)
      .filter((rule) => !detections.some((detection) => isNamed(detection, rule)))
      .map((rule) => ({
        id: "sigma-filter",
        severity: "warning" as const,
        file,
        message: `Cannot apply filter ${JSON.stringify(title)}: no detection has the id or name "${rule.slice(0, 120)}"`,
        hint: "Load the filter together with the detection",
      })),
  );
  const filtered = detections.map((detection) => {
    const own = filters.filter(({ rules }) => rules === "any" || rules.some((rule) => isNamed(detection, rule)));
    if (own.length === 0 || detection.correlation) {
      return detection;
    }
    const condition: Expression = {
      kind: "and",
      of: [detection.condition, ...own.map((filter) => filter.condition)],
    };
    const fingerprint = digest(detection.fingerprint ?? "", ...own.map(({ text }) => text));
    return { ...detection, fingerprint, condition, needs: deriveNeeds(condition) };
  });
  return { detections: filtered, problems };
}

function readRules(rules: JsonValue | undefined): readonly string[] | "any" | undefined {
  if (rules === "any") {
    return rules;
  }
  const list = Array.isArray(rules) ? (rules as readonly JsonValue[]) : [rules ?? null];
  const texts = list.filter((rule): rule is string => typeof rule === "string" && rule !== "");
  return texts.length === list.length && list.length > 0 && list.length <= LIMITS.values ? texts : undefined;
}

function isNamed(detection: Detection, rule: string): boolean {
  return detection.id === rule || detection.name === rule;
}
