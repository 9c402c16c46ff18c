import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Somebody who logs in with a token. */
export interface TokenUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What an apiserver is started with. */
export interface Configuration {
  readonly flags: readonly string[];
  readonly auditLog: string;
  /** Where it will put the certificate that it makes for itself. */
  readonly certificate: string;
  readonly tokens: ReadonlyMap<string, string>;
}

const ADMIN: TokenUser = { name: "admin", groups: ["system:masters"] };
/** An address for documentation (RFC 5737): nothing ever connects to it. */
const ADVERTISED = "192.0.2.10";

/** Writes the files that kube-apiserver reads, and gives its flags. */
export async function writeConfiguration(
  folder: string,
  options: { readonly policyText: string; readonly webhook?: string; readonly users?: readonly TokenUser[] },
): Promise<Configuration> {
  const at = (name: string): string => join(folder, name);
  const users = [ADMIN, ...(options.users ?? [])];
  const tokens = new Map(users.map(({ name }) => [name, randomBytes(16).toString("hex")]));
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "sec1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const rows = users.map(({ name, groups }) => `${tokens.get(name)},${name},uid-${name},"${groups.join(",")}"`);
  await writeFile(at("tokens.csv"), `${rows.join("\n")}\n`, { mode: 0o600 });
  await writeFile(at("sa.key"), privateKey, { mode: 0o600 });
  await writeFile(at("sa.pub"), publicKey);
  await writeFile(at("policy.yaml"), options.policyText);
  const webhook = options.webhook === undefined ? [] : await writeWebhook(at("webhook.yaml"), options.webhook);
  const flags = [
    "--bind-address=127.0.0.1",
    `--advertise-address=${ADVERTISED}`,
    "--endpoint-reconciler-type=none",
    "--service-cluster-ip-range=10.96.0.0/16",
    `--cert-dir=${at("certificates")}`,
    `--token-auth-file=${at("tokens.csv")}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${at("sa.pub")}`,
    `--service-account-signing-key-file=${at("sa.key")}`,
    `--audit-policy-file=${at("policy.yaml")}`,
    `--audit-log-path=${at("audit.log")}`,
    // One file, however much is written.
    "--audit-log-maxsize=100000",
    ...webhook,
  ];
  return { flags, auditLog: at("audit.log"), certificate: at("certificates/apiserver.crt"), tokens };
}

async function writeWebhook(file: string, url: string): Promise<readonly string[]> {
  const configuration = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "sink", cluster: { server: url } }],
    users: [{ name: "sink", user: {} }],
    contexts: [{ name: "sink", context: { cluster: "sink", user: "sink" } }],
    "current-context": "sink",
  };
  await writeFile(file, JSON.stringify(configuration));
  return [`--audit-webhook-config-file=${file}`, "--audit-webhook-batch-max-wait=1s"];
}
