import type { Policy, PolicyRule } from "../policy.ts";
import type { BackendFlag } from "./backend-flags.ts";
import { commentLines, indent, policyFile } from "./install-plan.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";

const FIELDS: ReadonlyMap<string, string> = new Map([
  ["audit-log-maxage", "audit_log_maxage"],
  ["audit-log-maxbackup", "audit_log_maxbackups"],
  ["audit-log-maxsize", "audit_log_maxsize"],
]);

/** kubespray: inventory variables. Its template takes rules only, so what the policy says for all stands in each of them. */
export function planKubespray(input: InstallInput): InstallPlan {
  const without = input.flags.filter(({ name }) => !FIELDS.has(name));
  const text = `${commentLines("Goes to group_vars/k8s_cluster/audit.yml of the inventory.")}
kubernetes_audit: true
audit_log_path: /var/log/audit/kube-apiserver-audit.log
audit_log_hostpath: /var/log/kubernetes/audit
${input.flags.flatMap(fieldOf).join("\n")}
audit_policy_custom_rules: |
${indent(rulesAlone(input.text, input.policy), 2)}
`;
  const arguments_ = without.map(({ name, value }) => `${name}: ${JSON.stringify(value)}`).join(", ");
  return {
    files: [
      policyFile(input, "the variable audit_policy_custom_rules; this copy is for `auditsieve policy check`"),
      { name: "audit.yml", text, what: "variables of the inventory" },
    ],
    steps: [
      "Copy audit.yml to group_vars/k8s_cluster of the inventory.",
      "ansible-playbook -i INVENTORY cluster.yml --tags control-plane, or upgrade-cluster.yml.",
      ...(without.length > 0 ? [`Add to kube_kubeadm_apiserver_extra_args: {${arguments_}}`] : []),
    ],
    logPath: "/var/log/kubernetes/audit/kube-apiserver-audit.log",
  };
}

function fieldOf({ name, value }: BackendFlag): string[] {
  const field = FIELDS.get(name);
  return field === undefined ? [] : [`${field}: ${value}`];
}

/** The text of the rules, each with the stages and managed fields that the policy leaves out of all. */
function rulesAlone(text: string, policy: Policy): string {
  const [, rules = ""] = text.split("\nrules:\n");
  let index = -1;
  return rules
    .split("\n")
    .filter((line) => !line.startsWith("    omitStages:"))
    .map((line) => line.replace(/^ {2}/, ""))
    .flatMap((line) => {
      if (!line.startsWith("- level: ")) {
        return [line];
      }
      index += 1;
      return [line, ...inherited(policy, policy.rules[index])];
    })
    .join("\n")
    .trim();
}

function inherited(policy: Policy, rule: PolicyRule | undefined): string[] {
  const stages = [...new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])])];
  const omitManagedFields = rule?.omitManagedFields === undefined ? policy.omitManagedFields : undefined;
  return rule?.level === "None"
    ? []
    : [
        ...(stages.length > 0 ? [`  omitStages: ${JSON.stringify(stages)}`] : []),
        ...(omitManagedFields === undefined ? [] : [`  omitManagedFields: ${omitManagedFields}`]),
      ];
}
