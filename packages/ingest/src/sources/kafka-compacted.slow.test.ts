import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startKafka } from "../../../../test/engines/kafka.ts";
import type { RunningKafka } from "../../../../test/engines/kafka.ts";
import { createKafkaSource } from "./kafka.ts";
import { createKafkajsConsumer } from "../kafka/kafkajs-client.ts";

const TOPIC = "compacted";
const KEYS = 20;
let kafka: RunningKafka;
beforeAll(async () => {
  kafka = await startKafka({ version: "4.1" });
});
afterAll(() => kafka?.stop());

test("of a compacted topic with tombstones everything that is left is read once and committed, over the holes in its offsets", async () => {
  const client = new kafkajs.Kafka({ brokers: [kafka.broker], logLevel: kafkajs.logLevel.NOTHING });
  const [admin, producer] = [client.admin(), client.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2, configEntries: SETTINGS }] });
    const latest = new Map<string, string>();
    for (let round = 0; round < 4; round++) {
      const messages = Array.from({ length: 500 }, (_, i) => ({ key: `k${i % KEYS}`, value: event(500 * round + i) }));
      messages.forEach(({ key, value }) => latest.set(key, value));
      await producer.send({ topic: TOPIC, messages });
    }
    const tombstones = Array.from({ length: 5 }, (_, i) => ({ key: `k${i}`, value: null }));
    tombstones.forEach(({ key }) => latest.delete(key));
    await producer.send({ topic: TOPIC, messages: tombstones });
    // A segment is compacted once it is closed, which the first record after its time does.
    let [ticks, left] = [0, Infinity];
    for (const limit = Date.now() + 120_000; left > 4 * KEYS; left = (await recordsLeft(client)).length) {
      expect(Date.now(), `${left} records are left: nothing is compacted`).toBeLessThan(limit);
      const messages = Array.from({ length: KEYS }, (_, i) => ({ key: `tick${i}`, value: event(10_000 + ticks++) }));
      messages.forEach(({ key, value }) => latest.set(key, value));
      await producer.send({ topic: TOPIC, messages });
      await sleep(1500);
    }
    const before = await recordsLeft(client);
    expect(before).toEqual(expect.arrayContaining([...latest.values()]));
    const stop = new AbortController();
    const connection = { brokers: [kafka.broker], clientId: "test" };
    const source = createKafkaSource({
      name: "kafka",
      topic: TOPIC,
      createConsumer: async () => createKafkajsConsumer({ connection, topic: TOPIC, groupId: "group" }),
    });
    let text = "";
    for await (const { input, offset, bytes } of source.open(stop.signal)) {
      text += bytes.toString("utf8");
      void source.ack(input, offset + bytes.length).then(async () => {
        const [group] = await admin.fetchOffsets({ groupId: "group", topics: [TOPIC] });
        const ends = await admin.fetchTopicOffsets(TOPIC);
        const isDone = ends.every(
          ({ partition, high }) => group?.partitions.find((one) => one.partition === partition)?.offset === high,
        );
        if (isDone) {
          stop.abort();
        }
      });
    }
    await source.close();
    // It may be compacted once more while it is read.
    const read = text.trimEnd().split("\n");
    expect(new Set(read).size).toBe(read.length);
    expect(before).toEqual(expect.arrayContaining(read));
    expect(read).toEqual(expect.arrayContaining([...(await recordsLeft(client))]));
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}, 360_000);

const SETTINGS = Object.entries({
  "cleanup.policy": "compact",
  "segment.ms": "1000",
  "min.cleanable.dirty.ratio": "0.001",
  "delete.retention.ms": "1",
  "max.compaction.lag.ms": "1000",
}).map(([name, value]) => ({ name, value }));

/** Values of the records that a consumer is shown now. */
async function recordsLeft(client: kafkajs.Kafka): Promise<readonly string[]> {
  const admin = client.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(TOPIC);
  await admin.disconnect();
  const consumer = client.consumer({ groupId: `look-${Math.random()}`, maxWaitTimeInMs: 100 });
  const values: string[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
    const open = new Map(ends.map(({ partition, high }) => [partition, BigInt(high)]));
    await new Promise<void>((resolve) => {
      void consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          values.push(...batch.messages.flatMap(({ value }) => (value === null ? [] : [value.toString("utf8")])));
          if (BigInt(batch.lastOffset()) + 1n >= (open.get(batch.partition) ?? 0n)) {
            open.delete(batch.partition);
          }
          if (open.size === 0) {
            resolve();
          }
        },
      });
    });
  } finally {
    await consumer.disconnect();
  }
  return values;
}

function event(number: number): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"jane"},"stageTimestamp":"2026-11-24T00:13:26.471919Z"}`;
}
