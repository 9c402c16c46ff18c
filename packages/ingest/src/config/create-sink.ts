import { access, constants } from "node:fs/promises";
import { answered, checkPatience } from "./answered.ts";
import type { SinkConfig } from "./config-sinks.ts";
import { folderError } from "../errors.ts";
import { folderOfSink } from "./folder-locks.ts";
import type { Logger } from "../logger.ts";
import type { Delivery, Sink } from "../sink.ts";
import type { Backoff } from "../backoff.ts";
import type * as elasticsearch from "../sinks/elasticsearch.ts";
import type { ElasticsearchOptions } from "../sinks/elasticsearch.ts";
import { createFileSink } from "../sinks/file.ts";
import { createStdoutSink } from "../sinks/stdout.ts";
import { createStoreSink } from "../sinks/store.ts";
import { makeFolder } from "../state/make-folder.ts";

/** What sinks need besides their configuration. */
export interface SinkContext {
  readonly cluster: string;
  readonly logger: Logger;
  readonly backoff?: Backoff;
  readonly now?: () => Date;
  /** Told of each request that is made again, by what became of it, which is of a bounded set. */
  readonly onRetry?: (reason: string) => void;
  /** Standard output, for the sink of that type; resolves when the bytes were taken. */
  readonly writeOutput?: (bytes: Buffer | string) => Promise<void>;
  /** What that sink prints of a delivery. Default: its document. */
  readonly format?: (delivery: Delivery) => string | undefined;
}

/** Makes the sink that an entry of the configuration describes; libraries are loaded when they are needed. */
export async function createSink(config: SinkConfig, context: SinkContext): Promise<Sink> {
  const { name } = config;
  switch (config.type) {
    case "file":
      return createFileSink(config);
    case "store":
      return createStoreSink(config);
    case "stdout": {
      const { writeOutput, format } = context;
      return createStdoutSink({
        name,
        write: writeOutput ?? (() => Promise.reject(new Error("there is no standard output"))),
        ...(format && { format }),
      });
    }
    case "kafka": {
      const { createKafkaSink } = await import("../sinks/kafka.ts");
      return createKafkaSink({
        ...config,
        createProducer: async () => (await import("../kafka/kafkajs-client.ts")).createKafkajsProducer(config),
      });
    }
    case "elasticsearch": {
      const { createElasticsearchSink } = await loadElasticsearch();
      const { logger, backoff, now, onRetry } = context;
      return createElasticsearchSink({
        ...elasticsearchOptions(config, context.cluster),
        ...(backoff && { backoff }),
        ...(now && { now }),
        onBlind: ({ message, hint }) => logger.warn({ sink: name, hint }, message),
        batches: {
          onRetry: ({ attempt, ...retry }) => {
            const level = attempt < 3 ? "debug" : "warn";
            logger[level]({ sink: name, ...retry, attempt }, "Sink is busy or away, sending again.");
            onRetry?.(retry.reason);
          },
        },
      });
    }
    default:
      return config satisfies never;
  }
}

/** Tries whether a sink would work; rejects with what is wrong. A server is asked until `patience` aborts, by default for ten seconds. */
export async function checkSink(
  config: SinkConfig,
  cluster: string,
  patience: AbortSignal = checkPatience(),
): Promise<void> {
  switch (config.type) {
    case "file":
    case "store":
      return checkFolder(config.folder, folderOfSink(config.name));
    case "stdout":
      return undefined;
    case "kafka": {
      const { checkKafkajsTopic } = await import("../kafka/kafkajs-client.ts");
      await answered("Kafka", checkKafkajsTopic(config.connection, config.topic), patience);
      return undefined;
    }
    case "elasticsearch": {
      const { createElasticsearchSink } = await loadElasticsearch();
      const sink = createElasticsearchSink(elasticsearchOptions(config, cluster));
      try {
        return await answered("Elasticsearch", sink.check(patience), patience);
      } finally {
        await sink.close();
      }
    }
    default:
      return config satisfies never;
  }
}

/** Makes the folder, or rejects where it cannot be written to; `what` it is for. */
export async function checkFolder(folder: string, what: string): Promise<void> {
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw folderError(what, folder, error);
  }
}

/** The client is large: commands that only read files should not wait for it. */
function loadElasticsearch(): Promise<Pick<typeof elasticsearch, "createElasticsearchSink">> {
  return import("../sinks/elasticsearch.ts");
}

function elasticsearchOptions(config: SinkConfig & { type: "elasticsearch" }, cluster: string): ElasticsearchOptions {
  const { name, node, auth, ca, namespace, lifecycle, requestTimeoutMs } = config;
  return {
    name,
    node,
    cluster,
    ...(auth && { auth }),
    ...(ca !== undefined && { ca }),
    ...(namespace !== undefined && { namespace }),
    ...(lifecycle && { lifecycle }),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  };
}
