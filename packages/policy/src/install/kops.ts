import type { BackendFlag } from "./backend-flags.ts";
import { commentLines, indent, policyFile } from "./install-plan.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";

const POLICY = "/srv/kubernetes/kube-apiserver/audit-policy.yaml";
// kOps mounts the log's folder into the apiserver: one that holds nothing else.
const LOG = "/var/log/kubernetes/audit/audit.log";

/** Flags that a kOps cluster spec has a field for; it has none for the log's mode. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["audit-log-maxage", "auditLogMaxAge"],
  ["audit-log-maxbackup", "auditLogMaxBackups"],
  ["audit-log-maxsize", "auditLogMaxSize"],
]);

/** kOps: fields of the cluster spec, and the policy as a file asset of the control plane. */
export function planKops(input: InstallInput): InstallPlan {
  const without = input.flags.filter(({ name }) => !FIELDS.has(name));
  const text = `${commentLines("To be merged into the cluster by `kops edit cluster`.")}
spec:
  kubeAPIServer:
    auditPolicyFile: ${POLICY}
    auditLogPath: ${LOG}
${input.flags.flatMap(fieldOf).join("\n")}
  fileAssets:
    - name: audit-policy
      path: ${POLICY}
      roles: [ControlPlane]
      content: |
${indent(input.text, 8)}
`;
  return {
    files: [
      policyFile(input, "the file asset; this copy is for `auditsieve policy check`"),
      { name: "kops-cluster.yaml", text, what: "fields of the cluster spec" },
    ],
    steps: [
      "kops edit cluster, and merge kops-cluster.yaml in.",
      "kops update cluster --yes, then kops rolling-update cluster --instance-group-roles control-plane --yes.",
      ...without.map(
        ({ name, value }) => `--${name}=${value} has no field in the cluster spec: the apiserver's default stays.`,
      ),
    ],
    logPath: LOG,
  };
}

function fieldOf({ name, value }: BackendFlag): string[] {
  const field = FIELDS.get(name);
  return field === undefined ? [] : [`    ${field}: ${value}`];
}
