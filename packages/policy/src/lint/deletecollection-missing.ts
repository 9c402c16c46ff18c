import { isLevelBelow } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import type { LintRule } from "./lint-rule.ts";
import { KNOWN_RESOURCES } from "../known-resources.ts";
import { decidedWitness } from "../witness.ts";
import type { WitnessRequest } from "../witness.ts";
import type { PolicyRule } from "../policy.ts";

export const deletecollectionMissing: LintRule = {
  id: "deletecollection-missing",
  summary: "Deleting many objects at once is the verb deletecollection, not delete.",
  bad: "- level: Request\n  verbs: [create, delete]\n  resources: [{group: apps}]\n- level: None\n  verbs: [deletecollection]\n  userGroups: [system:authenticated]\n- level: Metadata",
  good: "- level: Request\n  verbs: [create, delete, deletecollection]\n  resources: [{group: apps}]\n- level: Metadata",
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const { verbs = [] } = rule;
      const witness = verbs.includes("delete") && !verbs.includes("deletecollection") && witnessFor(rule);
      const one = witness ? decidedWitness(policy, index, witness) : undefined;
      const many = one && evaluate(policy, { ...one, verb: "deletecollection", name: "" });
      if (!many || !isLevelBelow(many.level, rule.level)) {
        return [];
      }
      const by = many.rule === null ? "no rule" : `rules[${many.rule}]`;
      const message = `Cannot see mass deletion by rules[${index}] (${rule.level}): deletecollection of ${one.resource} is ${many.level} by ${by}`;
      const steps = ["rules", index, "verbs"];
      return [{ severity: "warning" as const, steps, message, hint: "Add deletecollection to the verbs" }];
    }),
};

/** A plain resource that the rule names; pods where it names none. */
function witnessFor(rule: PolicyRule): WitnessRequest | undefined {
  if (!rule.resources?.length) {
    return { verb: "delete", group: "", resource: "pods" };
  }
  for (const { group = "", resources } of rule.resources) {
    const resource = resources?.length ? resources.find((name) => !name.includes("/")) : "*";
    if (resource !== undefined) {
      return {
        verb: "delete",
        group: group === "*" ? "" : group,
        resource: resource === "*" ? (KNOWN_RESOURCES.get(group)?.[0] ?? "pods") : resource,
      };
    }
  }
  return undefined;
}
