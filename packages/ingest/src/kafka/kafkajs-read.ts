import { randomUUID } from "node:crypto";
import type * as kafkajs from "kafkajs";
import type {
  AssignedPartition,
  KafkaConnection,
  KafkaRange,
  KafkaRecordWithHeaders,
  KnownPartition,
} from "./kafka-client.ts";
import { connect, untilAnswered } from "./kafkajs-client.ts";
import { failure, rightsToRead } from "./kafkajs-faults.ts";
import { inPrivateGroup } from "./kafkajs-private-group.ts";

export interface KafkajsReadOptions {
  readonly connection: KafkaConnection;
  readonly topic: string;
  /** The library reads as a member of a group only: of one of its own, whose name begins so and which is removed afterwards. */
  readonly groupPrefix: string;
  /** Without a record for so long, the rest is given up. Default 30 s. */
  readonly patienceMs?: number;
}

/** The partitions of a topic, with what the group has committed, and how many members it has. */
export async function kafkajsPartitions(
  connection: KafkaConnection,
  topic: string,
  groupId?: string,
): Promise<{ readonly partitions: readonly KnownPartition[]; readonly members: number }> {
  const admin = connect(connection).admin();
  try {
    await admin.connect();
    const offsets = await untilAnswered(() => admin.fetchTopicOffsets(topic));
    const [committed] =
      groupId === undefined ? [] : await untilAnswered(() => admin.fetchOffsets({ groupId, topics: [topic] }));
    const [group] = groupId === undefined ? [] : (await admin.describeGroups([groupId])).groups;
    const known = new Map(committed?.partitions.map((one) => [one.partition, one] as const));
    const partitions = offsets.map(({ partition, low, high }) => {
      const { offset = "-1", metadata } = known.get(partition) ?? {};
      const position: AssignedPartition["committed"] =
        BigInt(offset) < 0n ? undefined : { offset: BigInt(offset), note: metadata ?? "" };
      return { partition, committed: position, earliest: BigInt(low), end: BigInt(high) };
    });
    return {
      partitions: partitions.toSorted((a, b) => a.partition - b.partition),
      members: group?.members.length ?? 0,
    };
  } catch (error) {
    throw failure(`look at topic "${topic}"`, error, rightsToRead(topic, groupId ?? ""));
  } finally {
    await admin.disconnect();
  }
}

/**
 * Gives the records of these ranges that a consumer is shown, in order within a partition: none of aborted transactions, none that
 * compaction has removed. Resolves with what the broker has not shown for as long as `patienceMs`.
 */
export async function readKafkajs(
  { connection, topic, groupPrefix, patienceMs = 30_000 }: KafkajsReadOptions,
  ranges: readonly KafkaRange[],
  onRecords: (partition: number, records: readonly KafkaRecordWithHeaders[]) => void,
): Promise<readonly KafkaRange[]> {
  const open = new Map(ranges.filter(({ from, to }) => to > from).map((range) => [range.partition, range] as const));
  if (open.size === 0) {
    return [];
  }
  const eachBatch = async (payload: kafkajs.EachBatchPayload): Promise<void> => {
    const { batch } = payload;
    const range = open.get(batch.partition);
    const records = batch.messages.flatMap(({ offset, value, headers }): readonly KafkaRecordWithHeaders[] => {
      const at = BigInt(offset);
      return range === undefined || at < range.from || at >= range.to
        ? []
        : [{ offset: at, value: value ?? undefined, headers: textsOf(headers) }];
    });
    if (records.length > 0) {
      onRecords(batch.partition, records);
    }
    await payload.heartbeat();
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    await inPrivateGroup(connect(connection), `${groupPrefix}${randomUUID()}`, async (consumer, run) => {
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const wait = (): void => {
          clearTimeout(timer);
          timer = setTimeout(resolve, patienceMs);
        };
        consumer.on(consumer.events.GROUP_JOIN, wait);
        consumer.on(consumer.events.CRASH, ({ payload }) => (payload.restart ? undefined : reject(payload.error)));
        // Told of batches of which nothing is shown, too.
        consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
          wait();
          const range = open.get(partition);
          const next = BigInt(lastOffset) + 1n;
          if (range !== undefined && next >= range.to) {
            open.delete(partition);
            consumer.pause([{ topic, partitions: [partition] }]);
          } else if (range !== undefined && next > range.from) {
            open.set(partition, { ...range, from: next });
          }
          if (open.size === 0) {
            resolve();
          }
        });
        run({ autoCommit: false, eachBatch })
          .then(() => {
            for (const { partition, from } of open.values()) {
              consumer.seek({ topic, partition, offset: String(from) });
            }
          })
          .catch(reject);
      }).finally(() => clearTimeout(timer));
    });
  } catch (error) {
    throw failure(`read topic "${topic}"`, error, rightsToRead(topic, groupPrefix, true));
  }
  return [...open.values()];
}

function textsOf(headers: kafkajs.IHeaders | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([key, value]) => [key, String(value)]));
}
