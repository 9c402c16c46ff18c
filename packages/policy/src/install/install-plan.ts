import type { Policy } from "../policy.ts";
import type { BackendFlag } from "./backend-flags.ts";

/** What is to be installed. */
export interface InstallInput {
  /** The policy as text, and as loaded. */
  readonly text: string;
  readonly policy: Policy;
  readonly kubernetesVersion: string;
  /** Flags of the audit backend, without those that name files. */
  readonly flags: readonly BackendFlag[];
  /** Address that the webhook backend posts to; the log backend without one. */
  readonly webhookUrl?: string;
}

/** A file to write down. */
export interface InstallFile {
  /** Name in the folder that is written. */
  readonly name: string;
  readonly text: string;
  /** What it is and where it goes. */
  readonly what: string;
}

/** How a policy comes into force on one kind of cluster. */
export interface InstallPlan {
  readonly files: readonly InstallFile[];
  /** What to do with them, in order. */
  readonly steps: readonly string[];
  /** The log to be tailed, as a path on the control plane's nodes; undefined where there is none. */
  readonly logPath: string | undefined;
}

/** Name of the policy's file in every plan. */
export const POLICY_FILE = "audit-policy.yaml";

/** Where kubeadm's layout has the policy and the log. */
export const POLICY_FOLDER = "/etc/kubernetes/audit";
export const LOG_FOLDER = "/var/log/kubernetes/audit";
export const LOG_PATH: string = `${LOG_FOLDER}/audit.log`;

/** The policy itself, and where it goes. */
export function policyFile({ text }: InstallInput, target: string): InstallFile {
  return { name: POLICY_FILE, text, what: `the policy; goes to ${target} on each control plane node, mode 0600` };
}

/** The flags that name files, then those of the backend. */
export function allFlags({ flags, webhookUrl }: InstallInput, policy: string, log: string): readonly BackendFlag[] {
  return [
    { name: "audit-policy-file", value: policy },
    webhookUrl === undefined
      ? { name: "audit-log-path", value: log }
      : { name: "audit-webhook-config-file", value: `${POLICY_FOLDER}/${WEBHOOK_FILE}` },
    ...flags,
  ];
}

/** Name of the file that says where the webhook is. */
const WEBHOOK_FILE = "audit-webhook.yaml";

/** The file that says where the webhook is, in the form of a kubeconfig; none for the log backend. */
export function webhookFiles({ webhookUrl }: InstallInput): readonly InstallFile[] {
  if (webhookUrl === undefined) {
    return [];
  }
  const text = `apiVersion: v1
kind: Config
clusters:
  - name: auditsieve
    cluster:
      server: ${JSON.stringify(webhookUrl)}
      # The authority that signed the receiver's certificate.
      certificate-authority: ${POLICY_FOLDER}/webhook-ca.crt
users:
  - name: apiserver
    user:
      client-certificate: ${POLICY_FOLDER}/webhook-client.crt
      client-key: ${POLICY_FOLDER}/webhook-client.key
contexts:
  - name: webhook
    context:
      cluster: auditsieve
      user: apiserver
current-context: webhook
`;
  return [
    {
      name: WEBHOOK_FILE,
      text,
      what: `where the webhook is; goes to ${POLICY_FOLDER}, with the certificates that it names`,
    },
  ];
}

/** A comment in front of a file that people edit. */
export function commentLines(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => `# ${line.trim()}`.trimEnd())
    .join("\n");
}

/** Every line that is not empty, moved to the right. */
export function indent(text: string, by: number): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? "" : " ".repeat(by) + line))
    .join("\n");
}
