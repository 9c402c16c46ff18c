import { randomUUID } from "node:crypto";
import kafkajs from "kafkajs";
import type { Admin, Producer } from "kafkajs";
import { IngestError, reasonOf } from "../errors.ts";
import type { KafkaConnection, StateRecord, StateTopic } from "./kafka-client.ts";
import { connect, isTooLarge, untilAnswered } from "./kafkajs-client.ts";
import { failure, isStarting, rightsToRead, rightsToWrite } from "./kafkajs-faults.ts";
import { inPrivateGroup } from "./kafkajs-private-group.ts";

export interface KafkajsStateOptions {
  readonly connection: KafkaConnection;
  /** The topic whose partitions' states are kept. */
  readonly topic: string;
  readonly stateTopic: string;
  /** Readers of the topic are each a group of its own, whose name begins with this one and `-state-`. */
  readonly groupId: string;
}

/** States of partitions are large and change all the time: what is outdated must not have to be read for long. */
const SETTINGS = [
  { name: "cleanup.policy", value: "compact" },
  { name: "segment.bytes", value: String(32 * 1024 * 1024) },
  { name: "segment.ms", value: String(3_600_000) },
  { name: "min.cleanable.dirty.ratio", value: "0.2" },
  { name: "delete.retention.ms", value: String(3_600_000) },
];
const READ_LIMIT_MS = 120_000;

/** The compacted topic of states through kafkajs. */
export function createKafkajsStateTopic(options: KafkajsStateOptions): StateTopic {
  return new KafkajsStateTopic(options);
}

class KafkajsStateTopic implements StateTopic {
  readonly #options: KafkajsStateOptions;
  readonly #admin: Admin;
  readonly #producer: Producer;
  readonly #closing = new AbortController();

  constructor(options: KafkajsStateOptions) {
    const kafka = connect(options.connection);
    this.#options = options;
    this.#admin = kafka.admin();
    this.#producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      retry: { retries: 5, initialRetryTime: 300, maxRetryTime: 5_000 },
    });
  }

  async open(): Promise<void> {
    await this.#admin.connect().catch((error: unknown) => {
      throw failure("connect to Kafka", error);
    });
    // First the topic: who may write to none is refused a producer, with less to say.
    const problem = await problemOf(this.#admin, this.#options, false).catch((error: unknown) =>
      failure(
        `look at topic "${this.#options.topic}"`,
        error,
        rightsToRead(this.#options.topic, this.#options.groupId),
      ),
    );
    if (problem !== undefined) {
      throw problem;
    }
    await this.#producer.connect().catch((error: unknown) => {
      const { stateTopic } = this.#options;
      throw failure(`keep what detections remember in topic "${stateTopic}"`, error, rightsToWrite(stateTopic));
    });
  }

  async read(partitions: readonly number[], onRecord: (record: StateRecord) => void): Promise<void> {
    const { stateTopic, groupId, connection } = this.#options;
    const ends = await untilAnswered(() => this.#admin.fetchTopicOffsets(stateTopic));
    // Those of which something is left to be read, each with the offset behind its last record of now.
    const open = new Map(
      ends
        .filter(({ partition, high, low }) => partitions.includes(partition) && BigInt(high) > BigInt(low))
        .map(({ partition, high }) => [partition, BigInt(high)]),
    );
    if (open.size === 0) {
      return;
    }
    const { signal } = this.#closing;
    try {
      await inPrivateGroup(connect(connection), `${groupId}-state-${randomUUID()}`, async (consumer, run) => {
        await consumer.subscribe({ topics: [stateTopic], fromBeginning: true });
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error("it takes too long")), READ_LIMIT_MS);
          const fail = (error: unknown): void => {
            clearTimeout(timer);
            reject(error instanceof Error ? error : new Error(reasonOf(error)));
          };
          signal.addEventListener("abort", () => fail(new Error("it is closed")), { once: true });
          consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
          const eachBatch = async (payload: kafkajs.EachBatchPayload): Promise<void> => {
            const { batch } = payload;
            const { partition } = batch;
            const end = open.get(partition);
            for (const { offset, key, value } of end === undefined ? [] : batch.messages) {
              if (end !== undefined && BigInt(offset) < end) {
                onRecord({ partition, key: key?.toString("utf8") ?? "", value: value ?? undefined });
              }
            }
            if (end === undefined || BigInt(batch.lastOffset()) + 1n >= end) {
              open.delete(partition);
              payload.pause();
            }
            if (open.size === 0) {
              clearTimeout(timer);
              resolve();
            }
          };
          run({ autoCommit: false, eachBatch }).catch(fail);
        });
      });
    } catch (error) {
      throw failure(`read what is remembered in topic "${stateTopic}"`, error, rightsOfReader(this.#options));
    }
  }

  async send(records: readonly StateRecord[]): Promise<void> {
    const { stateTopic } = this.#options;
    const messages = records.map(({ partition, key, value }) => ({ partition, key, value: value ?? null }));
    try {
      await this.#producer.send({ topic: stateTopic, acks: -1, messages });
    } catch (error) {
      throw isTooLarge(error)
        ? new IngestError("unreadable", `Cannot write to topic "${stateTopic}": it takes no messages of 512 KiB`, {
            cause: error,
            hint: "Raise max.message.bytes of the topic to 1048588",
          })
        : failure(`write to topic "${stateTopic}"`, error, rightsToWrite(stateTopic));
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([this.#producer.disconnect(), this.#admin.disconnect()]);
  }
}

function rightsOfReader({ stateTopic, groupId }: KafkajsStateOptions): ReturnType<typeof rightsToRead> {
  return rightsToRead(stateTopic, `${groupId}-state-`, true);
}

/** What is wrong with the topic of states; a missing one is no problem where it may be made. */
export async function checkKafkajsState(options: KafkajsStateOptions): Promise<IngestError | undefined> {
  const admin = connect(options.connection, 1).admin();
  try {
    await admin.connect();
    const { stateTopic, groupId, topic } = options;
    const problem = await problemOf(admin, options, true);
    if (problem !== undefined) {
      return problem;
    }
    // Nobody is in this group: whether the next owner of a partition may be in one like it is what it tells.
    await admin.fetchOffsets({ groupId: `${groupId}-state-check`, topics: [topic] }).catch((error: unknown) => {
      if (isStarting(error)) {
        return;
      }
      throw failure(`take over what is kept in topic "${stateTopic}"`, error, rightsOfReader(options));
    });
    return undefined;
  } catch (error) {
    return failure("connect to Kafka", error, rightsOfReader(options));
  } finally {
    await admin.disconnect();
  }
}

/** Makes the topic where there is none, or where `isTrial` only asks whether it may be made. */
async function problemOf(
  admin: Admin,
  { topic, stateTopic }: KafkajsStateOptions,
  isTrial: boolean,
): Promise<IngestError | undefined> {
  const partitions = await untilAnswered(() => countOf(admin, topic));
  if (!(await admin.listTopics()).includes(stateTopic)) {
    try {
      const made = { topic: stateTopic, numPartitions: partitions, configEntries: [...SETTINGS] };
      await admin.createTopics({ topics: [made], validateOnly: isTrial, waitForLeaders: !isTrial });
    } catch (error) {
      const { message } = failure(`make topic "${stateTopic}", which is not there or not to be seen`, error);
      const hint = `Make it with ${partitions} partitions and cleanup.policy=compact and give this user the ACLs Read and Write on topic "${stateTopic}", or Create on it too, and it is made; or give detectionState: folder, and what detections remember does not move with a partition`;
      return new IngestError("missing", message, { cause: error, hint });
    }
    if (isTrial) {
      return undefined;
    }
  }
  const found = await untilAnswered(() => countOf(admin, stateTopic)).catch((error: unknown) => {
    const [read] = rightsToRead(stateTopic, "");
    throw failure(`look at topic "${stateTopic}"`, error, [...(read ? [read] : []), ...rightsToWrite(stateTopic)]);
  });
  if (found < partitions) {
    return new IngestError(
      "unreadable",
      `Cannot keep what detections remember in topic "${stateTopic}": it has ${found} partitions, and "${topic}" has ${partitions}`,
      { hint: `Give it ${partitions} partitions` },
    );
  }
  const policy = await policyOf(admin, stateTopic);
  return policy === undefined || policy.split(",").includes("compact")
    ? undefined
    : new IngestError(
        "unreadable",
        `Cannot keep what detections remember in topic "${stateTopic}": its cleanup.policy is ${policy}`,
        { hint: "Set cleanup.policy=compact: with another one it grows without end, or what is remembered is deleted" },
      );
}

async function countOf(admin: Admin, topic: string): Promise<number> {
  const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
  return found?.partitions.length ?? 0;
}

/** Undefined where this user may not know. */
async function policyOf(admin: Admin, topic: string): Promise<string | undefined> {
  const query = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ["cleanup.policy"] };
  const described = await admin.describeConfigs({ resources: [query], includeSynonyms: false }).catch(() => undefined);
  return described?.resources[0]?.configEntries.find(({ configName }) => configName === "cleanup.policy")?.configValue;
}
