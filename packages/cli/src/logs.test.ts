import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  aksRecord,
  aksRecords,
  cloudWatchExport,
  cloudWatchSubscription,
  eventList,
  gkeEntry,
  gkePayload,
} from "../../audit/src/envelope/wrapped.suite.ts";
import { readLog } from "./logs.ts";
import { ROOT } from "./run-command.suite.ts";
import { auditsieveHere as auditsieve } from "./run-in-process.suite.ts";

/** Each of these tests starts a few processes, on a machine that may be busy. */
const PROCESSES_TIMEOUT = 120_000;
const WEBHOOK = join(ROOT, "samples", "webhook-eventlist.json");
const EVENTS = readFileSync(join(ROOT, "samples", "small.log"), "utf8")
  .trimEnd()
  .split("\n");
const LOG = EVENTS.map((event) => `${event}\n`).join("");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "envelopes-"));
});
afterAll(() => rm(folder, { recursive: true }));

test(
  "the recorded webhook body gives the findings and the lines of the same events as a log",
  { timeout: PROCESSES_TIMEOUT },
  async () => {
    const { items } = JSON.parse(readFileSync(WEBHOOK, "utf8")) as { items: unknown[] };
    const log = items.map((item) => `${JSON.stringify(item)}\n`).join("");
    const path = join(folder, "webhook.log");
    await writeFile(path, log);
    const replay = ["replay", "--output", "ndjson"];
    const [found, kept] = [await auditsieve([...replay, WEBHOOK]), await auditsieve(["filter", WEBHOOK])];
    const [expected, keptOfLog] = [await auditsieve([...replay, path]), await auditsieve(["filter", path])];
    expect([found.code, kept.code]).toEqual([0, 0]);
    expect(parsed(found.stdout)).toEqual(parsed(expected.stdout));
    // JSON.stringify writes an ampersand in another way than the apiserver: the values are the same.
    expect(parsed(kept.stdout)).toEqual(parsed(keptOfLog.stdout));
    expect(parsed(kept.stdout).length).toBeGreaterThan(20);
  },
);

test("events in any envelope are read as the log they came from, byte for byte", async () => {
  const envelopes = [
    eventList(EVENTS),
    `[${EVENTS.join(",")}]`,
    cloudWatchSubscription(EVENTS),
    cloudWatchExport(EVENTS),
    aksRecords(EVENTS),
    EVENTS.map((event) => `${aksRecord(event)}\n`).join(""),
    LOG,
  ];
  for (const [i, envelope] of envelopes.entries()) {
    const path = join(folder, `envelope-${i}`);
    await writeFile(path, envelope);
    const chunks: Buffer[] = [];
    for await (const chunk of readLog(path)) {
      chunks.push(Buffer.from(chunk));
    }
    expect(Buffer.concat(chunks).toString()).toBe(LOG);
  }
});

test(
  "isReadOnce: what a named pipe gives is read, packed or not, and once",
  { timeout: PROCESSES_TIMEOUT },
  async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const path = join(folder, "not-a-pipe.log");
    await writeFile(path, LOG);
    for (const command of [["filter"], ["replay", "--output", "ndjson"]]) {
      const { stdout } = await auditsieve([...command, path]);
      for (const bytes of [LOG, gzipSync(LOG), eventList(EVENTS)]) {
        const [ofPipe] = await Promise.all([auditsieve([...command, pipe]), writeFile(pipe, bytes)]);
        expect(ofPipe.stdout).toBe(stdout);
        expect(ofPipe.code).toBe(0);
      }
    }
    const report = await auditsieve(["replay", pipe, "--html", join(folder, "report.html")]);
    expect(report.code).toBe(2);
    expect(report.stderr).toContain(`${pipe} cannot be read again`);
  },
);

test("replay finds the same in an envelope as in the log", { timeout: PROCESSES_TIMEOUT }, async () => {
  const fromLog = await auditsieve(["replay", "--output", "ndjson", "-"], LOG);
  const fromEnvelope = await auditsieve(["replay", "--output", "ndjson", "-"], cloudWatchSubscription(EVENTS));
  expect(fromLog.stdout.split("\n").length).toBeGreaterThan(20);
  expect(fromEnvelope.stdout).toBe(fromLog.stdout);
});

test(
  "explain finds an event in an envelope, and a LogEntry as the event it becomes",
  { timeout: PROCESSES_TIMEOUT },
  async () => {
    const { auditID } = JSON.parse(EVENTS[0] ?? "") as { auditID: string };
    const explained = await auditsieve(["explain", auditID, "--output", "json", "-"], aksRecords(EVENTS));
    expect(explained.code).toBe(0);
    expect(JSON.parse(explained.stdout)).toHaveLength(1);
    const exec = gkePayload({
      methodName: "io.k8s.core.v1.pods.exec.get",
      resourceName: "core/v1/namespaces/shop/pods/web/exec",
    });
    const converted = await auditsieve(["explain", "6f1c0a52-7e9b-4a53-9a52-0c3ad7e7d6aa", "-"], `${gkeEntry(exec)}\n`);
    expect(converted.code).toBe(0);
    expect(converted.stdout).toContain("jane@synthetic.example: get pods/exec web in shop");
  },
);

test(
  "a broken document is named with place and cure, the other logs are read, and the command fails",
  { timeout: PROCESSES_TIMEOUT },
  async () => {
    const broken = join(folder, "broken.json");
    await writeFile(broken, eventList(EVENTS).slice(0, 30_000));
    const { code, stdout, stderr } = await auditsieve(["filter", broken, WEBHOOK]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /Cannot read ".*broken\.json" as a whole: the JSON document is cut off after 30000 bytes, in items\[[0-9]+\]/,
    );
    expect(stderr).toMatch(/hint: What stands before was read/);
    expect(stdout.split("\n").length).toBeGreaterThan(20);
  },
);

function parsed(lines: string): unknown[] {
  return lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as unknown]));
}
