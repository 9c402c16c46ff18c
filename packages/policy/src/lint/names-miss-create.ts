import { isLevelBelow } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import type { LintRule } from "./lint-rule.ts";
import { decidedWitness } from "../witness.ts";

const NAMELESS = ["create", "deletecollection"];
const CHANGES = ["update", "patch", "delete"];

export const namesMissCreate: LintRule = {
  id: "names-miss-create",
  summary: "resourceNames are compared with the name in the URL: a create and a deletecollection have none there.",
  bad: "- level: Request\n  verbs: [create, update, patch, delete]\n  resources: [{group: apps, resources: [deployments], resourceNames: [gateway]}]\n- level: Metadata",
  good: "- level: Request\n  verbs: [create]\n  resources: [{group: apps, resources: [deployments]}]\n- level: Request\n  verbs: [update, patch, delete, deletecollection]\n  resources: [{group: apps, resources: [deployments], resourceNames: [gateway]}]\n- level: Request\n  verbs: [deletecollection]\n  resources: [{group: apps, resources: [deployments]}]\n- level: Metadata",
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) =>
      (rule.resources ?? []).flatMap(({ group = "", resources = [], resourceNames = [] }, entry) => {
        const resource = resources.find((name) => !/[*/]/.test(name));
        const verb = CHANGES.find((one) => rule.verbs?.includes(one) ?? true);
        if (rule.level === "None" || resourceNames.length === 0 || resource === undefined || verb === undefined) {
          return [];
        }
        const witness = decidedWitness(policy, index, { verb, group, resource });
        const missed = NAMELESS.flatMap((one) => {
          const other = witness && evaluate(policy, { ...witness, verb: one, name: "" });
          return other && isLevelBelow(other.level, rule.level) ? [`${one} is ${other.level}`] : [];
        });
        if (missed.length === 0) {
          return [];
        }
        const isNamed = NAMELESS.some((one) => rule.verbs?.includes(one));
        return [
          {
            severity: isNamed ? ("warning" as const) : ("info" as const),
            steps: ["rules", index, "resources", entry, "resourceNames"],
            message: `Cannot see ${resource} called ${resourceNames[0]} being made anew by rules[${index}] (${rule.level}): ${missed.join(", ")}`,
            hint: "Add a rule without resourceNames for the verbs create and deletecollection",
          },
        ];
      }),
    ),
};
