import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { ConfigReader } from "./config-reader.ts";
import { KAFKA_KEYS, MAX_TOPIC, readKafka, readStateTopic } from "./config-kafka.ts";
import { readName } from "./config-sinks.ts";
import { readWebhook, WEBHOOK_KEYS } from "./config-webhook.ts";
import type { WebhookSourceConfig } from "./config-webhook.ts";
import type { KafkaConnection } from "../kafka/kafka-client.ts";

type At = readonly (string | number)[];

/** Follows logs that somebody writes to. */
export interface FileSourceConfig {
  readonly type: "file";
  readonly name: string;
  /** A path or a pattern with `*`, `?`, `[…]`, `**`; several with `paths`. */
  readonly paths: readonly string[];
  readonly pollIntervalMs?: number;
  /** Rotated files that are kept (`--audit-log-maxbackup`). */
  readonly maxBackups?: number;
}

/** Reads logs that nobody writes to any more, once. */
export interface ArchiveSourceConfig {
  readonly type: "archive";
  readonly name: string;
  readonly paths: readonly string[];
}

/** Reads standard input until it ends. */
export interface StdinSourceConfig {
  readonly type: "stdin";
  readonly name: string;
}

/** Reads a topic as a member of a consumer group. */
export interface KafkaSourceConfig {
  readonly type: "kafka";
  readonly name: string;
  readonly connection: KafkaConnection;
  readonly topic: string;
  readonly groupId: string;
  readonly maxFetchBytes?: number;
  /** Whether correlations may be used that do not see all partitions. */
  readonly partialCorrelations: boolean;
  /** Where the next owner of a partition finds what detections remember of it; undefined: in the state folder, for all partitions together. */
  readonly stateTopic: string | undefined;
}

/** An entry under `sources` of the configuration. */
export type SourceConfig =
  | FileSourceConfig
  | ArchiveSourceConfig
  | StdinSourceConfig
  | WebhookSourceConfig
  | KafkaSourceConfig;

const OWN_KEYS: Readonly<Record<SourceConfig["type"], readonly string[]>> = {
  file: ["path", "paths", "pollIntervalMs", "maxBackups"],
  archive: ["path", "paths"],
  stdin: [],
  webhook: WEBHOOK_KEYS,
  kafka: [...KAFKA_KEYS, "groupId", "maxFetchBytes", "partialCorrelations", "detectionState", "stateTopic"],
};
const TYPES = Object.keys(OWN_KEYS) as SourceConfig["type"][];

/** Reads one entry of `sources`. */
export function readSource(reader: ConfigReader, value: JsonValue, index: number): SourceConfig | undefined {
  const at = ["sources", index];
  const type = isJsonObject(value) ? reader.choice(value, "type", at, TYPES) : undefined;
  const keys = type === undefined ? Object.values(OWN_KEYS).flat() : OWN_KEYS[type];
  const given = reader.object(value, at, ["type", "name", ...keys]);
  if (given === undefined || type === undefined) {
    return undefined;
  }
  const fallback = type === "file" || type === "archive" ? "audit" : type;
  const name = readName(reader, given, at, index === 0 ? fallback : `${fallback}-${index + 1}`);
  // What else is wrong with it is told even so.
  const source = readOwn(reader, given, at, type, name ?? fallback);
  return name === undefined ? undefined : source;
}

function readOwn(
  reader: ConfigReader,
  given: JsonObject,
  at: (string | number)[],
  type: SourceConfig["type"],
  name: string,
): SourceConfig | undefined {
  switch (type) {
    case "file": {
      const paths = readPaths(reader, given, at);
      const pollIntervalMs = reader.wait(given, "pollIntervalMs", at);
      const maxBackups = reader.count(given, "maxBackups", at);
      return (
        paths && {
          type,
          name,
          paths,
          ...(pollIntervalMs !== undefined && { pollIntervalMs }),
          ...(maxBackups !== undefined && { maxBackups }),
        }
      );
    }
    case "archive": {
      const paths = readPaths(reader, given, at);
      return paths && { type, name, paths };
    }
    case "stdin":
      return { type, name };
    case "webhook":
      return readWebhook(reader, given, at, name);
    case "kafka": {
      const kafka = readKafka(reader, given, at, name);
      const groupId = reader.text(given, "groupId", at, "auditsieve");
      const maxFetchBytes = reader.count(given, "maxFetchBytes", at, 1024);
      const partialCorrelations = reader.flag(given, "partialCorrelations", at, false);
      const place = reader.choice(given, "detectionState", at, ["topic", "folder"], "topic");
      const named = readStateTopic(reader, given, at);
      if (kafka === undefined || groupId === undefined) {
        return undefined;
      }
      // What a group may be called, a topic may not.
      const stateTopic =
        named ?? `${kafka.topic}.${groupId.replaceAll(/[^a-zA-Z0-9._-]/g, "-")}.state`.slice(-MAX_TOPIC);
      return {
        type,
        name,
        ...kafka,
        groupId,
        partialCorrelations,
        stateTopic: place === "topic" ? stateTopic : undefined,
        ...(maxFetchBytes !== undefined && { maxFetchBytes }),
      };
    }
    default:
      return type satisfies never;
  }
}

/** What must not be the same in two sources, by name of the key. */
export function placesOf(source: SourceConfig): readonly string[] {
  switch (source.type) {
    case "file":
    case "archive":
      return source.paths;
    case "stdin":
      return ["-"];
    case "webhook":
      return [`${source.host}:${source.port}`];
    case "kafka":
      return [`${source.topic} of ${source.connection.brokers.join()}`];
    default:
      return source satisfies never;
  }
}

function readPaths(reader: ConfigReader, given: JsonObject, at: At): readonly string[] | undefined {
  if (own(given, "paths") === undefined) {
    const path = reader.text(given, "path", at);
    return path === undefined ? undefined : [path];
  }
  if (own(given, "path") !== undefined) {
    return reader.problem([...at, "paths"], "it has path and paths", "Give one of them");
  }
  const paths = reader.texts(given, "paths", at);
  return paths.length === 0 ? undefined : paths;
}
