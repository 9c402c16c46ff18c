import { commentLines, indent, policyFile } from "./install-plan.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";

/** Talos: a patch of the machine configuration. It names the policy's file and the log itself. */
export function planTalos(input: InstallInput): InstallPlan {
  const text = `${commentLines(
    "Patch of the machine configuration of control plane nodes.\nTalos writes the policy down and sets --audit-policy-file and --audit-log-path itself.",
  )}
cluster:
  apiServer:
    extraArgs:
${input.flags.map(({ name, value }) => `      ${name}: ${JSON.stringify(value)}`).join("\n")}
    auditPolicy:
${indent(input.text, 6)}
`;
  return {
    files: [
      policyFile(input, "the patch; this copy is for `auditsieve policy check`"),
      { name: "talos-audit.patch.yaml", text, what: "patch of the machine configuration" },
    ],
    steps: [
      "talosctl --nodes CONTROL-PLANE patch machineconfig --patch @talos-audit.patch.yaml, one node after the other.",
      "Without --mode=staged the apiserver is restarted at once; the node is not.",
    ],
    logPath: "/var/log/audit/kube/kube-apiserver.log",
  };
}
