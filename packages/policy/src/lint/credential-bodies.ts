import { isLevelBelow } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";
import { personsRequest } from "./person.ts";

/** Besides secrets; the last four are of OpenShift and k3s. */
const CARRIERS = [
  "configmaps",
  "routes.route.openshift.io",
  "oauthclients.oauth.openshift.io",
  "machineconfigs.machineconfiguration.openshift.io",
  "helmcharts.helm.cattle.io",
];

export const credentialBodies: LintRule = {
  id: "credential-bodies",
  summary:
    "Secrets are not all that holds credentials: config maps, routes, OAuth clients and chart values do, and last-applied copies in patches repeat them.",
  bad: '- level: Metadata\n  resources: [{group: "", resources: [secrets, serviceaccounts/token]}, {group: authentication.k8s.io, resources: [tokenreviews]}]\n- level: Request\n  verbs: [create, update, patch]\n- level: Metadata',
  good: '- level: Metadata\n  resources: [{group: "", resources: [secrets, configmaps]}]\n- level: Request\n  verbs: [create, update, patch]\n  resources: [{group: "", resources: [pods, pods/ephemeralcontainers]}, {group: rbac.authorization.k8s.io}]\n- level: Metadata',
  check: ({ policy }) => {
    const byRule = new Map<number, string[]>();
    for (const carrier of CARRIERS) {
      const { level, rule } = evaluate(policy, personsRequest("patch", carrier));
      if (rule !== null && isLevelBelow("Metadata", level)) {
        byRule.set(rule, [...(byRule.get(rule) ?? []), carrier.split(".", 1)[0] ?? carrier]);
      }
    }
    return [...byRule].map(([rule, carriers]) => ({
      severity: "info" as const,
      steps: ["rules", rule, "level"],
      message: `Cannot keep credentials out of the log by sparing secrets alone: rules[${rule}] writes ${words(carriers)} whole, which often hold some`,
      hint: "Put them at Metadata where yours do",
    }));
  },
};
