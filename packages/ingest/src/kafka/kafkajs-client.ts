import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import type { Admin, Consumer, EachBatchPayload, Kafka, KafkaConfig, SASLOptions } from "kafkajs";
import { IngestError } from "../errors.ts";
import type {
  AssignedPartition,
  KafkaCommit,
  KafkaCompression,
  KafkaConnection,
  KafkaConsumer,
  KafkaHandlers,
  KafkaMessage,
  KafkaProducer,
  SendResult,
} from "./kafka-client.ts";
import { CODECS } from "./kafka-codecs.ts";
import { failure, isStarting, rightsToRead, rightsToWrite } from "./kafkajs-faults.ts";
import { KafkajsCommits } from "./kafkajs-commits.ts";
import { KafkajsMembership } from "./kafkajs-membership.ts";
import { beatWhenTheClockIsSetBack, setTimersForWaitingOnly } from "./kafkajs-timers.ts";

const { CompressionCodecs, CompressionTypes, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = () => CODECS.snappy;
CompressionCodecs[CompressionTypes.LZ4] = () => CODECS.lz4;
CompressionCodecs[CompressionTypes.ZSTD] = () => CODECS.zstd;
setTimersForWaitingOnly();
beatWhenTheClockIsSetBack();

const COMPRESSION: Readonly<Record<KafkaCompression, kafkajs.CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

const SESSION_MS = 30_000;
const HEARTBEAT_MS = 3_000;
/** Far below the time that brokers give members to join again, 60 s; nobody in the group reads meanwhile. */
const HAND_OVER_MS = 5_000;
/** The library's own default costs half of the throughput (measured on 4.1.1). */
const PARTITION_BYTES = 4 * 1024 * 1024;
const FETCH_BYTES = 16 * 1024 * 1024;

export interface KafkajsConsumerOptions {
  readonly connection: KafkaConnection;
  readonly topic: string;
  readonly groupId: string;
  readonly maxFetchBytes?: number;
}

/** A member of a consumer group through kafkajs. */
export function createKafkajsConsumer(options: KafkajsConsumerOptions): KafkaConsumer {
  return new KafkajsConsumer(options);
}

class KafkajsConsumer implements KafkaConsumer {
  readonly #topic: string;
  readonly #groupId: string;
  readonly #consumer: Consumer;
  readonly #admin: Admin;
  readonly #commits: KafkajsCommits;
  readonly #membership: KafkajsMembership;
  readonly #closing = new AbortController();
  #isPaused = false;
  /** What was assigned, once it is known what the group has committed there. */
  #assignment: Promise<void> = Promise.resolve();

  constructor({ connection, topic, groupId, maxFetchBytes = FETCH_BYTES }: KafkajsConsumerOptions) {
    const kafka = connect(connection);
    this.#topic = topic;
    this.#commits = new KafkajsCommits(topic);
    this.#groupId = groupId;
    this.#admin = kafka.admin();
    this.#consumer = kafka.consumer({
      groupId,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxBytes: maxFetchBytes,
      maxBytesPerPartition: Math.min(PARTITION_BYTES, maxFetchBytes),
      maxWaitTimeInMs: 500,
      retry: {
        retries: Number.MAX_SAFE_INTEGER,
        initialRetryTime: 300,
        maxRetryTime: 10_000,
        restartOnFailure: () => Promise.resolve(!this.#closing.signal.aborted),
      },
    });
    this.#membership = new KafkajsMembership(this.#consumer);
  }

  async start(handlers: KafkaHandlers): Promise<void> {
    const consumer = this.#consumer;
    await Promise.all([consumer.connect(), this.#admin.connect()]).catch((error: unknown) => {
      throw this.#failure("connect to Kafka", error);
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#commits.close();
      if (this.#closing.signal.aborted) {
        return;
      }
      const own = payload.memberAssignment[this.#topic] ?? [];
      this.#assignment = untilAnswered(() => this.#positions(own)).then((partitions) => handlers.assigned(partitions));
      this.#assignment.catch((error: unknown) => handlers.failed(this.#failure("read the committed offsets", error)));
    });
    consumer.on(consumer.events.REBALANCING, () => this.#commits.close());
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#commits.close();
      if (!payload.restart) {
        handlers.failed(this.#failure(`read topic "${this.#topic}"`, payload.error));
      }
    });
    await consumer.subscribe({ topics: [this.#topic], fromBeginning: true }).catch((error: unknown) => {
      throw this.#failure(`read topic "${this.#topic}"`, error);
    });
    this.#membership.begin();
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#batch(payload, handlers),
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  async commit(due: () => readonly KafkaCommit[]): Promise<void> {
    await this.#commits.commit(due);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#commits.end();
    await Promise.allSettled([this.#membership.leave(), this.#admin.disconnect()]);
  }

  /** Waits for the pipeline as long as it takes, and stays alive in the group meanwhile. */
  async #batch(payload: EachBatchPayload, handlers: KafkaHandlers): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    // A heartbeat rejects when the group is being balanced anew: the batch is given up, and comes again to whoever gets it.
    const givenUp = new Promise<never>((_, reject) => {
      timer = setInterval(() => void this.#heartbeat(payload, handlers).catch(reject), HEARTBEAT_MS);
    });
    const taken = this.#take(payload, handlers);
    const isTaken = await Promise.race([taken, givenUp]).finally(() => clearInterval(timer));
    if (isTaken && !this.#closing.signal.aborted) {
      await this.#heartbeat(payload, handlers);
      payload.resolveOffset(payload.batch.lastOffset());
    }
  }

  /** Rejects when the group is being balanced anew. The brokers wait for all members meanwhile, and take what this one commits. */
  async #heartbeat(payload: EachBatchPayload, handlers: KafkaHandlers): Promise<void> {
    try {
      await payload.heartbeat();
    } catch (error) {
      if ((error as { readonly type?: unknown }).type === "REBALANCE_IN_PROGRESS" && !this.#closing.signal.aborted) {
        await handlers.handOver(AbortSignal.any([AbortSignal.timeout(HAND_OVER_MS), this.#closing.signal]));
      }
      throw error;
    }
  }

  /** Whether the batch was taken; not before its assignment is known. */
  async #take(payload: EachBatchPayload, handlers: KafkaHandlers): Promise<boolean> {
    const { batch } = payload;
    for (let known: Promise<void> | undefined; known !== this.#assignment;) {
      known = this.#assignment;
      await Promise.race([known, this.#closed()]);
    }
    if (this.#closing.signal.aborted || !payload.isRunning() || payload.isStale()) {
      return false;
    }
    this.#commits.open((offsets) => payload.commitOffsetsIfNecessary(offsets));
    const records = batch.messages.map(({ offset, value }) => ({ offset: BigInt(offset), value: value ?? undefined }));
    // A paused member holds its batch until it leaves: only with a batch can it commit what is under way.
    await (this.#isPaused ? this.#closed() : handlers.batch({ partition: batch.partition, records }));
    return true;
  }

  #failure(doing: string, error: unknown): IngestError {
    return failure(doing, error, rightsToRead(this.#topic, this.#groupId));
  }

  #closed(): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
      }
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async #positions(partitions: readonly number[]): Promise<readonly AssignedPartition[]> {
    const [committed, offsets] = await Promise.all([
      this.#admin.fetchOffsets({ groupId: this.#groupId, topics: [this.#topic] }),
      this.#admin.fetchTopicOffsets(this.#topic),
    ]);
    const known = new Map(committed[0]?.partitions.map((one) => [one.partition, one]));
    const earliest = new Map(offsets.map(({ partition, low }) => [partition, BigInt(low)]));
    return partitions.map((partition) => {
      const { offset = "-1", metadata } = known.get(partition) ?? {};
      const position = BigInt(offset) < 0n ? undefined : { offset: BigInt(offset), note: metadata ?? "" };
      return { partition, committed: position, earliest: earliest.get(partition) ?? 0n };
    });
  }
}

const ANSWER_TRIES = 60;
const ANSWER_WAIT_MS = 500;

/** A broker that has just started, or a topic that has, is not the leader for a while. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === ANSWER_TRIES) {
        throw error;
      }
      await sleep(ANSWER_WAIT_MS);
    }
  }
}

export interface KafkajsProducerOptions {
  readonly connection: KafkaConnection;
  readonly topic: string;
  readonly compression?: KafkaCompression;
}

/** An idempotent producer through kafkajs. */
export async function createKafkajsProducer(options: KafkajsProducerOptions): Promise<KafkaProducer> {
  const { connection, topic, compression = "zstd" } = options;
  const producer = connect(connection).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    retry: { retries: 5, initialRetryTime: 300, maxRetryTime: 5_000 },
  });
  const rights = rightsToWrite(topic);
  await producer.connect().catch((error: unknown) => {
    throw failure(`connect to Kafka to write to topic "${topic}"`, error, rights);
  });
  return {
    async send(messages: readonly KafkaMessage[]): Promise<SendResult> {
      try {
        await producer.send({
          topic,
          acks: -1,
          compression: COMPRESSION[compression],
          messages: messages.map(({ key, value, headers }) => ({ key: key ?? null, value, headers: { ...headers } })),
        });
        return "stored";
      } catch (error) {
        if (isTooLarge(error)) {
          return "too-large";
        }
        throw failure(`write to topic "${topic}"`, error, rights);
      }
    },
    close: () => producer.disconnect(),
  };
}

/**
 * Tries to reach the brokers and gives the number of partitions of the topic, or rejects with what is wrong. With `groupId` it is to be
 * read, and whether the group may be seen is tried too.
 */
export async function checkKafkajsTopic(connection: KafkaConnection, topic: string, groupId?: string): Promise<number> {
  const admin = connect(connection, 1).admin();
  const rights = groupId === undefined ? rightsToWrite(topic) : rightsToRead(topic, groupId);
  try {
    await admin.connect();
    const topics = await admin.listTopics();
    if (!topics.includes(topic)) {
      const right = groupId === undefined ? "Write" : "Read";
      throw new IngestError("missing", `Cannot use Kafka: there is no topic "${topic}", or this user may not see it`, {
        hint: `Create it with as many partitions as daemons will ever share it (auditsieve makes none by itself), or give this user the ACL ${right} on topic "${topic}"`,
      });
    }
    if (groupId !== undefined) {
      await admin.fetchOffsets({ groupId, topics: [topic] }).catch((error: unknown) => {
        if (isStarting(error)) {
          return;
        }
        throw failure(`use group "${groupId}"`, error, rights);
      });
    }
    return (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length ?? 0;
  } catch (error) {
    throw error instanceof IngestError ? error : failure("connect to Kafka", error, rights);
  } finally {
    await admin.disconnect();
  }
}

export function connect({ brokers, clientId, tls, sasl }: KafkaConnection, retries = 5): Kafka {
  const ssl: KafkaConfig["ssl"] =
    tls === undefined
      ? false
      : {
          ...(tls.ca !== undefined && { ca: tls.ca }),
          ...(tls.cert !== undefined && { cert: tls.cert }),
          ...(tls.key !== undefined && { key: tls.key }),
        };
  return new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    ssl,
    ...(sasl && { sasl: sasl as SASLOptions }),
    connectionTimeout: 10_000,
    logLevel: logLevel.NOTHING,
    retry: { retries },
  });
}

export function isTooLarge(error: unknown): boolean {
  const { type, cause } = (error ?? {}) as { readonly type?: unknown; readonly cause?: unknown };
  return type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE" || (cause !== undefined && isTooLarge(cause));
}
