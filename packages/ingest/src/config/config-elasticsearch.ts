import { own } from "@auditsieve/audit";
import type { JsonObject } from "@auditsieve/audit";
import type { ConfigReader } from "./config-reader.ts";
import type { SinkBase } from "./config-sink-base.ts";
import type { ElasticsearchOptions } from "../sinks/elasticsearch.ts";
import type { Lifecycle } from "../sinks/index-template.ts";

/** A sink of type `elasticsearch`. */
export interface ElasticsearchSinkConfig
  extends
    SinkBase,
    Pick<ElasticsearchOptions, "node" | "auth" | "ca" | "namespace" | "lifecycle" | "requestTimeoutMs"> {
  readonly type: "elasticsearch";
}

/** Keys of the sink beside those of every sink. */
export const ELASTICSEARCH_KEYS: readonly string[] = [
  "node",
  "cloudId",
  "username",
  "password",
  "apiKey",
  "caFile",
  "namespace",
  "retention",
  "ilmPolicy",
  "requestTimeoutMs",
];

const NAMESPACE = /^[a-z0-9][a-z0-9_.]{0,99}$/;
const DOMAIN = /^([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::(\d{1,5}))?$/i;
const LABEL = /^[a-z0-9][a-z0-9-]{0,62}$/i;
const RETENTION = /^[1-9]\d{0,5}(?:d|h|m|s)$/;

/** Reads a sink of type `elasticsearch`. */
export function readElasticsearch(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  base: SinkBase,
): ElasticsearchSinkConfig | undefined {
  const node = readNode(reader, given, at);
  const username = reader.optional(given, "username", at);
  const password = reader.secret(given, "password", at);
  const apiKey = reader.secret(given, "apiKey", at);
  const ca = reader.certificate(given, "caFile", at);
  const namespace = reader.text(given, "namespace", at, "default");
  const lifecycle = readLifecycle(reader, given, at);
  const requestTimeoutMs = reader.wait(given, "requestTimeoutMs", at, 100);
  if ((username === undefined) !== (password === undefined)) {
    reader.problem(at, "username and password belong together", "Give both, or an apiKey");
  }
  if (apiKey !== undefined && username !== undefined) {
    reader.problem(at, "it has an apiKey and a username", "Give one of them");
  }
  if (namespace !== undefined && !NAMESPACE.test(namespace)) {
    reader.problem(
      [...at, "namespace"],
      "the namespace of a data stream has only a-z, 0-9, _ and .",
      'Leave it out for "default"',
    );
  }
  if (node === undefined || namespace === undefined) {
    return undefined;
  }
  const auth =
    apiKey !== undefined
      ? { apiKey }
      : username !== undefined && password !== undefined
        ? { username, password }
        : undefined;
  return {
    type: "elasticsearch",
    ...base,
    node,
    namespace,
    ...(auth && { auth }),
    ...(ca !== undefined && { ca }),
    ...(lifecycle && { lifecycle }),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  };
}

function readNode(reader: ConfigReader, given: JsonObject, at: (string | number)[]): string | undefined {
  if (own(given, "cloudId") !== undefined) {
    return readCloudId(reader, given, at);
  }
  const node = reader.text(given, "node", at);
  if (node === undefined) {
    return undefined;
  }
  const here = [...at, "node"];
  const url = URL.parse(node);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return reader.problem(
      here,
      "node must be a URL that begins with http:// or https://",
      'For example "https://elastic.example:9200"',
    );
  }
  if (url.username !== "" || url.password !== "") {
    return reader.problem(
      here,
      "node holds credentials, which would be seen in logs",
      "Use username and password, or apiKey",
    );
  }
  return node;
}

/** The address that a cloud id stands for: a name, and in base64 the domain and the subdomains of Elasticsearch and Kibana. */
function readCloudId(reader: ConfigReader, given: JsonObject, at: (string | number)[]): string | undefined {
  const cloudId = reader.text(given, "cloudId", at);
  if (own(given, "node") !== undefined) {
    return reader.problem([...at, "cloudId"], "it has node and cloudId", "Give one of them");
  }
  const [domain = "", subdomain = ""] = Buffer.from(cloudId?.split(":").at(-1) ?? "", "base64")
    .toString("latin1")
    .split("$");
  const [, name = "", port = "443"] = DOMAIN.exec(domain) ?? [];
  return LABEL.test(subdomain) && name !== "" && Number(port) < 65_536
    ? `https://${subdomain}.${name}:${port}`
    : reader.problem([...at, "cloudId"], "cloudId is none", "Copy it from the deployment's page, or give node");
}

function readLifecycle(reader: ConfigReader, given: JsonObject, at: (string | number)[]): Lifecycle | undefined {
  const retention = reader.optional(given, "retention", at);
  const ilmPolicy = reader.optional(given, "ilmPolicy", at);
  if (retention !== undefined && ilmPolicy !== undefined) {
    return reader.problem([...at, "ilmPolicy"], "it has retention and ilmPolicy", "Give one of them");
  }
  if (retention !== undefined && !RETENTION.test(retention)) {
    return reader.problem([...at, "retention"], "retention is no time that Elasticsearch reads", 'For example "90d"');
  }
  return retention !== undefined ? { retention } : ilmPolicy !== undefined ? { ilmPolicy } : undefined;
}
