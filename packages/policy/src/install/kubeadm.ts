import { parseKubernetesVersion } from "../kubernetes-version.ts";
import type { BackendFlag } from "./backend-flags.ts";
import {
  allFlags,
  commentLines,
  LOG_FOLDER,
  LOG_PATH,
  POLICY_FILE,
  POLICY_FOLDER,
  policyFile,
  webhookFiles,
} from "./install-plan.ts";
import type { InstallFile, InstallInput, InstallPlan } from "./install-plan.ts";

/** kubeadm: extraArgs and volumes for a new cluster, a patch of the static pod for one that is there. */
export function planKubeadm(input: InstallInput): InstallPlan {
  const flags = allFlags(input, `${POLICY_FOLDER}/${POLICY_FILE}`, LOG_PATH);
  return {
    files: [
      policyFile(input, `${POLICY_FOLDER}/${POLICY_FILE}`),
      ...webhookFiles(input),
      configuration(input, flags),
      patch(flags),
    ],
    steps: [
      `Copy the policy to ${POLICY_FOLDER} on each control plane node and create ${LOG_FOLDER} (mode 0700).`,
      "A new cluster: merge kubeadm-config.yaml into the file that `kubeadm init --config` reads.",
      "A cluster that is there: merge it with `kubectl -n kube-system edit configmap kubeadm-config`, then run " +
        "`kubeadm upgrade apply --yes $(kubeadm version -o short)` on the first and `kubeadm upgrade node` on the others. " +
        "Or leave the configuration alone and give both `--patches` the folder patches. Never both: the flags would stand twice.",
    ],
    logPath: input.webhookUrl === undefined ? LOG_PATH : undefined,
  };
}

/** `apiServer` of a ClusterConfiguration, as lines: v1beta4 lists arguments, v1beta3 maps them. */
export function apiServerLines(flags: readonly BackendFlag[], version: "v1beta3" | "v1beta4"): readonly string[] {
  return [
    "apiServer:",
    "  extraArgs:",
    ...flags.flatMap(({ name, value }) =>
      version === "v1beta4"
        ? [`    - name: ${name}`, `      value: ${JSON.stringify(value)}`]
        : [`    ${name}: ${JSON.stringify(value)}`],
    ),
    "  extraVolumes:",
    "    - name: audit-policy",
    `      hostPath: ${POLICY_FOLDER}`,
    `      mountPath: ${POLICY_FOLDER}`,
    "      readOnly: true",
    "      pathType: Directory",
    "    - name: audit-log",
    `      hostPath: ${LOG_FOLDER}`,
    `      mountPath: ${LOG_FOLDER}`,
    "      pathType: DirectoryOrCreate",
  ];
}

function configuration({ kubernetesVersion }: InstallInput, flags: readonly BackendFlag[]): InstallFile {
  const minor = parseKubernetesVersion(kubernetesVersion)?.minor ?? 37;
  const version = minor >= 31 ? "v1beta4" : "v1beta3";
  const lines = [
    commentLines(
      "To be merged into the ClusterConfiguration of `kubeadm init --config`, or of the configmap kubeadm-config.",
    ),
    `apiVersion: kubeadm.k8s.io/${version}`,
    "kind: ClusterConfiguration",
    ...apiServerLines(flags, version),
  ];
  return { name: "kubeadm-config.yaml", text: `${lines.join("\n")}\n`, what: "arguments and volumes for kubeadm" };
}

/** A JSON patch: a strategic one would replace the whole command. */
function patch(flags: readonly BackendFlag[]): InstallFile {
  const operations = [
    ...flags.map(({ name, value }) => add("/spec/containers/0/command/-", `--${name}=${value}`)),
    ...[
      { name: "audit-policy", path: POLICY_FOLDER, readOnly: true, type: "Directory" },
      { name: "audit-log", path: LOG_FOLDER, readOnly: false, type: "DirectoryOrCreate" },
    ].flatMap(({ name, path, readOnly, type }) => [
      add("/spec/containers/0/volumeMounts/-", { name, mountPath: path, readOnly }),
      add("/spec/volumes/-", { name, hostPath: { path, type } }),
    ]),
  ];
  return {
    name: "patches/kube-apiserver0+json.yaml",
    text: `${operations.join("\n")}\n`,
    what: "the same as a patch of the static pod, for `kubeadm upgrade --patches patches`",
  };
}

function add(path: string, value: unknown): string {
  return `- op: add\n  path: ${path}\n  value: ${JSON.stringify(value)}`;
}
