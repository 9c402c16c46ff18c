import { isLevelBelow } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";
import { personsRequest } from "./person.ts";

const KINDS = ["clusterrolebindings", "rolebindings", "clusterroles", "roles"];

export const rbacBodies: LintRule = {
  id: "rbac-bodies",
  summary:
    "At Metadata the log says that a binding was made, not to whom or which role: detections of new cluster admins stay undecided.",
  bad: '- level: Request\n  verbs: [create]\n  resources: [{group: "", resources: [pods, pods/ephemeralcontainers]}]\n- level: Metadata',
  good: "- level: Request\n  verbs: [create, update, patch, delete, deletecollection]\n  resources: [{group: rbac.authorization.k8s.io}]\n- level: Metadata",
  check: ({ policy }) => {
    const byRule = new Map<number, string[]>();
    for (const kind of KINDS) {
      const { level, rule } = evaluate(policy, personsRequest("create", `${kind}.rbac.authorization.k8s.io`));
      if (rule !== null && level === "Metadata") {
        byRule.set(rule, [...(byRule.get(rule) ?? []), kind]);
      }
    }
    const writesBodies = policy.rules.some(({ level }) => isLevelBelow("Metadata", level));
    return [...byRule].map(([rule, kinds]) => ({
      // Who writes no bodies at all means it.
      severity: writesBodies ? ("warning" as const) : ("info" as const),
      steps: ["rules", rule, "level"],
      message: `Cannot see what new ${words(kinds)} grant: rules[${rule}] writes them at Metadata`,
      hint: "Put before it: {level: Request, verbs: [create, update, patch, delete, deletecollection], resources: [{group: rbac.authorization.k8s.io}]}",
    }));
  },
};
