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

/** Where the audit webhook posts to, and how it shows who it is. */
export interface WebhookTarget {
  readonly url: string;
  /** PEM: who signed the receiver's certificate, and the certificate and key that the apiserver shows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

const ADMIN: TokenUser = { name: "admin", groups: ["system:masters"] };
/** An address for documentation (RFC 5737): nothing ever connects to it. */
const ADVERTISED = "192.0.2.10";

/** Writes the files that kube-apiserver reads, and gives its flags. */
export async function writeConfiguration(
  folder: string,
  options: {
    readonly policyText: string;
    readonly webhook?: string | WebhookTarget;
    readonly users?: readonly TokenUser[];
  },
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

async function writeWebhook(file: string, given: string | WebhookTarget): Promise<readonly string[]> {
  const { url, ca, cert, key, token }: WebhookTarget = typeof given === "string" ? { url: given } : given;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const configuration = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "sink", cluster: { server: url, ...(ca !== undefined && { "certificate-authority-data": base64(ca) }) } },
    ],
    users: [
      {
        name: "sink",
        user: {
          ...(cert !== undefined && { "client-certificate-data": base64(cert) }),
          ...(key !== undefined && { "client-key-data": base64(key) }),
          ...(token !== undefined && { token }),
        },
      },
    ],
    contexts: [{ name: "sink", context: { cluster: "sink", user: "sink" } }],
    "current-context": "sink",
  };
  await writeFile(file, JSON.stringify(configuration));
  return [`--audit-webhook-config-file=${file}`, "--audit-webhook-batch-max-wait=1s"];
}
