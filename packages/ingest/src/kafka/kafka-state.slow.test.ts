import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import kafkajs from "kafkajs";
import type { Admin, Producer } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startKafka } from "../../../../test/engines/kafka.ts";
import type { KafkaVersion, RunningKafka } from "../../../../test/engines/kafka.ts";
import { AUDIT_ID_REPEATED } from "../alarms/audit-id-watch.ts";
import { Child } from "../daemon/chaos-child.suite.ts";
import { chanceOf, detectionRules, eventLines, findingsOf } from "../detections/detection-restart.suite.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";
import type { StateRecord } from "./kafka-client.ts";
import { connect, untilAnswered } from "./kafkajs-client.ts";
import { inPrivateGroup } from "./kafkajs-private-group.ts";
import { checkKafkajsState, createKafkajsStateTopic } from "./kafkajs-state.ts";

const VERSIONS: readonly KafkaVersion[] = ["4.1", "3.9"];
const PARTITIONS = 3;
const USERS = ["eve", "ann", "bob"];
const PATIENCE_MS = 180_000;

describe.each(VERSIONS)("on Kafka %s", (version) => {
  let kafka: RunningKafka;
  let folder: string;
  let admin: Admin;
  let producer: Producer;
  let topics = 0;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "kafka-state-"));
    kafka = await startKafka({ version });
    const { Kafka, logLevel } = kafkajs;
    const client = new Kafka({ brokers: [kafka.broker], clientId: "test", logLevel: logLevel.NOTHING });
    admin = client.admin();
    producer = client.producer();
    await Promise.all([admin.connect(), producer.connect()]);
  });
  afterAll(async () => {
    await Promise.allSettled([admin.disconnect(), producer.disconnect()]);
    await kafka?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("two daemons, one killed, started again, the other stopped: every correlation over the moves is found, once", async () => {
    const topic = await newTopic(PARTITIONS);
    const mock = await MockElasticsearch.start();
    const rules = join(folder, "rules.yml");
    writeFileSync(rules, detectionRules());
    const loaded = loadDetections(detectionRules(), "rules.yml").detections;
    // An auditID that is used again is looked for over all that a daemon reads.
    const engine = new DetectionEngine(loaded.filter(({ id }) => id !== AUDIT_ID_REPEATED));
    const chance = chanceOf(Math.floor(Math.random() * 2 ** 31));
    const byPartition: string[][] = USERS.map(() => []);
    let requests = 0;
    const produce = async (count: number): Promise<void> => {
      const lines = eventLines(count, chance, requests);
      requests += count;
      const messages = lines.map((line) => {
        const partition = USERS.findIndex((user) => line.includes(`"username":"${user}"`));
        byPartition[partition]?.push(line);
        return { partition, value: line };
      });
      await producer.send({ topic, acks: -1, messages });
    };
    const start = (name: string): Promise<Child> =>
      Child.start({
        node: mock.url,
        folder,
        stateFolder: join(folder, version, name),
        detections: rules,
        source: `{ type: kafka, brokers: ["${kafka.broker}"], topic: ${topic} }`,
        more: `keys: { redaction: ${"r".repeat(32)}, id: ${"i".repeat(32)} }\nlimits: { maxBatchItems: 20, maxBatchAgeMs: 20, drainMs: 20000 }`,
      });
    const until = async (what: string, isDone: () => boolean | Promise<boolean>): Promise<void> => {
      for (const limit = Date.now() + PATIENCE_MS; !(await isDone()); await sleep(100)) {
        expect(Date.now(), what).toBeLessThan(limit);
        await produce(2);
      }
    };
    const owners = async (): Promise<number> => {
      const { groups } = await untilAnswered(() => admin.describeGroups(["auditsieve"]));
      return groups[0]?.state === "Stable" ? groups[0].members.length : 0;
    };
    const children: Child[] = [];
    try {
      const first = await start("first");
      children.push(first);
      await until("the first daemon commits", async () => (await committed(topic)).every((offset) => offset > 10));
      let second = await start("second");
      children.push(second);
      await until("two daemons share the group", async () => (await owners()) === 2);
      const shared = await committed(topic);
      await until("both commit", async () =>
        (await committed(topic)).every((offset, i) => offset > (shared[i] ?? 0) + 10),
      );
      await second.end("SIGKILL");
      const killed = await committed(topic);
      await until("the first has all", async () =>
        (await committed(topic)).every((offset, i) => offset > (killed[i] ?? 0) + 10),
      );
      second = await start("second");
      children.push(second);
      await until("two daemons share the group again", async () => (await owners()) === 2);
      await produce(20);
      expect(await first.end("SIGTERM")).toBe(0);
      const stopped = await committed(topic);
      await until("the second has all", async () =>
        (await committed(topic)).every((offset, i) => offset > (stopped[i] ?? 0) + 10),
      );
      for (const limit = Date.now() + PATIENCE_MS; ; await sleep(200)) {
        const offsets = await committed(topic);
        if (byPartition.every((lines, i) => offsets[i] === lines.length)) {
          break;
        }
        expect(Date.now(), `${offsets.join()} of ${byPartition.map(({ length }) => length).join()}`).toBeLessThan(
          limit,
        );
      }
      expect(await second.end("SIGTERM")).toBe(0);
      const expected = byPartition
        .flatMap((lines) => findingsOf(lines, engine))
        .map((text) => (JSON.parse(text) as { readonly id: string }).id);
      const found = [...mock.documents].flatMap(([id, document]) =>
        "rule" in document && !JSON.stringify(document["rule"]).includes(AUDIT_ID_REPEATED) ? [id] : [],
      );
      expect(found.toSorted()).toEqual([...new Set(expected)].toSorted());
      expect(expected.length).toBeGreaterThan(50);
      expect(mock.duplicates).toBe(0);
      const events = [...mock.documents.values()].filter((document) => !("rule" in document)).length;
      expect(events).toBeGreaterThanOrEqual(new Set(byPartition.flat()).size);
    } finally {
      await Promise.all(children.filter(({ isDead }) => !isDead).map((child) => child.end("SIGKILL")));
      await mock.stop();
    }
  }, 900_000);

  test("keeps large states in a compacted topic that it makes, and says what is wrong with another", async () => {
    const topic = await newTopic(2);
    const options = {
      connection: { brokers: [kafka.broker], clientId: "test" },
      topic,
      stateTopic: `${topic}.state`,
      groupId: "g",
    };
    expect(await checkKafkajsState(options)).toBeUndefined();
    expect(await admin.listTopics()).not.toContain(options.stateTopic);
    const states = createKafkajsStateTopic(options);
    await states.open();
    expect(await checkKafkajsState(options)).toBeUndefined();
    const large = Buffer.alloc(512 * 1024, 1);
    await states.send([{ partition: 1, key: "a", value: large }]);
    await states.send([
      { partition: 0, key: "other", value: Buffer.from("0") },
      { partition: 1, key: "b", value: Buffer.from("1") },
    ]);
    await states.send([{ partition: 1, key: "b", value: undefined }]);
    const read: StateRecord[] = [];
    await states.read([1], (record) => read.push(record));
    expect(read.map(({ key, value }) => [key, value?.length])).toEqual([
      ["a", large.length],
      ["b", 1],
      ["b", undefined],
    ]);
    await states.close();
    await admin.createTopics({ topics: [{ topic: `${topic}.small`, numPartitions: 1 }], waitForLeaders: true });
    expect((await checkKafkajsState({ ...options, stateTopic: `${topic}.small` }))?.message).toContain(
      "has 1 partitions",
    );
    await admin.createTopics({ topics: [{ topic: `${topic}.kept`, numPartitions: 2 }], waitForLeaders: true });
    expect((await checkKafkajsState({ ...options, stateTopic: `${topic}.kept` }))?.message).toContain(
      "cleanup.policy is delete",
    );
  });

  test("whoever gives up while the broker is away leaves nobody in the group that it read with", async () => {
    const topic = await newTopic(1);
    const groupId = `own-${topic}`;
    const joined = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<never>();
    const reader = connect({ brokers: [kafka.broker], clientId: "leaver" });
    const reading = inPrivateGroup(reader, groupId, async (consumer, run) => {
      consumer.on(consumer.events.GROUP_JOIN, () => joined.resolve());
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await run({ autoCommit: false, eachBatch: async () => undefined });
      return closed.promise;
    });
    await joined.promise;
    await kafka.restart("SIGKILL", async () => {
      // Long enough that it has lost its broker, and joins anew in vain.
      await sleep(6000);
      closed.reject(new Error("closed"));
      await expect(reading).rejects.toThrow("closed");
    });
    // It may come back to leave, and is taken for a member for half a minute where it cannot say so.
    let quiet = 0;
    for (const limit = Date.now() + 120_000; quiet < 20; await sleep(500)) {
      const [group] = (await untilAnswered(() => admin.describeGroups([groupId]))).groups;
      quiet = group?.members.length === 0 ? quiet + 1 : 0;
      expect(Date.now(), "somebody stays in the group").toBeLessThan(limit);
    }
  }, 360_000);

  async function newTopic(partitions: number): Promise<string> {
    const topic = `audit-${topics++}`;
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
    for (const limit = Date.now() + 30_000; ; await sleep(50)) {
      const isServed = await admin.fetchTopicOffsets(topic).then(
        () => true,
        () => false,
      );
      if (isServed) {
        return topic;
      }
      expect(Date.now(), "the new topic is not served").toBeLessThan(limit);
    }
  }

  /** Of each partition, in order; 0 where nothing is. */
  async function committed(topic: string): Promise<readonly number[]> {
    const [group] = await untilAnswered(() => admin.fetchOffsets({ groupId: "auditsieve", topics: [topic] }));
    const offsets = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return USERS.map((_, partition) => Math.max(0, offsets.get(partition) ?? 0));
  }
});
