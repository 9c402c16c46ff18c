import { allFlags, LOG_PATH, POLICY_FILE, POLICY_FOLDER, policyFile, webhookFiles } from "./install-plan.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";

/** An apiserver that is started by hand, by systemd or by a pod that someone else writes: the flags alone. */
export function planGeneric(input: InstallInput): InstallPlan {
  const flags = allFlags(input, `${POLICY_FOLDER}/${POLICY_FILE}`, LOG_PATH);
  return {
    files: [
      policyFile(input, `${POLICY_FOLDER}/${POLICY_FILE}`),
      ...webhookFiles(input),
      {
        name: "kube-apiserver.flags",
        text: `${flags.map(({ name, value }) => `--${name}=${value}`).join("\n")}\n`,
        what: "flags to add to those of kube-apiserver, one a line",
      },
    ],
    steps: [
      "Copy the policy to each control plane node, and add the flags to kube-apiserver there.",
      "Restart one apiserver after the other: none starts with a policy that it cannot read, and none reads it again later.",
    ],
    logPath: input.webhookUrl === undefined ? LOG_PATH : undefined,
  };
}
