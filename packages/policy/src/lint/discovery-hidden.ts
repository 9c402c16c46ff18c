import { evaluate } from "../evaluate.ts";
import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";
import { PERSON } from "./person.ts";
import { ruleContains } from "./rule-contains.ts";

const PATHS = ["/api", "/api/v1", "/apis", "/apis/apps/v1", "/openapi/v2", "/openapi/v3"];

export const discoveryHidden: LintRule = {
  id: "discovery-hidden",
  summary: "Whoever has just stolen a credential asks first what there is: dropping /api* for everyone hides that.",
  bad: '- level: None\n  userGroups: ["system:authenticated"]\n  nonResourceURLs: ["/api*", "/version"]\n- level: Metadata',
  good: '- level: None\n  users: ["system:serviceaccount:kube-system:generic-garbage-collector"]\n  verbs: [get]\n  nonResourceURLs: ["/api", "/apis"]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const hidden = PATHS.filter((path) => evaluate(policy, { ...PERSON, verb: "get", path }).rule === index);
      if (rule.level !== "None" || hidden.length === 0 || ruleContains(rule, { level: "None" })) {
        return [];
      }
      return [
        {
          severity: "warning" as const,
          steps: ["rules", index],
          message: `Cannot see discovery: rules[${index}] drops ${words(hidden)} for ordinary users`,
          hint: "Name the control loops that ask all day, such as the garbage collector, and keep everyone else's",
        },
      ];
    }),
};
