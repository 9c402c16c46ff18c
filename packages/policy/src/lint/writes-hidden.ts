import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";
import { ruleContains } from "./rule-contains.ts";
import { decidedWitness } from "../witness.ts";
import type { PolicyRule } from "../policy.ts";

const CHANGES = ["create", "update", "patch", "delete", "deletecollection"];
const EVERYONE = new Set(["system:authenticated", "system:unauthenticated", "system:serviceaccounts"]);

export const writesHidden: LintRule = {
  id: "writes-hidden",
  summary:
    "A rule that drops a noisy resource for everyone hides that somebody changes or deletes it, such as events to cover tracks.",
  bad: '- level: None\n  resources: [{group: "", resources: [events]}]\n- level: Metadata',
  good: '- level: None\n  userGroups: ["system:nodes"]\n  verbs: [create, patch]\n  resources: [{group: "", resources: [events]}, {group: events.k8s.io, resources: [events]}]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const isOfEveryone = !rule.users?.length && (rule.userGroups ?? []).every((group) => EVERYONE.has(group));
      if (rule.level !== "None" || !isOfEveryone || ruleContains(rule, { level: "None" })) {
        return [];
      }
      const objects = namedIn(rule);
      const hidden = CHANGES.filter((verb) =>
        objects.some(({ group, resource }) => decidedWitness(policy, index, { verb, group, resource }) !== undefined),
      );
      if (hidden.length === 0) {
        return [];
      }
      const what = words(objects.map(({ resource }) => resource));
      const message = `Cannot see who changes ${what}: rules[${index}] drops ${words(hidden)} by anyone`;
      const hint = "Name the identities whose changes are the noise, and only their verbs";
      return [{ severity: "warning" as const, steps: ["rules", index], message, hint }];
    }),
};

function namedIn(rule: PolicyRule): readonly { readonly group: string; readonly resource: string }[] {
  return (rule.resources ?? []).flatMap(({ group = "", resources }) =>
    (resources?.length ? resources : ["*"])
      .filter((name) => !name.includes("/"))
      .map((name) => ({ group: group === "*" ? "" : group, resource: name === "*" ? "objects" : name })),
  );
}
