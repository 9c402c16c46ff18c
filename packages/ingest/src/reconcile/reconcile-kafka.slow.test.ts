import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startKafka } from "../../../../test/engines/kafka.ts";
import type { KafkaVersion, RunningKafka } from "../../../../test/engines/kafka.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { markSinks } from "../config/sink-marks.ts";
import { openCheckpoint } from "../state/checkpoint.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { reconcile } from "./reconcile.ts";

const SAMPLE = fileURLToPath(new URL("../../../../samples/working-day.log.zst", import.meta.url));
const NOISE = readFileSync(new URL("../../../../profiles/noise/control-loops.policy.yaml", import.meta.url), "utf8");
const VERSIONS: readonly KafkaVersion[] = ["4.1", "3.9"];
const LINES = zstdDecompressSync(readFileSync(SAMPLE)).toString("utf8").trimEnd().split("\n").slice(0, 2_000);

describe.each(VERSIONS)("reconcile on Kafka %s", (version) => {
  let kafka: RunningKafka;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "reconcile-kafka-"));
    kafka = await startKafka({ version });
  }, 300_000);
  afterAll(async () => {
    await kafka?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("accounts for every record of a topic in a topic and a folder, and names what is missing, repeated and not to be seen", async () => {
    const admin = client().admin();
    await admin.connect();
    await admin.createTopics({
      topics: [
        { topic: "in", numPartitions: 3 },
        { topic: "out", numPartitions: 2 },
      ],
      waitForLeaders: false,
    });
    const half = Math.floor(LINES.length / 2);
    await send(LINES.slice(0, half), "committed");
    // What is aborted is no input of anybody.
    await send([lineOf("aborted-1"), lineOf("aborted-2")], "aborted");
    await run();
    await send(LINES.slice(half), "committed");
    // A sink that was added meanwhile lacks the first half, and is asked for the other one only.
    const added = config(`- { type: file, name: late, folder: ${join(folder, "late")}, feed: all }`);
    await run(added);
    const { sinks: all, discrepancies: none } = await reconcile(added);
    expect(none).toEqual([]);
    const behind = LINES.length - half;
    const late = { sink: "late", lines: behind, stored: behind, missing: 0, pending: 0, earlier: half };
    expect(all[2]).toMatchObject(late);

    const whole = await reconcile(config());
    expect(whole.discrepancies).toEqual([]);
    expect(whole.notChecked).toEqual([]);
    expect(whole.sinks.map(({ sink }) => sink)).toEqual(["kafka", "file"]);
    for (const { lines, stored, dropped, missing, pending, deadLettered, withoutInput } of whole.sinks) {
      expect({ lines, missing, pending, deadLettered, withoutInput }).toEqual({
        lines: LINES.length,
        missing: 0,
        pending: 0,
        deadLettered: 0,
        withoutInput: 0,
      });
      expect(stored + dropped).toBe(LINES.length);
      expect(dropped).toBeGreaterThan(100);
    }
    expect((await admin.listGroups()).groups.filter(({ groupId }) => groupId.includes("reconcile"))).toEqual([]);

    // The daemon was stopped before it had read anything for a sink that was added: nothing is asked of that one.
    const unread = config(`- { type: file, name: unread, folder: ${join(folder, "unread")}, feed: all }`);
    const checkpoint = await openCheckpoint(join(folder, "state", "checkpoint.json"));
    markSinks(checkpoint, unread);
    await checkpoint.save();
    const begun = await reconcile(unread);
    expect(begun.discrepancies).toEqual([]);
    expect(begun.sinks[2]).toMatchObject({ lines: 0, stored: 0, missing: 0, earlier: LINES.length });
    expect(
      begun.notChecked.map((text) => /"unread".* has not read (\S+) since/.exec(text)?.[1] ?? text).toSorted(),
    ).toEqual(["in/0", "in/1", "in/2"]);

    // What nobody has read yet is pending; what was stored twice is told of; a line of the folder that is gone is named.
    await send([lineOf("pending")], "committed");
    await repeatFirst();
    const events = join(
      folder,
      "events",
      readdirSync(join(folder, "events")).find((name) => name.startsWith("event")) ?? "",
    );
    const [gone = "", ...rest] = readFileSync(events, "utf8").split("\n");
    writeFileSync(events, rest.join("\n"));
    const touched = await reconcile(config());
    expect(touched.sinks.map(({ pending }) => pending)).toEqual([1, 1]);
    expect(touched.discrepancies.map(({ sink, kind, severity }) => `${sink} ${kind} ${severity}`)).toEqual([
      "kafka repeated warning",
      "file missing error",
    ]);
    const { file, offset, source } = touched.discrepancies[1] ?? expect.fail();
    expect({ source, line: await lineAt(file, offset) }).toEqual({ source: "kafka", line: gone });

    // The topics keep less than what was read: said, and offsets stay what they were.
    await admin.deleteTopicRecords({ topic: "in", partitions: [{ partition: 0, offset: "40" }] });
    const { partition = -1 } = (await admin.fetchTopicOffsets("out")).find(({ high }) => high !== "0") ?? {};
    await admin.deleteTopicRecords({ topic: "out", partitions: [{ partition, offset: "1" }] });
    const cut = await reconcile(config());
    expect(cut.notChecked).toEqual([
      expect.stringMatching(/^Records 0 to 39 of in\/0 .* are gone/) as string,
      expect.stringContaining(`Records before 1 of out/${partition} `) as string,
    ]);
    const again = cut.discrepancies.find(({ sink, kind }) => sink === "file" && kind === "missing");
    if (again !== undefined) {
      expect(await lineAt(again.file, again.offset)).toBe(gone);
    }
    expect(cut.sinks[1]).toMatchObject({ lines: LINES.length + 1 - 40 });
    await admin.disconnect();
  }, 400_000);

  test("says what was removed before it was read, and leaves out what a transaction holds that is not finished", async () => {
    const admin = client().admin();
    await admin.connect();
    // The group had read everything but the pending line.
    await send(
      Array.from({ length: 30 }, (_, i) => lineOf(`late-${i}`)),
      "committed",
    );
    const ends = await admin.fetchTopicOffsets("in");
    await admin.deleteTopicRecords({
      topic: "in",
      partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
    });
    const { discrepancies, sinks } = await reconcile(config());
    const lost = discrepancies.filter(({ kind }) => kind === "lost");
    expect(lost.map(({ file }) => file).toSorted()).toEqual(["in/0", "in/1", "in/2"]);
    expect(lost[0]?.message).toMatch(/^records \d+ to \d+ were removed/);

    const producer = client().producer({ transactionalId: "open", idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: "in", messages: [{ partition: 0, value: lineOf("open") }] });
    // Nobody is shown it yet: neither the daemon nor this.
    const [before, after] = [sinks, (await reconcile(config())).sinks];
    expect(after.map(({ lines }) => lines)).toEqual(before.map(({ lines }) => lines));
    await transaction.abort();
    await producer.disconnect();
    await admin.disconnect();
  }, 400_000);

  function client(): kafkajs.Kafka {
    return new kafkajs.Kafka({ brokers: [kafka.broker], logLevel: kafkajs.logLevel.NOTHING });
  }

  /** In transactions, so that the topic has records that are none. */
  async function send(lines: readonly string[], end: "committed" | "aborted"): Promise<void> {
    const producer = client().producer({ transactionalId: `t-${end}`, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (let i = 0; i < lines.length; i += 100) {
      const transaction = await producer.transaction();
      const messages = lines.slice(i, i + 100).map((value) => ({ value, key: userOf(value) }));
      await transaction.send({ topic: "in", messages });
      await (end === "committed" ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
  }

  /** Another record of a document that is there. */
  async function repeatFirst(): Promise<void> {
    const [message] = (await recordsOf("out")).filter(
      ({ headers }) => String(headers?.["auditsieve-kind"]) === "event",
    );
    const producer = client().producer();
    await producer.connect();
    const { key = null, value = null, headers = {} } = message ?? {};
    await producer.send({ topic: "out", messages: [{ key, value, headers }] });
    await producer.disconnect();
  }

  async function recordsOf(topic: string): Promise<readonly kafkajs.KafkaMessage[]> {
    const records: (kafkajs.KafkaMessage & { partition: number })[] = [];
    const consumer = client().consumer({ groupId: `look-${Math.random()}` });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const wanted = topic === "out" ? 1 : LINES.length + 1;
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message, partition }) => void records.push({ ...message, partition }),
    });
    await until(() => records.length >= wanted);
    await consumer.disconnect();
    return records;
  }

  /** The line that stands at this byte of a partition, where all of its records are there. */
  async function lineAt(input: string, offset: number): Promise<string> {
    lines ??= (await recordsOf("in")) as readonly (kafkajs.KafkaMessage & { partition: number })[];
    let at = 0;
    for (const { value } of lines.filter(({ partition }) => input.startsWith(`in/${partition}@`))) {
      if (at === offset) {
        return String(value);
      }
      at += (value?.length ?? 0) + 1;
    }
    return "none begins there";
  }
  let lines: readonly (kafkajs.KafkaMessage & { partition: number })[] | undefined;

  /** The daemon, until the group has committed everything. */
  async function run(using: IngestConfig = config()): Promise<void> {
    const stop = new AbortController();
    const logger = createLogger({ destination: { write: () => undefined }, level: "error" });
    const running = startDaemon(using, { logger, signal: stop.signal });
    await until(async () => {
      const { sinks } = await reconcile(using);
      return sinks.every(({ lines, pending }) => lines > 0 && pending === 0);
    });
    stop.abort();
    expect(await running).toMatchObject({ reason: "stopped", unacknowledged: 0 });
  }

  function config(more = ""): IngestConfig {
    const key = "0123456789abcdef0123456789abcdef";
    const read = readConfig(
      `
cluster: reconcile
stateFolder: ${join(folder, "state")}
keys: { id: ${key}, redaction: ${key} }
sources: [{ type: kafka, brokers: ["${kafka.broker}"], topic: in, detectionState: folder, partialCorrelations: true }]
sinks:
  - { type: kafka, brokers: ["${kafka.broker}"], topic: out, policy: noise }
  - { type: file, folder: ${join(folder, "events")}, policy: noise }
  ${more}
limits: { maxBatchAgeMs: 50 }
`,
      { env: () => undefined, readFile: () => "", policy: () => NOISE, detections: () => [] },
    );
    expect(read.problems).toEqual([]);
    return read.config ?? expect.fail();
  }
});

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (const limit = Date.now() + 120_000; !(await isDone()); await sleep(100)) {
    expect(Date.now(), "it has not come to that").toBeLessThan(limit);
  }
}

function userOf(line: string): string {
  return (JSON.parse(line) as { readonly user: { readonly username: string } }).user.username;
}

function lineOf(id: string): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${id}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"delete","user":{"username":"user of ${id}"},"stageTimestamp":"2026-11-24T00:13:26.471919Z"}`;
}
