import { isLevelBelow } from "@auditsieve/audit";
import { words } from "./describe-rule.ts";
import { knownResources } from "../known-resources.ts";
import type { LintRule } from "./lint-rule.ts";

/** Who lists as many groups of Kubernetes' own, means all of them. */
const MANY = 8;
const LISTED =
  '{group: ""}, {group: admissionregistration.k8s.io}, {group: apps}, {group: autoscaling}, {group: batch}, {group: networking.k8s.io}, {group: policy}, {group: rbac.authorization.k8s.io}, {group: storage.k8s.io}';

export const groupsMissing: LintRule = {
  id: "groups-missing",
  summary: "A rule that lists Kubernetes' groups one by one misses those that came later: they fall to the last rule.",
  bad: `- level: Request\n  verbs: [get, list, watch]\n  resources: [${LISTED}]\n- level: Metadata`,
  good: "- level: Request\n  verbs: [create, update, patch, delete, deletecollection]\n  resources: [{group: rbac.authorization.k8s.io}]\n- level: Metadata",
  check: ({ policy, kubernetesVersion }) =>
    policy.rules.flatMap((rule, index) => {
      const listed = (rule.resources ?? []).flatMap(({ group = "", resources = [] }) =>
        resources.length === 0 ? [group] : [],
      );
      const served = [...knownResources(kubernetesVersion)]
        .filter(([, names]) => names.length > 0)
        .map(([group]) => group);
      const known = listed.filter((group) => served.includes(group));
      const missing = served.filter((group) => !listed.includes(group)).sort();
      if (
        !isLevelBelow("Metadata", rule.level) ||
        known.length < MANY ||
        missing.length === 0 ||
        listed.includes("*")
      ) {
        return [];
      }
      const message = `Cannot match ${words(missing)} by rules[${index}] (${rule.level}), which lists ${known.length} of Kubernetes ${kubernetesVersion}'s ${served.length} groups`;
      const hint = 'Add them, or from Kubernetes 1.36 on write group: "*"';
      return [{ severity: "info" as const, steps: ["rules", index, "resources"], message, hint }];
    }),
};
