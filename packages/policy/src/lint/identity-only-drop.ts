import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";

export const identityOnlyDrop: LintRule = {
  id: "identity-only-drop",
  summary:
    "Whoever steals the credential of a dropped identity is not seen: drop by identity, verb and resource together.",
  bad: '- level: None\n  userGroups: ["system:serviceaccounts:kube-system"]\n- level: Metadata',
  good: '- level: None\n  userGroups: ["system:serviceaccounts:kube-system"]\n  verbs: [update]\n  resources: [{group: coordination.k8s.io, resources: [leases]}]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const who = [...(rule.users ?? []), ...(rule.userGroups ?? [])];
      const isNarrowed = rule.verbs?.length || rule.resources?.length || rule.nonResourceURLs?.length;
      if (rule.level !== "None" || who.length === 0 || isNarrowed) {
        return [];
      }
      const where = rule.namespaces?.length ? ` in ${words(rule.namespaces)}` : "";
      const message = `Cannot see anything that ${words(who, "or")} does${where}: rules[${index}] drops it by identity alone`;
      const hint = "Add the verbs and resources that are the noise";
      return [{ severity: "error" as const, steps: ["rules", index], message, hint }];
    }),
};
