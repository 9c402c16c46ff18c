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
      const isOfObjects = Boolean(rule.resources?.length) || Boolean(rule.nonResourceURLs?.length);
      if (rule.level !== "None" || who.length === 0 || isOfObjects) {
        return [];
      }
      const where = rule.namespaces?.length ? ` in ${words(rule.namespaces)}` : "";
      const isOfVerbs = Boolean(rule.verbs?.length);
      const what = isOfVerbs
        ? `what ${words(who, "or")} does by ${words(rule.verbs ?? [], "or")}`
        : `anything that ${words(who, "or")} does`;
      const how = isOfVerbs ? "by identity and verb, whatever it is done to" : "by identity alone";
      const message = `Cannot see ${what}${where}: rules[${index}] drops it ${how}`;
      const hint = `Add the ${isOfVerbs ? "" : "verbs and "}resources that are the noise`;
      const severity = isOfVerbs ? ("warning" as const) : ("error" as const);
      return [{ severity, steps: ["rules", index], message, hint }];
    }),
};
