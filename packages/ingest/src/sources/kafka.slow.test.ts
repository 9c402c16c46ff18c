import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startKafka } from "../../../../test/engines/kafka.ts";
import type { KafkaVersion, RunningKafka } from "../../../../test/engines/kafka.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import type { DaemonEnd } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { testSink } from "../sink.suite.ts";
import { createKafkaSink } from "../sinks/kafka.ts";
import { testSource } from "../source.suite.ts";
import { makeCertificate } from "./certificate.suite.ts";
import { createKafkaSource } from "./kafka.ts";
import { createKafkajsConsumer, createKafkajsProducer, untilAnswered } from "../kafka/kafkajs-client.ts";
import { kafkajsPartitions } from "../kafka/kafkajs-read.ts";
import { openStore } from "./store-reader.ts";

const VERSIONS: readonly KafkaVersion[] = ["4.1", "3.9"];
const authority = makeCertificate("authority");
const certificate = makeCertificate("broker", authority);
const USER = { user: "auditsieve", password: "password-of-the-test" };

describe.each(VERSIONS)("on Kafka %s", (version) => {
  let kafka: RunningKafka;
  let folder: string;
  let topics = 0;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "kafka-ingest-"));
    writeFileSync(join(folder, "ca.pem"), authority.cert);
    kafka = await startKafka({ version, security: { cert: certificate.cert, key: certificate.key, ...USER } });
  });
  afterAll(async () => {
    await kafka?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  testSource("Kafka", {
    prepare: async (lines) => {
      const topic = await newTopic(1);
      await produce(
        topic,
        lines.map((value) => ({ value })),
      );
      const connection = { brokers: [kafka.broker], clientId: "suite" };
      return {
        create: async () =>
          createKafkaSource({
            name: "kafka",
            topic,
            createConsumer: async () =>
              createKafkajsConsumer({ connection, topic, groupId: topic, maxFetchBytes: 20_000 }),
          }),
        cleanUp: async () => undefined,
      };
    },
    patienceMs: 15_000,
  });

  testSink("Kafka", {
    prepare: async () => {
      const topic = await newTopic(3);
      const connection = { brokers: [kafka.broker], clientId: "suite" };
      return {
        create: () =>
          createKafkaSink({ name: "kafka", createProducer: () => createKafkajsProducer({ connection, topic }) }),
        stored: () => valuesOf(topic),
        isIdempotent: false,
        cleanUp: async () => undefined,
      };
    },
  });

  test("two daemons share a group while one comes and goes and the broker is killed: nothing is lost, little comes again", async () => {
    const topic = await newTopic(6);
    const events: string[] = [];
    const first = daemon("first", topic);
    const enough = new AbortController();
    // As long as it takes until both have had their share.
    const end = Date.now() + 200_000;
    const producing = (async () => {
      while (!enough.signal.aborted && Date.now() < end) {
        const fresh = Array.from({ length: 100 }, (_, i) => event(events.length + i));
        await produce(
          topic,
          fresh.map((value, i) => ({ key: `actor-${(events.length + i) % 40}`, value })),
        );
        events.push(...fresh);
        await sleep(100);
      }
    })();
    await untilMoreThan(0, first);
    let second = daemon("second", topic);
    await untilMoreThan(0, second);
    // In the middle of what it reads: what it has under way is drained, stored and committed, or comes to the other.
    expect((await second.stop()).unacknowledged).toBe(0);
    const share = (await second.stored()).length;
    const readInPeace = events.length;
    second = daemon("second", topic);
    await untilMoreThan(share, second);
    enough.abort();
    await producing;
    await kafka.restart("SIGKILL");
    await produce(topic, [{ key: "last", value: event(events.length) }]);
    const expected = [...events, event(events.length)];
    for (const limit = Date.now() + 120_000; ; await sleep(300)) {
      const stored = new Set([...(await first.stored()), ...(await second.stored())]);
      if (stored.size === expected.length) {
        break;
      }
      expect(Date.now(), `${stored.size} of ${expected.length}`).toBeLessThan(limit);
    }
    // Everything that is stored is committed, whoever has the partition, although no record follows.
    await untilCommitted(topic);
    const ends = await Promise.all([first.stop(), second.stop()]);
    expect(ends.map(({ unacknowledged }) => unacknowledged)).toEqual([0, 0]);
    const stored = [...(await first.stored()), ...(await second.stored())];
    expect([...new Set(stored)].toSorted()).toEqual(expected.toSorted());
    // Two stores cannot know of each other. Whoever joins gets what is left when the other has committed, unless that one learns of it
    // while it waits for records; of a broker that is killed each may get what the other has stored within the last second.
    const early = new Set(events.slice(0, readInPeace));
    const again = stored.filter((event) => early.has(event)).length - early.size;
    expect(again).toBeLessThan(early.size / 2);
    const third = daemon("third", topic);
    await sleep(6000);
    expect((await third.stop()).tallies[0]?.lines).toBe(0);
  }, 300_000);

  test("whoever stops while the broker is away is no member any more when it is back, and a successor gets everything", async () => {
    const topic = await newTopic(2);
    const groupId = `group-${topic}`;
    const connection = { brokers: [kafka.broker], clientId: "leaver" };
    const assigned = Promise.withResolvers<void>();
    const leaver = createKafkajsConsumer({ connection, topic, groupId });
    const handlers = { batch: async () => undefined, handOver: async () => undefined, failed: () => undefined };
    await leaver.start({ ...handlers, assigned: () => assigned.resolve() });
    await assigned.promise;
    await kafka.restart("SIGKILL", async () => {
      // Long enough that it has lost its broker, and joins anew in vain.
      await sleep(6000);
      await leaver.close();
    });
    await produce(
      topic,
      Array.from({ length: 40 }, (_, i) => ({ key: `actor-${i}`, value: event(i) })),
    );
    const successor = daemon(`${topic}-successor`, topic);
    for (const limit = Date.now() + 120_000; (await successor.stored()).length < 40; await sleep(300)) {
      expect(Date.now(), "somebody who is gone keeps a partition").toBeLessThan(limit);
    }
    await successor.stop();
    for (const limit = Date.now() + 60_000; ; await sleep(500)) {
      const { members } = await kafkajsPartitions(connection, topic, groupId);
      if (members === 0) {
        break;
      }
      expect(Date.now(), "somebody stays in the group").toBeLessThan(limit);
    }
  }, 360_000);

  test.each([
    ["plain", "none"],
    ["scram-sha-512", "gzip"],
    ["scram-sha-512", "snappy"],
    ["scram-sha-512", "lz4"],
    ["scram-sha-512", "zstd"],
  ])("goes there and back with TLS, SASL %s and %s", async (mechanism, compression) => {
    const topic = await newTopic(2);
    const lines = Array.from({ length: 200 }, (_, i) => event(i));
    const log = join(folder, `${topic}.log`);
    writeFileSync(log, lines.map((line) => `${line}\n`).join(""));
    const secured = `brokers: ["${kafka.secured}"], topic: ${topic}, caFile: ${join(folder, "ca.pem")}, mechanism: ${mechanism}, username: ${USER.user}, password: ${USER.password}`;
    const sending = run(
      `${topic}-out`,
      `{ type: archive, path: ${log} }`,
      `{ type: kafka, ${secured}, compression: ${compression}, feed: all }`,
    );
    expect(await sending.ended).toMatchObject({ reason: "stopped", unacknowledged: 0 });
    const back = daemon(`${topic}-back`, topic, secured);
    for (const limit = Date.now() + 60_000; (await back.stored()).length < lines.length; await sleep(200)) {
      expect(Date.now()).toBeLessThan(limit);
    }
    await back.stop();
    expect((await back.stored()).toSorted()).toEqual(lines.toSorted());
  });

  test("says what is wrong: no such topic, a wrong password, nobody there", async () => {
    const { checkSource } = await import("../config/create-source.ts");
    const problems = async (source: string): Promise<readonly string[]> =>
      (
        await Promise.all(
          configOf("check", source, "{ type: stdout }").sources.map((one) =>
            checkSource(one, { linked: { correlations: [], silent: new Set(), problems: [] }, detections: [] }),
          ),
        )
      )
        .flat()
        .map(({ error }) => error.message);
    const topic = await newTopic(1);
    const ca = `caFile: ${join(folder, "ca.pem")}`;
    expect(await problems(`{ type: kafka, brokers: ["${kafka.broker}"], topic: ${topic} }`)).toEqual([]);
    expect(await problems(`{ type: kafka, brokers: ["${kafka.broker}"], topic: nope }`)).toMatchObject([
      expect.stringContaining('no topic "nope"'),
    ]);
    expect(
      await problems(
        `{ type: kafka, brokers: ["${kafka.secured}"], topic: ${topic}, ${ca}, username: auditsieve, password: wrong }`,
      ),
    ).toMatchObject([expect.stringContaining("Cannot connect to Kafka")]);
    expect(await problems(`{ type: kafka, brokers: ["127.0.0.1:1"], topic: ${topic} }`)).toMatchObject([
      expect.stringContaining("Cannot connect to Kafka"),
    ]);
  });

  /** Waits until the group has committed the end of every partition. */
  async function untilCommitted(topic: string): Promise<void> {
    const admin = client().admin();
    await admin.connect();
    try {
      for (const limit = Date.now() + 180_000; ; await sleep(300)) {
        const ends = await untilAnswered(() => admin.fetchTopicOffsets(topic));
        const [group] = await untilAnswered(() => admin.fetchOffsets({ groupId: `group-${topic}`, topics: [topic] }));
        const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
        const open = ends.filter(({ partition, high }) => Number(high) > (committed.get(partition) ?? 0));
        if (open.length === 0) {
          break;
        }
        const lag = open.map(({ partition, high }) => `${partition}: ${committed.get(partition)} of ${high}`);
        expect(Date.now(), `stored but not committed: ${lag.join(", ")}`).toBeLessThan(limit);
      }
    } finally {
      await admin.disconnect();
    }
  }

  /** Waits until the daemon's store holds more than `count` events. */
  async function untilMoreThan(
    count: number,
    { stored }: { readonly stored: () => Promise<readonly string[]> },
  ): Promise<void> {
    for (const limit = Date.now() + 60_000; (await stored()).length <= count; await sleep(300)) {
      expect(Date.now(), "the daemon stores nothing").toBeLessThan(limit);
    }
  }

  function client(): InstanceType<typeof kafkajs.Kafka> {
    return new kafkajs.Kafka({ brokers: [kafka.broker], clientId: "test", logLevel: kafkajs.logLevel.NOTHING });
  }

  async function newTopic(partitions: number): Promise<string> {
    const topic = `audit-${topics++}`;
    const admin = client().admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
    // A leader is known before the broker answers for its offsets.
    for (const limit = Date.now() + 30_000; ; await sleep(50)) {
      const isServed = await admin.fetchTopicOffsets(topic).then(
        () => true,
        () => false,
      );
      if (isServed) {
        break;
      }
      expect(Date.now(), "the new topic is not served").toBeLessThan(limit);
    }
    await admin.disconnect();
    return topic;
  }

  async function produce(topic: string, messages: readonly { key?: string; value: string }[]): Promise<void> {
    const producer = client().producer();
    await producer.connect();
    await producer.send({ topic, messages: messages.map((message) => ({ ...message })), acks: -1 });
    await producer.disconnect();
  }

  /** Everything in the topic. */
  async function valuesOf(topic: string): Promise<readonly string[]> {
    const admin = client().admin();
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    await admin.disconnect();
    const count = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
    const values: string[] = [];
    if (count === 0) {
      return values;
    }
    const consumer = client().consumer({ groupId: `read-${topic}-${Date.now()}`, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => void values.push(message.value?.toString() ?? ""),
    });
    // An idempotent producer's markers are no messages: only a transaction has them.
    for (const limit = Date.now() + 30_000; values.length < count && Date.now() < limit; await sleep(20)) {
      continue;
    }
    await consumer.disconnect();
    return values;
  }

  function configOf(name: string, source: string, sink: string): IngestConfig {
    const text = `
cluster: engine
stateFolder: ${join(folder, name, "state")}
keys: { redaction: ${"r".repeat(32)}, id: ${"i".repeat(32)} }
sources: [${source}]
sinks: [${sink}]
limits: { maxBatchAgeMs: 50 }
`;
    const references = { env: () => undefined, readFile: (path: string) => readFileSync(path, "utf8") };
    const read = readConfig(text, { ...references, policy: () => "", detections: () => [] });
    expect(read.problems).toEqual([]);
    return read.config as IngestConfig;
  }

  function run(name: string, source: string, sink: string): { stop: AbortController; ended: Promise<DaemonEnd> } {
    const stop = new AbortController();
    const logger = createLogger({ destination: { write: () => undefined }, level: "error" });
    return { stop, ended: startDaemon(configOf(name, source, sink), { logger, signal: stop.signal }) };
  }

  function daemon(
    name: string,
    topic: string,
    reach = `brokers: ["${kafka.broker}"], topic: ${topic}`,
  ): { stop: () => Promise<DaemonEnd>; stored: () => Promise<readonly string[]> } {
    const store = join(folder, name, "store");
    const { stop, ended } = run(
      name,
      `{ type: kafka, ${reach}, groupId: group-${topic} }`,
      `{ type: store, folder: ${store}, feed: all }`,
    );
    return {
      stop: async () => {
        stop.abort();
        return ended;
      },
      stored: async () => {
        let text = "";
        for (const log of await openStore(store).then(
          (one) => one.logs({ kinds: ["event"] }),
          () => [],
        )) {
          for await (const chunk of log.open()) {
            text += chunk.toString("utf8");
          }
        }
        return text.split("\n").filter((line) => line !== "");
      },
    };
  }
});

function event(number: number): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"actor-${number % 40}"},"stageTimestamp":"2026-11-24T00:13:26.471919Z"}`;
}
