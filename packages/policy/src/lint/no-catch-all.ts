import type { LintRule } from "./lint-rule.ts";
import { ruleContains } from "./rule-contains.ts";

export const noCatchAll: LintRule = {
  id: "no-catch-all",
  summary: "What no rule matches is not written at all.",
  bad: '- level: Metadata\n  resources: [{group: "", resources: [secrets]}]\n- level: Metadata\n  userGroups: [system:authenticated]\n- level: Metadata\n  verbs: [list]',
  good: '- level: Metadata\n  resources: [{group: "", resources: [secrets]}]\n- level: Metadata',
  check: ({ policy }) => {
    if (policy.rules.some((rule) => ruleContains(rule, { level: "None" }))) {
      return [];
    }
    const steps = ["rules", policy.rules.length - 1];
    const message = "Cannot see what no rule matches: there is no rule for everything else, so it is not written";
    const hint = "End with a rule that has nothing but a level: - level: Metadata (or None, if that is meant)";
    return [{ severity: "warning", steps, message, hint }];
  },
};
