import type { Admin, Consumer, ConsumerConfig, ConsumerRunConfig } from "kafkajs";
import { KafkajsMembership } from "./kafkajs-membership.ts";

/** What is asked of a `Kafka` of the library. */
export interface KafkajsClients {
  consumer(config: ConsumerConfig): Consumer;
  admin(): Pick<Admin, "connect" | "deleteGroups" | "disconnect">;
}

/**
 * Reads a topic as the one member of a group of its own: the library reads in no other way. Whatever comes of `read`, nobody stays in
 * the group, even where the broker is away meanwhile, and the group is removed. `read` is to start with the `run` it is given.
 */
export async function inPrivateGroup<T>(
  kafka: KafkajsClients,
  groupId: string,
  read: (consumer: Consumer, run: (config: ConsumerRunConfig) => Promise<void>) => Promise<T>,
  patienceMs?: number,
): Promise<T> {
  let isOver = false;
  const restartOnFailure = (): Promise<boolean> => Promise.resolve(!isOver);
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, retry: { retries: 5, restartOnFailure } });
  const membership = new KafkajsMembership(consumer, patienceMs);
  try {
    await consumer.connect();
    return await read(consumer, (config) => {
      membership.begin();
      return consumer.run(config);
    });
  } finally {
    isOver = true;
    if (await membership.leave()) {
      await removeGroup(kafka, groupId);
    }
  }
}

/** A group without members and offsets goes by itself too, only later. */
async function removeGroup(kafka: KafkajsClients, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // It may not be removed by this user.
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
