import type { LintRule } from "./lint-rule.ts";
import { decidedWitness } from "../witness.ts";
import type { PolicyRule } from "../policy.ts";

export const readBodies: LintRule = {
  id: "read-bodies",
  summary:
    "At RequestResponse every list and get is written with all that it returned, whatever the text beside the rule says about changes.",
  bad: '- level: RequestResponse\n  resources: [{group: "", resources: [pods]}]\n- level: Metadata',
  good: '- level: RequestResponse\n  verbs: [create, update, patch, delete, deletecollection]\n  resources: [{group: "", resources: [pods, pods/ephemeralcontainers]}]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      if (rule.level !== "RequestResponse") {
        return [];
      }
      const read = objectsOf(rule).find(
        ({ group, resource }) => decidedWitness(policy, index, { verb: "list", group, resource }) !== undefined,
      );
      if (read === undefined) {
        return [];
      }
      const message = `Cannot keep answers to reads out of the log: rules[${index}] writes every list of ${read.resource} whole, often over 100 kB, which many sinks cut or refuse`;
      const hint = "Add verbs: [create, update, patch, delete, deletecollection]; reads are told at Metadata too";
      return [{ severity: "warning" as const, steps: ["rules", index], message, hint }];
    }),
};

/** Plain resources that the rule names, or one that stands for all. */
function objectsOf(rule: PolicyRule): readonly { readonly group: string; readonly resource: string }[] {
  if (!rule.resources?.length) {
    return rule.nonResourceURLs?.length && !rule.namespaces?.length ? [] : [{ group: "", resource: "pods" }];
  }
  return rule.resources.flatMap(({ group = "", resources }) =>
    (resources?.length ? resources : ["*"])
      .filter((name) => !name.includes("/"))
      .map((name) => ({
        group: group === "*" ? "" : group,
        resource: name === "*" ? (group === "" || group === "*" ? "pods" : "objects") : name,
      })),
  );
}
