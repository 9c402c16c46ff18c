import { own } from "@auditsieve/audit";
import type { JsonObject } from "@auditsieve/audit";
import type { ConfigReader } from "./config-reader.ts";
import { isClientName } from "../sources/client-names.ts";
import type { WebhookOptions } from "../sources/webhook.ts";

/** Receives what an apiserver's audit webhook posts. */
export interface WebhookSourceConfig extends Pick<
  WebhookOptions,
  | "host"
  | "port"
  | "path"
  | "tls"
  | "token"
  | "maxBodyBytes"
  | "maxSpoolBytes"
  | "requestTimeoutMs"
  | "initialBackoffMs"
> {
  readonly type: "webhook";
  readonly name: string;
  /** Default: `spool/<name>` in the state folder. */
  readonly spoolFolder?: string;
}

type At = readonly (string | number)[];

export const WEBHOOK_KEYS: readonly string[] = [
  "listen",
  "path",
  "certFile",
  "keyFile",
  "clientCaFile",
  "clientNames",
  "token",
  "insecure",
  "spoolFolder",
  "maxSpoolBytes",
  "maxBodyBytes",
  "requestTimeoutMs",
  "initialBackoffMs",
];

const DEFAULT_LISTEN = "0.0.0.0:8443";
const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/;

/** Reads a source of type `webhook`: nobody may post without TLS and a proof of who they are, unless `insecure` says so. */
export function readWebhook(
  reader: ConfigReader,
  given: JsonObject,
  at: At,
  name: string,
): WebhookSourceConfig | undefined {
  const listen = readListen(reader, given, at);
  const path = reader.optional(given, "path", at);
  const pair = reader.keyPair(given, at);
  const clientCa = reader.certificate(given, "clientCaFile", at);
  const clientNames = readClientNames(reader, given, at);
  const token = reader.secret(given, "token", at);
  const isInsecure = reader.flag(given, "insecure", at, false);
  const isGiven = (one: string): boolean => own(given, one) !== undefined;
  if (!isInsecure && (!isGiven("certFile") || (!isGiven("clientCaFile") && !isGiven("token")))) {
    reader.problem(
      at,
      "whoever reaches it could post events: it needs certFile and keyFile, and clientCaFile or token",
      "docs/ingest-sources.md shows how; insecure: true goes without, for a loopback address only",
    );
  }
  if (isInsecure && listen !== undefined && !["127.0.0.1", "::1", "localhost"].includes(listen.host)) {
    reader.problem(
      [...at, "insecure"],
      "insecure is for a loopback address only",
      "Listen on 127.0.0.1, or give certFile",
    );
  }
  if (isGiven("clientCaFile") && !isGiven("certFile")) {
    reader.problem([...at, "clientCaFile"], "clientCaFile needs TLS", "Give certFile and keyFile");
  }
  if (path !== undefined && !path.startsWith("/")) {
    reader.problem([...at, "path"], "the path must begin with /", 'For example "/audit"');
  }
  const spoolFolder = reader.optional(given, "spoolFolder", at);
  const counts = {
    maxSpoolBytes: reader.count(given, "maxSpoolBytes", at, 1024 * 1024),
    maxBodyBytes: reader.count(given, "maxBodyBytes", at, 1024),
    requestTimeoutMs: reader.wait(given, "requestTimeoutMs", at, 100),
    initialBackoffMs: reader.wait(given, "initialBackoffMs", at, 1),
  };
  const { maxSpoolBytes = 256 * 1024 * 1024, maxBodyBytes = 32 * 1024 * 1024 } = counts;
  if (maxBodyBytes > maxSpoolBytes) {
    reader.problem(at, "a body of maxBodyBytes does not fit into maxSpoolBytes", "Raise maxSpoolBytes");
  }
  if (listen === undefined) {
    return undefined;
  }
  return {
    type: "webhook",
    name,
    ...listen,
    ...(path !== undefined && { path }),
    ...(pair && {
      tls: { ...pair, ...(clientCa !== undefined && { clientCa }), ...(clientNames !== undefined && { clientNames }) },
    }),
    ...(token !== undefined && { token }),
    ...(spoolFolder !== undefined && { spoolFolder }),
    ...(Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined)) as Partial<
      Record<keyof typeof counts, number>
    >),
  };
}

/** Whose certificates are taken. */
function readClientNames(reader: ConfigReader, given: JsonObject, at: At): readonly string[] | undefined {
  if (own(given, "clientNames") === undefined) {
    return undefined;
  }
  const here = [...at, "clientNames"];
  const names = reader.texts(given, "clientNames", at);
  const wrong = names.findIndex((name) => !isClientName(name));
  if (wrong !== -1) {
    reader.problem(
      [...here, wrong],
      "it is no name of a certificate",
      'For example "CN=apiserver-audit" or "DNS:…", "URI:…"',
    );
  }
  if (own(given, "clientCaFile") === undefined) {
    reader.problem(here, "clientNames are of certificates that clientCaFile has signed", "Give clientCaFile");
  }
  return names;
}

function readListen(
  reader: ConfigReader,
  given: JsonObject,
  at: At,
): { readonly host: string; readonly port: number } | undefined {
  const text = reader.text(given, "listen", at, DEFAULT_LISTEN);
  const parts = text === undefined ? undefined : LISTEN.exec(text);
  if (text === undefined || (parts !== null && parts !== undefined && Number(parts[3]) <= 65_535)) {
    return parts ? { host: parts[1] ?? parts[2] ?? "", port: Number(parts[3]) } : undefined;
  }
  return reader.problem([...at, "listen"], "listen must be an address and a port", `For example "${DEFAULT_LISTEN}"`);
}
