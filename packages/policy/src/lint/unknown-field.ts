import { describeRule } from "./describe-rule.ts";
import type { LintContext, LintFinding, LintRule } from "./lint-rule.ts";
import { nearest } from "./nearest.ts";

const FIELDS = {
  policy: ["apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"],
  rule: [
    "level",
    "users",
    "userGroups",
    "verbs",
    "resources",
    "namespaces",
    "nonResourceURLs",
    "omitStages",
    "omitManagedFields",
  ],
  resources: ["group", "resources", "resourceNames"],
} as const;

export const unknownField: LintRule = {
  id: "unknown-field",
  summary: "A field that the apiserver does not know is dropped with a line in its log, so that the rule matches more.",
  bad: "- level: None\n  users: [robot]\n  resource: [{group: apps}]\n- level: Metadata",
  good: "- level: None\n  users: [robot]\n  resources: [{group: apps}]\n- level: Metadata",
  check: ({ policy, strict }: LintContext): readonly LintFinding[] =>
    (strict?.fields ?? [])
      .filter(({ kind }) => kind === "unknown field")
      .map(({ steps, path }) => {
        const rule = steps[0] === "rules" && typeof steps[1] === "number" ? policy.rules[steps[1]] : undefined;
        const now = rule === undefined ? "" : `; rules[${steps[1]}] (${rule.level}) now matches ${describeRule(rule)}`;
        return {
          severity: "error",
          steps,
          atKey: true,
          message: `Cannot use the field ${path}: the apiserver ignores it${now}`,
          hint: hintFor(steps),
        };
      }),
};

function hintFor(steps: LintFinding["steps"]): string {
  const name = String(steps.at(-1));
  const level = levelOf(steps);
  const elsewhere = Object.entries(FIELDS).find(([other, names]) => other !== level && names.some((n) => n === name));
  const here = level && nearest(name, FIELDS[level]);
  if (elsewhere && (level === undefined || here !== name)) {
    const where = { policy: "the policy itself", rule: "the rule itself", resources: "an entry of resources" };
    return `Move it to ${where[elsewhere[0] as keyof typeof where]}`;
  }
  return here === undefined ? "Remove it, or write it as a comment" : `Did you mean ${here}?`;
}

function levelOf(steps: LintFinding["steps"]): keyof typeof FIELDS | undefined {
  if (steps.length === 1) {
    return "policy";
  }
  if (steps[0] !== "rules") {
    return undefined;
  }
  return steps.length === 3 ? "rule" : steps.length === 5 && steps[2] === "resources" ? "resources" : undefined;
}
