import type { DetectionEngine } from "@auditsieve/detect";
import { access, constants, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Checkpoint } from "../state/checkpoint.ts";
import { answered, checkPatience } from "./answered.ts";
import { markPartition } from "./sink-marks.ts";
import type { KafkaSourceConfig, SourceConfig } from "./config-sources.ts";
import type { WebhookSourceConfig } from "./config-webhook.ts";
import { checkFolder } from "./create-sink.ts";
import { fileError, IngestError, systemCode } from "../errors.ts";
import type { Source, SourceAlarm } from "../source.ts";
import { archiveSource } from "../sources/archive.ts";
import { openCanonicalLog } from "../logs/canonical-log.ts";
import { noEventYet, readLogHead } from "../logs/log-head.ts";
import { createFileTails } from "../sources/file-tails.ts";
import { checkPartitions } from "../sources/partition-check.ts";
import type { KafkaConsumer } from "../kafka/kafka-client.ts";
import { expandPatterns, isPattern } from "../sources/log-patterns.ts";
import type { WebhookPorts } from "../sources/webhook-ports.ts";

/** What sources need besides their configuration. */
export interface SourceContext {
  readonly stateFolder: string;
  readonly checkpoint: Checkpoint;
  readonly onAlarm: (alarm: SourceAlarm) => void;
  /** Standard input, for the source of that type. */
  readonly input?: Readable;
  /** Key of the ids, shared by all daemons of a cluster. */
  readonly idKey: Uint8Array;
  /** Whether it outlives the run what detections remember. */
  readonly keepsDetections: boolean;
  /** Keeps the ports of webhooks open over a reload. */
  readonly webhookPorts?: WebhookPorts | undefined;
}

/** Makes the source that an entry of the configuration describes. */
export async function createSource(config: SourceConfig, context: SourceContext): Promise<Source> {
  const { name } = config;
  const { stateFolder, checkpoint, onAlarm, input, idKey, keepsDetections } = context;
  const onUnreadable = ({ message }: IngestError): void => onAlarm({ kind: "unreadable", message });
  switch (config.type) {
    case "file":
      return createFileTails({ ...config, takesEnvelopes: true, checkpoint, onAlarm });
    case "archive":
      return archiveSource({ name, logs: await expandPatterns(config.paths), checkpoint, onUnreadable });
    case "stdin": {
      if (input === undefined) {
        throw new IngestError("missing", `Cannot read source "${name}": there is no standard input`, {
          hint: "Pipe a log in, or name a source of another type",
        });
      }
      // It cannot be read again: nothing of it is kept in the checkpoint.
      return archiveSource({
        name,
        logs: [{ name: "standard input", open: () => openCanonicalLog(input) }],
        onUnreadable,
      });
    }
    case "webhook": {
      const { createWebhook } = await import("../sources/webhook.ts");
      const spoolFolder = config.spoolFolder ?? join(stateFolder, "spool", name);
      return createWebhook({ ...config, spoolFolder, checkpoint, onAlarm, ports: context.webhookPorts });
    }
    case "kafka": {
      const { createKafkaSource } = await import("../sources/kafka.ts");
      const createConsumer = async (): Promise<KafkaConsumer> =>
        (await import("../kafka/kafkajs-client.ts")).createKafkajsConsumer(config);
      const save = (): Promise<void> => checkpoint.save();
      const { topic, groupId, stateTopic } = config;
      const kept = keepsDetections &&
        stateTopic !== undefined && {
          topic: (await import("../kafka/kafkajs-state.ts")).createKafkajsStateTopic({ ...config, stateTopic }),
          seal: new (await import("../sources/state-seal.ts")).StateSeal(idKey),
          prefix: `${encodeURIComponent(groupId)}/${topic}`,
        };
      const onBegun = (partition: string, bytes: number): void => markPartition(checkpoint, name, partition, bytes);
      return createKafkaSource({
        name,
        topic,
        createConsumer,
        onAlarm,
        save,
        onBegun,
        ...(kept && { stateTopic: kept }),
      });
    }
    default:
      return config satisfies never;
  }
}

/** What a source reads, for people. */
export function describeSource(config: SourceConfig): string {
  switch (config.type) {
    case "file":
    case "archive":
      return config.paths.join(", ");
    case "stdin":
      return "standard input";
    case "webhook":
      return `${config.tls === undefined ? "http" : "https"}://${config.host}:${config.port}${config.path ?? "/"}`;
    case "kafka":
      return `topic ${config.topic} of ${config.connection.brokers.join(", ")}, group ${config.groupId}`;
    default:
      return config satisfies never;
  }
}

/**
 * What may be wrong with a source before it is started: `isWaiting` where the daemon would wait for a file, or for an event in it. Brokers
 * are asked until `patience` aborts, by default for ten seconds.
 */
export async function checkSource(
  config: SourceConfig,
  detections: Pick<DetectionEngine, "linked" | "detections">,
  patience: AbortSignal = checkPatience(),
): Promise<readonly { readonly error: IngestError; readonly isWaiting: boolean }[]> {
  switch (config.type) {
    case "file":
    case "archive": {
      const checked = config.paths.map((path) => checkLog(path, config.type === "file"));
      return (await Promise.all(checked)).flat();
    }
    case "stdin":
      return [];
    case "webhook":
      return checkSpool(config);
    case "kafka":
      return answered("Kafka", checkTopics(config, detections), patience)
        .catch((error: unknown) => [error as IngestError])
        .then((errors) => errors.map((error) => ({ error, isWaiting: false })));
    default:
      return config satisfies never;
  }
}

async function checkSpool({
  name,
  spoolFolder,
}: WebhookSourceConfig): Promise<readonly { readonly error: IngestError; readonly isWaiting: boolean }[]> {
  try {
    // The one in the state folder is made by the daemon.
    await (spoolFolder === undefined ? undefined : checkFolder(spoolFolder, `spool of source "${name}"`));
    return [];
  } catch (error) {
    return [{ error: error as IngestError, isWaiting: false }];
  }
}

async function checkTopics(
  config: KafkaSourceConfig,
  detections: Pick<DetectionEngine, "linked" | "detections">,
): Promise<readonly IngestError[]> {
  const { connection, topic, groupId, stateTopic, partialCorrelations } = config;
  const { checkKafkajsTopic } = await import("../kafka/kafkajs-client.ts");
  const partitions = await checkKafkajsTopic(connection, topic, groupId);
  const errors = [
    partialCorrelations ? undefined : checkPartitions(topic, partitions, detections),
    stateTopic === undefined
      ? undefined
      : await (await import("../kafka/kafkajs-state.ts")).checkKafkajsState({ ...config, stateTopic }),
  ];
  return errors.filter((error) => error !== undefined);
}

async function checkLog(
  pattern: string,
  isFollowed: boolean,
): Promise<readonly { readonly error: IngestError; readonly isWaiting: boolean }[]> {
  const paths = await expandPatterns([pattern]);
  if (isPattern(pattern) && paths.length === 0) {
    const message = `Cannot read log "${pattern}": no file fits the pattern`;
    return [
      { error: new IngestError("missing", message, { path: pattern, hint: "Check the folder" }), isWaiting: true },
    ];
  }
  const found = paths.map(async (path) => {
    try {
      await access(path, constants.R_OK);
      const isFolder = (await stat(path)).isDirectory();
      const error = new IngestError("is-directory", `Cannot read log "${path}": it is a directory`, {
        path,
        hint: `Name the file, or a pattern: ${join(path, "*.log")}`,
      });
      if (isFolder) {
        return [{ error, isWaiting: false }];
      }
      const strange = noEventYet(path, await readLogHead(path));
      return strange === undefined ? [] : [{ error: strange, isWaiting: true }];
    } catch (error) {
      return [{ error: fileError("read log", path, error), isWaiting: isFollowed && systemCode(error) === "ENOENT" }];
    }
  });
  return (await Promise.all(found)).flat();
}
