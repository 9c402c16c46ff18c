import type { LintRule } from "./lint-rule.ts";
import { ruleContains } from "./rule-contains.ts";

export const shadowedRule: LintRule = {
  id: "shadowed-rule",
  summary: "The first rule that matches decides: a rule that an earlier one covers never does.",
  bad: "- level: None\n  users: [robot]\n  resources: [{group: apps}]\n- level: Request\n  users: [robot]\n  verbs: [create]\n  resources: [{group: apps, resources: [deployments]}]\n- level: Metadata",
  good: "- level: Request\n  users: [robot]\n  verbs: [create]\n  resources: [{group: apps, resources: [deployments]}]\n- level: None\n  users: [robot]\n  resources: [{group: apps}]\n- level: Metadata",
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const by = policy.rules.findIndex((earlier, at) => at < index && ruleContains(earlier, rule));
      if (by === -1) {
        return [];
      }
      const message = `Cannot reach rules[${index}] (${rule.level}): rules[${by}] (${policy.rules[by]?.level}) matches all that it matches`;
      return [
        {
          severity: "error" as const,
          steps: ["rules", index],
          message,
          hint: `Move it before rules[${by}], or remove it`,
        },
      ];
    }),
};
