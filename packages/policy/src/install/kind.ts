import {
  allFlags,
  commentLines,
  indent,
  LOG_FOLDER,
  LOG_PATH,
  POLICY_FILE,
  POLICY_FOLDER,
  policyFile,
} from "./install-plan.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";
import { apiServerLines } from "./kubeadm.ts";

/** kind: the policy mounted into the node, and patches of its kubeadm configuration in both versions that it may write. */
export function planKind(input: InstallInput): InstallPlan {
  const flags = allFlags(input, `${POLICY_FOLDER}/${POLICY_FILE}`, LOG_PATH);
  const patches = (["v1beta3", "v1beta4"] as const).map((version) => {
    const head = [`apiVersion: kubeadm.k8s.io/${version}`, "kind: ClusterConfiguration"];
    return `      - |\n${indent([...head, ...apiServerLines(flags, version)].join("\n"), 8)}`;
  });
  const text = `${commentLines(
    "For `kind create cluster --config kind-config.yaml`, started in this folder.\nkind applies the patch whose version its own configuration has.",
  )}
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    kubeadmConfigPatches:
${patches.join("\n")}
    extraMounts:
      - hostPath: ./${POLICY_FILE}
        containerPath: ${POLICY_FOLDER}/${POLICY_FILE}
        readOnly: true
      - hostPath: ./audit-log
        containerPath: ${LOG_FOLDER}
`;
  return {
    files: [
      policyFile(input, "this folder, from where kind mounts it"),
      { name: "kind-config.yaml", text, what: "configuration of the cluster" },
    ],
    steps: [
      "mkdir audit-log && kind create cluster --config kind-config.yaml",
      "The log is audit-log/audit.log in this folder too: tail it there. More control plane nodes each need a folder of their own.",
    ],
    logPath: LOG_PATH,
  };
}
