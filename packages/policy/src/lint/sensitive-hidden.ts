import { evaluate } from "../evaluate.ts";
import { words } from "./describe-rule.ts";
import type { LintFinding, LintRule } from "./lint-rule.ts";
import { personsRequest } from "./person.ts";
import { SENSITIVE_CLASSES } from "./sensitive-classes.ts";
import { decidedWitness } from "../witness.ts";

export const sensitiveHidden: LintRule = {
  id: "sensitive-hidden",
  summary:
    "Secrets, RBAC, exec, tokens, webhooks and certificate requests are what an attacker uses: at None nobody sees it. Rules for them come first.",
  bad: '- level: None\n  userGroups: ["system:serviceaccounts:kube-system"]\n  verbs: [get, list]\n  resources: [{group: ""}]\n- level: Metadata',
  good: '- level: Metadata\n  resources: [{group: "", resources: [secrets]}]\n- level: None\n  users: ["system:kube-scheduler"]\n  verbs: [watch]\n  resources: [{group: "", resources: [pods]}]\n- level: Metadata',
  check: ({ policy }) => {
    const byRules = policy.rules.flatMap((rule, index) => {
      const who = [...(rule.users ?? []), ...(rule.userGroups ?? [])];
      const hidden =
        rule.level === "None"
          ? SENSITIVE_CLASSES.filter(([verb, resource]) => {
              const { apiGroup, resource: name, subresource, namespace } = personsRequest(verb, resource);
              const isNamespaced = namespace !== "";
              const request = { verb, group: apiGroup, resource: name, subresource, isNamespaced };
              return decidedWitness(policy, index, request) !== undefined;
            })
          : [];
      const by = who.length === 0 ? "anyone" : words(who, "or");
      return hidden.length === 0 ? [] : [finding(["rules", index], hidden, `rules[${index}] drops it for ${by}`)];
    });
    const unmatched = SENSITIVE_CLASSES.filter(
      ([verb, resource]) => evaluate(policy, personsRequest(verb, resource)).rule === null,
    );
    return unmatched.length === 0 ? byRules : [...byRules, finding(["rules"], unmatched, "no rule matches it")];
  },
};

function finding(steps: LintFinding["steps"], classes: typeof SENSITIVE_CLASSES, why: string): LintFinding {
  const resources = [...new Set(classes.map(([, resource]) => resource))];
  const what = resources.map((resource) => {
    const verbs = classes.filter(([, one]) => one === resource).map(([verb]) => verb);
    return `${verbs.join("/")} of ${resource}`;
  });
  return {
    severity: "warning",
    steps,
    message: `Cannot see ${words(what)}: ${why}`,
    hint: "Put a rule for it before, at Metadata or above and without users",
  };
}
