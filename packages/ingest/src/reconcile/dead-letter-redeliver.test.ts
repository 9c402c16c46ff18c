import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { createLogger } from "../logger.ts";
import { sampleDelivery } from "../sink.suite.ts";
import { lockState } from "../state/state-lock.ts";
import { openDeadLetter, redeliverDeadLetters } from "./dead-letter-redeliver.ts";
import { openSideLogs } from "../sinks/dead-letter.ts";
import type { LetterSeal } from "../sinks/sealed-letter.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";

const context = { cluster: "test", logger: createLogger({ destination: { write: () => undefined } }) };
const signal = new AbortController().signal;
let folder: string;
let mock: MockElasticsearch;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "redeliver-"));
  mock = await MockElasticsearch.start();
  mkdirSync(join(folder, "state"));
});
afterEach(async () => {
  await mock.stop();
  rmSync(folder, { recursive: true });
});

test("dead letters go to their sink again under their ids; what is refused again stays, with its place", async () => {
  await write(6);
  mock.behave = () => ({ everyThird: 400 });
  expect(await redeliverDeadLetters(config(), context, signal)).toEqual({ stored: 4, refused: 2, left: 0 });
  expect([...mock.documents.keys()]).toEqual([0, 1, 3, 4].map((number) => sampleDelivery(number).id));
  expect(letters()).toEqual(
    [2, 5].map((number) => expect.objectContaining({ id: sampleDelivery(number).id, offset: number }) as unknown),
  );
  mock.behave = () => "ok";
  mock.rollover();
  expect(await redeliverDeadLetters(config(), context, signal)).toEqual({ stored: 2, refused: 0, left: 0 });
  expect(await redeliverDeadLetters(config(), context, signal)).toEqual({ stored: 0, refused: 0, left: 0 });
  expect(mock).toMatchObject({ duplicates: 0, conflicts: 0 });
  expect(mock.documents.size).toBe(6);
});

test("what a crash interrupted is gone on with, and nothing is stored twice", async () => {
  await write(3);
  mock.behave = () => "http-401";
  await expect(redeliverDeadLetters(config(), context, signal)).rejects.toMatchObject({ code: "sink-refuses" });
  await write(1);
  mock.behave = () => "ok";
  expect(await redeliverDeadLetters(config(), context, signal)).toMatchObject({ stored: 3 });
  expect(await redeliverDeadLetters(config(), context, signal)).toMatchObject({ stored: 1 });
  expect(mock).toMatchObject({ duplicates: 0 });
  expect(mock.documents.size).toBe(3);
});

test("a damaged letter, and one of another sink, are left", async () => {
  await write(1);
  await write(1, "gone");
  appendFileSync(join(folder, "state", "dead-letter.ndjson"), '{"id":"cut\n');
  expect(await redeliverDeadLetters(config(), context, signal)).toEqual({ stored: 1, refused: 0, left: 2 });
  expect(
    readFileSync(join(folder, "state", "dead-letter.ndjson.left"), "utf8")
      .trim()
      .split("\n"),
  ).toHaveLength(2);
});

test("sealed letters show where they belong and not what they hold, and are delivered with the private key only", async () => {
  const [own, other] = [generateKeyPairSync("x25519"), generateKeyPairSync("x25519")];
  const idKey = Buffer.alloc(32, 7);
  await write(2, "elasticsearch", { recipient: own.publicKey, idKey });
  await write(1, "elasticsearch", { recipient: other.publicKey, idKey });
  await write(1);
  const text = readFileSync(join(folder, "state", "dead-letter.ndjson"), "utf8");
  const document = sampleDelivery(0).document.toString("utf8");
  expect(text.split(document)).toHaveLength(2);
  for (const canary of ["CANARY", Buffer.from("CANARY").toString("base64"), "jane"]) {
    expect(text.split("\n").slice(0, 3).join("\n")).not.toContain(canary);
  }
  expect(letters().slice(0, 2)).toMatchObject(
    [0, 1].map((i) => ({ id: sampleDelivery(i).id, source: "audit", offset: i })),
  );
  await expect(redeliverDeadLetters(config(), context, signal)).rejects.toMatchObject({
    code: "missing",
    hint: expect.stringContaining("--private-key") as string,
  });
  const result = await redeliverDeadLetters(config(), { ...context, privateKey: own.privateKey }, signal);
  expect(result).toEqual({ stored: 3, refused: 0, left: 1 });
  expect([...mock.documents.keys()].toSorted()).toEqual([0, 1].map((i) => sampleDelivery(i).id).toSorted());
  const left = readFileSync(join(folder, "state", "dead-letter.ndjson.left"));
  const opened = await openDeadLetter(left.subarray(0, -1), other.privateKey);
  expect(opened).toMatchObject({ sink: "elasticsearch", offset: 0, detail: "said CANARY" });
  expect(opened?.delivery.document.toString("utf8")).toBe(document);
});

test("a sealed document under another letter's id does not open", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  await write(2, "elasticsearch", { recipient: publicKey, idKey: Buffer.alloc(32, 7) });
  const [first, second] = letters() as readonly Record<string, unknown>[];
  const moved = Buffer.from(JSON.stringify({ ...first, sealed: second?.["sealed"] }));
  expect(await openDeadLetter(moved, privateKey)).toBeUndefined();
  expect(await openDeadLetter(Buffer.from(JSON.stringify(first)), privateKey)).toBeDefined();
});

test("what is refused again is sealed again", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const pem = String(publicKey.export({ type: "spki", format: "pem" }));
  await write(3);
  mock.behave = () => ({ everyThird: 400 });
  const sealing = config(`deadLetters: { publicKey: ${JSON.stringify(pem)} }`);
  expect(await redeliverDeadLetters(sealing, context, signal)).toMatchObject({ refused: 1 });
  expect(letters()).toEqual([expect.not.objectContaining({ document: expect.anything() as unknown })]);
  mock.behave = () => "ok";
  expect(await redeliverDeadLetters(sealing, { ...context, privateKey }, signal)).toMatchObject({ stored: 1, left: 0 });
});

test("not while a daemon uses the folder", async () => {
  await write(1);
  const lock = await lockState(join(folder, "state"));
  await expect(redeliverDeadLetters(config(), context, signal)).rejects.toMatchObject({ code: "state-in-use" });
  await lock.release();
  expect(await redeliverDeadLetters(config(), context, signal)).toMatchObject({ stored: 1 });
});

async function write(count: number, sink = "elasticsearch", seal?: LetterSeal): Promise<void> {
  const deadLetter = join(folder, "state", "dead-letter.ndjson");
  const logs = openSideLogs({ deadLetter, quarantine: join(folder, "q"), seal });
  await logs.deadLetter(
    Array.from({ length: count }, (_, i) => ({
      delivery: sampleDelivery(i),
      sink,
      reason: "document_parsing_exception",
      detail: "said CANARY",
      source: "audit",
      input: "audit.log@0",
      offset: i,
    })),
  );
  await logs.close();
}

function letters(): readonly unknown[] {
  const path = join(folder, "state", "dead-letter.ndjson");
  return existsSync(path)
    ? readFileSync(path, "utf8")
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
    : [];
}

function config(more = ""): IngestConfig {
  const read = readConfig(
    `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: file, path: ${join(folder, "audit.log")} }]
sinks: [{ type: elasticsearch, node: "${mock.url}", feed: all }]
${more}
`,
    { env: () => undefined, readFile: () => "", policy: () => "", detections: () => [] },
  );
  expect(read.problems).toEqual([]);
  return read.config as IngestConfig;
}
