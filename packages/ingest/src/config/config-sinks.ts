import { isJsonObject } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { ELASTICSEARCH_KEYS, readElasticsearch } from "./config-elasticsearch.ts";
import type { ElasticsearchSinkConfig } from "./config-elasticsearch.ts";
import type { SinkBase } from "./config-sink-base.ts";
import { KAFKA_KEYS, readKafka } from "./config-kafka.ts";
import type { ConfigReader, ConfigReferences } from "./config-reader.ts";
import type { Feed } from "../pipeline/outlet.ts";
import type { KafkaSinkOptions } from "../sinks/kafka.ts";
import type { StoreSinkOptions } from "../sinks/store.ts";
import type { KafkaCompression, KafkaConnection } from "../kafka/kafka-client.ts";

/** A sink of type `file`. */
export interface FileSinkConfig extends SinkBase {
  readonly type: "file";
  readonly folder: string;
  readonly maxFileBytes?: number;
  readonly maxFileAgeMs?: number;
  readonly compress?: "none" | "zstd";
}

/** The embedded store: docs/store.md. */
export interface StoreSinkConfig extends SinkBase, Omit<StoreSinkOptions, "name"> {
  readonly type: "store";
}

/** Standard output, a document a line. */
export interface StdoutSinkConfig extends SinkBase {
  readonly type: "stdout";
}

/** A topic, keyed by actor. */
export interface KafkaSinkConfig extends SinkBase, Pick<KafkaSinkOptions, "maxDocumentBytes"> {
  readonly type: "kafka";
  readonly connection: KafkaConnection;
  readonly topic: string;
  readonly compression: KafkaCompression;
}

/** An entry under `sinks` of the configuration. */
export type SinkConfig =
  | FileSinkConfig
  | StoreSinkConfig
  | StdoutSinkConfig
  | KafkaSinkConfig
  | ElasticsearchSinkConfig;

const DEFAULT_POLICY = "control-loops";
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
const COMMON_KEYS = ["type", "name", "feed", "policy"] as const;
const OWN_KEYS = {
  file: ["folder", "maxFileBytes", "maxFileAgeMs", "compress"],
  store: ["folder", "maxSegmentBytes", "maxSegmentAgeMs", "maxStoreBytes"],
  stdout: [],
  kafka: [...KAFKA_KEYS, "compression", "maxDocumentBytes"],
  elasticsearch: ELASTICSEARCH_KEYS,
} as const;
const TYPES = Object.keys(OWN_KEYS) as SinkConfig["type"][];
/** What a sink gets where nothing else is said: a place that keeps gets what is kept, a place for people the findings. */
const DEFAULT_FEEDS: Readonly<Record<SinkConfig["type"], Feed>> = {
  file: "kept",
  store: "kept",
  stdout: "findings",
  kafka: "kept",
  elasticsearch: "findings",
};

/** Reads one entry of `sinks`. */
export function readSink(
  reader: ConfigReader,
  value: JsonValue,
  index: number,
  references: ConfigReferences,
): SinkConfig | undefined {
  const at = ["sinks", index];
  const type = isJsonObject(value) ? reader.choice(value, "type", at, TYPES) : undefined;
  const known = type === undefined ? Object.values(OWN_KEYS).flat() : OWN_KEYS[type];
  const given = reader.object(value, at, [...COMMON_KEYS, ...known]);
  if (given === undefined || type === undefined) {
    return undefined;
  }
  const name = readName(reader, given, at, type);
  const feed = reader.choice(given, "feed", at, ["findings", "kept", "all"], DEFAULT_FEEDS[type]);
  const policy = readPolicy(reader, given, at, feed ?? "kept", references);
  // What else is wrong with it is told even so.
  const base = { name: name ?? type, feed: feed ?? "kept", ...(policy && { policy }) };
  const sink = readOwn(reader, given, at, type, base);
  return name === undefined || feed === undefined ? undefined : sink;
}

function readOwn(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  type: SinkConfig["type"],
  base: SinkBase,
): SinkConfig | undefined {
  switch (type) {
    case "file":
      return readFileSink(reader, given, at, base);
    case "store":
      return readStore(reader, given, at, base);
    case "stdout":
      return { type, ...base };
    case "kafka":
      return readKafkaSink(reader, given, at, base);
    case "elasticsearch":
      return readElasticsearch(reader, given, at, base);
    default:
      return type satisfies never;
  }
}

function readFileSink(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  base: SinkBase,
): SinkConfig | undefined {
  const folder = reader.text(given, "folder", at);
  const maxFileBytes = reader.count(given, "maxFileBytes", at, 1024);
  const maxFileAgeMs = reader.count(given, "maxFileAgeMs", at, 1000);
  const compress = reader.choice(given, "compress", at, ["none", "zstd"], "none");
  return folder === undefined || compress === undefined
    ? undefined
    : {
        type: "file",
        ...base,
        folder,
        compress,
        ...(maxFileBytes !== undefined && { maxFileBytes }),
        ...(maxFileAgeMs !== undefined && { maxFileAgeMs }),
      };
}

function readStore(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  base: SinkBase,
): SinkConfig | undefined {
  const folder = reader.text(given, "folder", at);
  const maxSegmentBytes = reader.count(given, "maxSegmentBytes", at, 1024);
  const maxSegmentAgeMs = reader.count(given, "maxSegmentAgeMs", at, 1000);
  const maxStoreBytes = reader.count(given, "maxStoreBytes", at, 1024);
  return folder === undefined
    ? undefined
    : {
        type: "store",
        ...base,
        folder,
        ...(maxSegmentBytes !== undefined && { maxSegmentBytes }),
        ...(maxSegmentAgeMs !== undefined && { maxSegmentAgeMs }),
        ...(maxStoreBytes !== undefined && { maxStoreBytes }),
      };
}

function readKafkaSink(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  base: SinkBase,
): SinkConfig | undefined {
  const kafka = readKafka(reader, given, at, base.name);
  const compression = reader.choice(given, "compression", at, ["none", "gzip", "snappy", "lz4", "zstd"], "zstd");
  const maxDocumentBytes = reader.count(given, "maxDocumentBytes", at, 1024);
  return kafka && compression
    ? { type: "kafka", ...base, ...kafka, compression, ...(maxDocumentBytes !== undefined && { maxDocumentBytes }) }
    : undefined;
}

function readPolicy(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  feed: Feed,
  references: ConfigReferences,
): StreamPolicy | undefined {
  const here = [...at, "policy"];
  const named = reader.optional(given, "policy", at);
  if (feed !== "kept") {
    return named === undefined
      ? undefined
      : reader.problem(
          here,
          `a policy decides only for feed: kept, not for ${feed}`,
          "Remove the policy, or say feed: kept",
        );
  }
  let text: string;
  try {
    text = references.policy(named ?? DEFAULT_POLICY);
  } catch (error) {
    return reader.problem(
      here,
      `the policy "${named ?? DEFAULT_POLICY}" cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      "Name a shipped policy or a file",
    );
  }
  const loaded = loadStreamPolicy(text);
  for (const { severity, message, hint, line } of loaded.problems) {
    reader.problem(
      here,
      `policy "${named ?? DEFAULT_POLICY}"${line === undefined ? "" : `, line ${line}`}: ${message}`,
      hint,
      severity,
    );
  }
  return loaded.outcome === "accepted" ? new StreamPolicy(loaded.rules) : undefined;
}

/** A name fit for metrics and file names. */
export function readName(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  fallback: string,
): string | undefined {
  const name = reader.text(given, "name", at, fallback);
  return name === undefined || NAME.test(name)
    ? name
    : reader.problem(
        [...at, "name"],
        "a name has only a-z, 0-9 and -, at most 40 of them",
        `For example "${fallback}"`,
      );
}
