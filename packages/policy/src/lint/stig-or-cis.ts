import type { LintRule } from "./lint-rule.ts";
import { ruleContains } from "./rule-contains.ts";

export const stigOrCis: LintRule = {
  id: "stig-or-cis",
  summary:
    "DISA STIG V-242403 asks for RequestResponse on everything; CIS 3.2.2 asks for Metadata on secrets, config maps and token reviews. No policy is both.",
  bad: "- level: RequestResponse",
  good: '- level: Metadata\n  resources: [{group: "", resources: [secrets, configmaps, serviceaccounts/token]}, {group: authentication.k8s.io, resources: [tokenreviews]}]\n- level: Request\n  verbs: [create, update, patch, delete, deletecollection]\n- level: Metadata',
  check: ({ policy: { rules } }) =>
    rules[0]?.level === "RequestResponse" && ruleContains(rules[0], { level: "None" })
      ? [
          {
            severity: "warning",
            steps: ["rules", 0],
            message:
              "Cannot satisfy CIS 3.2.2 by this policy: it is STIG V-242403 to the letter, and writes secrets, config maps and token reviews whole",
            hint: "Choose one and write the exception down; where STIG is binding, guard the log like the secrets in it",
          },
        ]
      : [],
};
