import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../config.ts";
import type { IngestConfig } from "../config.ts";
import { createLogger } from "../logger.ts";
import { sampleDelivery } from "../sink.suite.ts";
import { lockState } from "../state-lock.ts";
import { redeliverDeadLetters } from "./dead-letter-redeliver.ts";
import { openSideLogs } from "./dead-letter.ts";
import { MockElasticsearch } from "./mock-elasticsearch.suite.ts";

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

test("not while a daemon uses the folder", async () => {
  await write(1);
  const lock = await lockState(join(folder, "state"));
  await expect(redeliverDeadLetters(config(), context, signal)).rejects.toMatchObject({ code: "state-in-use" });
  await lock.release();
  expect(await redeliverDeadLetters(config(), context, signal)).toMatchObject({ stored: 1 });
});

async function write(count: number, sink = "elasticsearch"): Promise<void> {
  const logs = openSideLogs({ deadLetter: join(folder, "state", "dead-letter.ndjson"), quarantine: join(folder, "q") });
  await logs.deadLetter(
    Array.from({ length: count }, (_, i) => ({
      delivery: sampleDelivery(i),
      sink,
      reason: "document_parsing_exception",
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

function config(): IngestConfig {
  const read = readConfig(
    `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: file, path: ${join(folder, "audit.log")} }]
sinks: [{ type: elasticsearch, node: "${mock.url}", feed: all }]
`,
    { env: () => undefined, readFile: () => "", policy: () => "", detections: () => [] },
  );
  expect(read.problems).toEqual([]);
  return read.config as IngestConfig;
}
