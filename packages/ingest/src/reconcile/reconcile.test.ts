import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../../../../test/engines/free-port.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { primeDetections } from "../daemon/prime-detections.ts";
import { reconcile } from "./reconcile.ts";
import type { Discrepancy } from "./reconciliation.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";

let folder: string;
let mock: MockElasticsearch;
const logger = createLogger({ destination: { write: () => undefined } });
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "reconcile-"));
  mock = await MockElasticsearch.start();
  // The third document of the first request is refused.
  mock.behave = (request) => (request === 0 ? { everyThird: 400 } : "ok");
});
afterEach(async () => {
  await mock.stop();
  rmSync(folder, { recursive: true });
});

describe("reconcile", () => {
  test("is content with what the daemon did, over a rotation, and says what it came to", async () => {
    await ingest();
    const { sinks, discrepancies, notChecked } = await reconcile(config());
    expect(discrepancies).toEqual([]);
    expect(notChecked).toEqual([]);
    const salvaged = { stored: 0, deadLettered: 0, pending: 0, missing: 0 };
    const none = { pending: 0, missing: 0, salvaged, earlier: 0, withoutInput: 0 };
    expect(sinks).toEqual([
      { sink: "elasticsearch", lines: 9, stored: 6, dropped: 2, deadLettered: 1, ...none },
      { sink: "file", lines: 9, stored: 9, dropped: 0, deadLettered: 0, ...none },
    ]);
    appendFileSync(log(), line(10, "jane"));
    expect((await reconcile(config())).sinks).toMatchObject([{ pending: 1 }, { pending: 1 }]);
    expect((await reconcile(config(), { since: at(4), until: at(6) })).sinks).toMatchObject([
      { stored: 1, deadLettered: 1 },
      { stored: 2 },
    ]);
  });

  test("asks nothing of files that were rotated before the daemon's first start, and says so", async () => {
    const rotated = (name: string): string => join(folder, `audit-2026-11-20T${name}`);
    writeFileSync(rotated("00-00-00.000.log.gz"), gzipSync(line(21, "jane")));
    writeFileSync(rotated("01-00-00.000.log"), line(22, "jane") + line(23, "noise"));
    await ingest();
    const { sinks, discrepancies, notChecked } = await reconcile(config());
    expect(discrepancies).toEqual([]);
    expect(sinks).toMatchObject([{ lines: 9 }, { lines: 9 }]);
    expect(notChecked).toEqual([
      expect.stringMatching(/^2 files of source "audit" were rotated before the daemon's first start/),
    ]);
    // Later ones are its business, also before anything of a log is acknowledged.
    const checkpoint = join(folder, "state", "checkpoint.json");
    const state = JSON.parse(readFileSync(checkpoint, "utf8")) as { sections: Record<string, unknown> };
    const known = ["audit-2026-11-20T00-00-00.000.log", "audit-2026-11-20T01-00-00.000.log"];
    state.sections["source/audit"] = { generation: 0, inode: "", head: { bytes: 0, sha256: "" }, offset: 0, known };
    writeFileSync(checkpoint, JSON.stringify(state));
    const anew = await reconcile(config());
    expect(anew.notChecked).toEqual(notChecked);
    expect(anew.sinks).toMatchObject([{ lines: 9 }, { lines: 9 }]);
  });

  test("names a document that was removed by source, file and offset", async () => {
    await ingest();
    const { id } = mock.remove("id-6");
    expect(await errors()).toEqual([
      expect.objectContaining({
        kind: "missing",
        sink: "elasticsearch",
        source: "audit",
        file: log(),
        offset: offsetOf(6),
        id,
      }),
    ]);
  });

  test("names a document that was changed, with and without ids", async () => {
    await ingest();
    mock.change("id-6", "jane", "eve");
    const events = join(folder, "store", "events.ndjson");
    writeFileSync(events, readFileSync(events, "utf8").replace(/("auditID":"id-7".*?)"jane"/, '$1"eve"'));
    expect(await errors()).toEqual([
      expect.objectContaining({ kind: "changed", sink: "elasticsearch", offset: offsetOf(6) }),
      expect.objectContaining({ kind: "changed", sink: "file", file: log(), offset: offsetOf(7) }),
    ]);
  });

  test("names a document that is there twice: under another id, in an older index, in a file", async () => {
    await ingest();
    mock.repeat("id-6", "0".repeat(32));
    mock.repeat("id-7");
    appendFileSync(join(folder, "store", "events.ndjson"), line(8, "jane"));
    const { discrepancies } = await reconcile(config());
    expect(discrepancies).toEqual([
      expect.objectContaining({ kind: "repeated", severity: "error", sink: "elasticsearch", offset: offsetOf(6) }),
      expect.objectContaining({ kind: "repeated", severity: "error", sink: "elasticsearch", offset: offsetOf(7) }),
      expect.objectContaining({ kind: "repeated", severity: "warning", sink: "file", offset: offsetOf(8) }),
    ]);
  });

  test("names a dead letter that was cut, and the line that it stood for", async () => {
    await ingest();
    const letters = join(folder, "state", "dead-letter.ndjson");
    writeFileSync(letters, readFileSync(letters, "utf8").slice(0, -30));
    expect(await errors()).toEqual([
      expect.objectContaining({ kind: "damaged-dead-letter", file: letters, offset: 0 }),
      expect.objectContaining({ kind: "missing", source: "audit", file: rotated(), offset: offsetOf(4) }),
    ]);
  });

  test("knows a sealed dead letter by what it shows, without the private key, and one whose document was exchanged", async () => {
    const pem = generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" });
    const sealing = config(`deadLetters: { publicKey: ${JSON.stringify(pem)} }`);
    await ingest(sealing);
    const file = join(folder, "state", "dead-letter.ndjson");
    const letter = readFileSync(file, "utf8");
    expect(letter).not.toContain("auditID");
    const { sinks, discrepancies } = await reconcile(sealing);
    expect(discrepancies).toEqual([]);
    expect(sinks[0]).toMatchObject({ stored: 6, dropped: 2, deadLettered: 1, missing: 0 });
    writeFileSync(file, letter.replace(/"content":"../, '"content":"##'));
    expect((await reconcile(sealing)).discrepancies).toEqual([
      expect.objectContaining({ kind: "changed", sink: "elasticsearch", offset: offsetOf(4) }),
    ]);
  });

  test("reads a webhook's spool: what was acknowledged and is still there must be stored, the rest is pending", async () => {
    mock.behave = () => "ok";
    const port = await freePort();
    const source = `{ type: webhook, listen: "127.0.0.1:${port}", insecure: true }`;
    const using = config("", source);
    const stop = new AbortController();
    const running = startDaemon(
      { ...using, limits: { ...using.limits, drainMs: 100 } },
      { logger, signal: stop.signal },
    );
    const post = async (numbers: readonly number[]): Promise<void> => {
      const items = numbers.map((number) => JSON.parse(line(number, "jane")) as object);
      const body = JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items });
      await until(() =>
        fetch(`http://127.0.0.1:${port}/`, { method: "POST", body, headers: { "content-type": "application/json" } })
          .then(({ status }) => status === 200)
          .catch(() => false),
      );
    };
    await post([1, 2]);
    await until(() => /"number":1,"offset":[1-9]/.test(readFileSync(join(folder, "state", "checkpoint.json"), "utf8")));
    mock.behave = () => "hang";
    await post([3, 4]);
    await until(() => mock.bulkRequests > 1);
    stop.abort();
    expect((await running).unacknowledged).toBeGreaterThan(0);
    const { sinks, discrepancies, notChecked } = await reconcile(using);
    expect(discrepancies).toEqual([]);
    expect(notChecked).toEqual([expect.stringContaining("is read from its spool") as string]);
    expect(sinks[0]).toMatchObject({ stored: 2, dropped: 0, pending: 2, missing: 0 });
    mock.remove("id-2");
    expect((await reconcile(using)).discrepancies).toEqual([
      expect.objectContaining({
        kind: "missing",
        source: "webhook",
        file: join(folder, "state", "spool", "webhook", "00000001.ndjson"),
        offset: line(1, "jane").length,
      }),
    ]);
  });

  test("names receipts that are missing, and what is stored though a dead letter says refused", async () => {
    await ingest();
    mock.remove("NoiseReceipt");
    mock.store("id-4", readFileSync(join(folder, "state", "dead-letter.ndjson"), "utf8"));
    expect((await errors()).map(({ kind, offset }) => [kind, offset])).toEqual([
      ["stored-and-dead-lettered", offsetOf(4)],
      ["receipts-differ", offsetOf(2)],
    ]);
  });

  test.each([
    ["knew from an archive what is new here", "primed"],
    ["found more, by what is not in the inputs any more", "forgotten"],
  ] as const)("is content where the daemon %s, and names what is removed even so", async (_, what) => {
    // Of each agent the first event is a finding's; everything else is dropped for this sink.
    const lines = [line(1, "ann"), line(2, "bob"), line(3, "ann"), line(4, "bob")];
    writeFileSync(log(), lines.join(""));
    writeFileSync(join(folder, "old.log"), line(0, "bob"));
    const isPrimed = what === "primed";
    const run = findingsOnly(isPrimed ? "user.username" : "auditID");
    if (isPrimed) {
      await primeDetections(run, [join(folder, "old.log")]);
    }
    mock.behave = () => "ok";
    const stop = new AbortController();
    const running = startDaemon(run, { logger, signal: stop.signal });
    await until(() => [...mock.documents.values()].length >= 2 * (isPrimed ? 1 : 4));
    stop.abort();
    expect((await running).unacknowledged).toBe(0);
    const judged = findingsOnly("user.username");
    const { discrepancies, sinks } = await reconcile(judged);
    expect(discrepancies.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(sinks).toMatchObject([{ lines: 4, missing: 0, pending: 0 }]);
    mock.remove('"id-1"');
    expect((await reconcile(judged)).discrepancies.filter(({ severity }) => severity === "error")).not.toEqual([]);
  });

  test("wants whole events of lines that are none beside these lines, and names one that is gone", async () => {
    mock.behave = () => "ok";
    const torn = line(2, "jane").slice(0, -40);
    writeFileSync(log(), `${line(1, "jane")}${torn}${line(3, "noise").trim()}${line(4, "jane")}${line(5, "jane")}`);
    const stop = new AbortController();
    const running = startDaemon(config(), { logger, signal: stop.signal });
    await until(() => mock.documents.size === 5);
    stop.abort();
    expect((await running).unacknowledged).toBe(0);
    const { sinks, discrepancies } = await reconcile(config());
    expect(discrepancies).toEqual([]);
    const all = { lines: 3, stored: 3, dropped: 0, missing: 0, salvaged: { stored: 2, missing: 0 }, withoutInput: 0 };
    expect(sinks).toMatchObject([all, all]);
    mock.remove("id-4");
    expect(await errors()).toEqual([
      expect.objectContaining({
        kind: "missing",
        file: log(),
        offset: line(1, "jane").length + torn.length + line(3, "noise").length - 1,
      }),
    ]);
  });

  test("knows lines that are equal to the byte: one document where ids are known, else each, and names the one that is gone", async () => {
    mock.behave = () => "ok";
    const broken = '{"kind":"Event","auditID":\n';
    const [one, two, three] = [line(1, "jane"), line(1, "jane"), line(2, "jane")];
    writeFileSync(log(), broken + one + broken + two + broken + three);
    const [archive, kept] = [join(folder, "archive"), join(folder, "kept")];
    const using = config("", undefined, [
      `{ type: elasticsearch, node: "${mock.url}", feed: kept }`,
      `{ type: store, folder: ${kept}, policy: p }`,
      `{ type: file, folder: ${archive}, feed: all }`,
    ]);
    const stop = new AbortController();
    const running = startDaemon(using, { logger, signal: stop.signal });
    await until(() => acknowledged(readFileSync(log()).length));
    stop.abort();
    expect((await running).unacknowledged).toBe(0);
    expect(mock.documents.size).toBe(3);
    const all = { lines: 6, stored: 6, missing: 0, withoutInput: 0 };
    expect(await reconcile(using)).toMatchObject({ discrepancies: [], notChecked: [], sinks: [all, all, all] });
    for (const name of ["events", "undecidable"]) {
      const file = join(archive, `${name}.ndjson`);
      writeFileSync(file, readFileSync(file, "utf8").replace(/.*\n/, ""));
    }
    const { discrepancies } = await reconcile(using);
    expect(discrepancies).toMatchObject([
      { kind: "missing", sink: "file", offset: 2 * broken.length + one.length },
      { kind: "missing", sink: "file", offset: 2 * (broken.length + one.length) },
    ]);
  });

  test("holds the records of a document to the limit that the daemon held them to", async () => {
    mock.behave = () => "ok";
    const long = line(2, "jane")
      .trim()
      .replace('"stageTimestamp":', `"requestObject":"${"x".repeat(600)}",$&`);
    writeFileSync(log(), `${line(1, "jane")}{"kind":"EventList","items":[${long},${line(3, "jane").trim()}]}\n`);
    const given = config("", `{ type: archive, path: ${log()} }`);
    const limited = { ...given, limits: { ...given.limits, maxLineBytes: 600 } };
    const stop = new AbortController();
    expect((await startDaemon(limited, { logger, signal: stop.signal })).unacknowledged).toBe(0);
    const { sinks, discrepancies } = await reconcile(limited);
    expect(discrepancies).toEqual([]);
    const all = { lines: 3, stored: 3, missing: 0, withoutInput: 0 };
    expect(sinks).toMatchObject([all, all]);
  });

  test("asks of a sink that was added later, or away in between, nothing from before", async () => {
    const run = async (using: IngestConfig, numbers: readonly number[]): Promise<void> => {
      appendFileSync(log(), numbers.map((number) => line(number, number % 2 === 0 ? "noise" : "jane")).join(""));
      const stop = new AbortController();
      const running = startDaemon(using, { logger, signal: stop.signal });
      await until(() => seen("archive", numbers.length));
      stop.abort();
      expect((await running).unacknowledged).toBe(0);
    };
    let before = 0;
    const seen = (sink: string, count: number): boolean => {
      const events = join(folder, sink, "events.ndjson");
      const lines = existsSync(events) ? readFileSync(events, "utf8").split("\n").length - 1 : 0;
      const isThere = lines === before + count;
      before += isThere ? count : 0;
      return isThere;
    };
    const one = sinksConfig(["archive"]);
    const both = sinksConfig(["archive", "late"]);
    await run(one, [1, 2]);
    // Before the daemon has run with it, a sink has nothing.
    const { notChecked, sinks } = await reconcile(both);
    expect(notChecked).toEqual([
      expect.stringMatching(/^Whether sink "late" gets source "audit": the daemon has not run with it/) as string,
    ]);
    expect(sinks).toMatchObject([{ lines: 2 }, { lines: 0, earlier: 2, missing: 0 }]);
    await run(both, [3, 4, 5]);
    expect(await summary(both)).toEqual({ archive: [5, 5, 0, 0], late: [3, 2, 1, 2] });
    // Its file is rotated and packed; where it came in is still found.
    renameSync(log(), rotated().slice(0, -3));
    writeFileSync(rotated(), gzipSync(readFileSync(rotated().slice(0, -3))));
    rmSync(rotated().slice(0, -3));
    await run(both, [6]);
    expect(await summary(both)).toEqual({ archive: [6, 6, 0, 0], late: [4, 2, 2, 2] });
    // Away for a line: what it has from before is no stranger, what it lacks not missing.
    await run(one, [7]);
    await run(both, [9]);
    expect(await summary(both)).toEqual({ archive: [8, 8, 0, 0], late: [1, 1, 0, 7] });
    // With another policy it may have what it would not get now.
    const all = sinksConfig(["archive", "late"], "all");
    await run(all, [8]);
    expect(await summary(all)).toEqual({ archive: [9, 9, 0, 0], late: [1, 1, 0, 8] });
    // What is missing behind its beginning is.
    const events = join(folder, "late", "events.ndjson");
    writeFileSync(events, readFileSync(events, "utf8").replace(/.*"id-8".*\n/, ""));
    const { discrepancies } = await reconcile(all);
    expect(discrepancies).toMatchObject([
      { kind: "missing", sink: "late", file: log(), offset: line(6, "noise").length + 2 * line(7, "jane").length },
    ]);
  }, 60_000);

  test("says that it does not know since when a sink is there, where an earlier version began the checkpoint", async () => {
    await ingest();
    const path = join(folder, "state", "checkpoint.json");
    const { version, sections } = JSON.parse(readFileSync(path, "utf8")) as {
      version: number;
      sections: Record<string, unknown>;
    };
    delete sections["sinks/audit"];
    const counters = (sections["pipeline/audit"] as { counters: Record<string, number> }).counters;
    const write = (): void => writeFileSync(path, JSON.stringify({ version, sections }));
    write();
    // Its counters say that both sinks have got every line.
    expect(await reconcile(config())).toMatchObject({
      discrepancies: [],
      notChecked: [],
      sinks: [{ lines: 9 }, { lines: 9 }],
    });
    counters["file/lines"] = 3;
    write();
    expect((await reconcile(config())).notChecked).toEqual([
      expect.stringMatching(/^Since when sink "file" gets source "audit" is not known.*--since$/) as string,
    ]);
    delete counters["file/lines"];
    write();
    expect(await reconcile(config())).toMatchObject({
      notChecked: [expect.stringMatching(/^Whether sink "file" gets source "audit"/) as string],
      sinks: [{ lines: 9 }, { lines: 0, earlier: 9 }],
    });
  });

  test("does not guess without the keys that the daemon used", async () => {
    await expect(reconcile(config())).rejects.toMatchObject({ code: "missing", hint: /stateFolder/ });
  });
});

async function errors(): Promise<readonly Discrepancy[]> {
  return (await reconcile(config())).discrepancies;
}

/** Nine lines, five of them rotated and compressed; two are noise for Elasticsearch, which refuses one. */
async function ingest(using: IngestConfig = config()): Promise<void> {
  writeFileSync(log(), [1, 2, 3, 4, 5].map((number) => line(number, number === 2 ? "noise" : "jane")).join(""));
  const stop = new AbortController();
  const running = startDaemon(using, { logger, signal: stop.signal });
  await until(() => mock.documents.size === 3);
  renameSync(log(), join(folder, "audit-2026-11-24T00-00-00.000.log"));
  writeFileSync(log(), [6, 7, 8].map((number) => line(number, "jane")).join("") + line(9, "noise"));
  // Six events and the receipt of the file that was rotated away.
  await until(() => mock.documents.size === 7);
  stop.abort();
  expect((await running).unacknowledged).toBe(0);
  writeFileSync(rotated(), gzipSync(readFileSync(join(folder, "audit-2026-11-24T00-00-00.000.log"))));
  rmSync(join(folder, "audit-2026-11-24T00-00-00.000.log"));
}

/** Of each sink: lines, stored, dropped, earlier; nothing may be missing, pending or strange. */
async function summary(using: IngestConfig): Promise<Readonly<Record<string, readonly number[]>>> {
  const { sinks, discrepancies, notChecked } = await reconcile(using);
  expect([discrepancies, notChecked]).toEqual([[], []]);
  expect(sinks.every(({ missing, pending, withoutInput }) => missing + pending + withoutInput === 0)).toBe(true);
  return Object.fromEntries(
    sinks.map(({ sink, lines, stored, dropped, earlier }) => [sink, [lines, stored, dropped, earlier]]),
  );
}

/** One that gets everything, and one that gets no noise unless it is said. */
function sinksConfig(names: readonly string[], feed: "kept" | "all" = "kept"): IngestConfig {
  const all = config("", undefined, [
    `{ type: file, name: archive, folder: ${join(folder, "archive")}, feed: all }`,
    `{ type: file, name: late, folder: ${join(folder, "late")}, feed: ${feed} }`,
  ]);
  return { ...all, sinks: all.sinks.filter(({ name }) => names.includes(name)) };
}

function log(): string {
  return join(folder, "audit.log");
}

function rotated(): string {
  return join(folder, "audit-2026-11-24T00-00-00.000.log.gz");
}

function offsetOf(number: number): number {
  const before = number <= 5 ? [1, 2, 3, 4, 5] : [6, 7, 8, 9];
  return before
    .filter((one) => one < number)
    .reduce((sum, one) => sum + line(one, one === 2 || one === 9 ? "noise" : "jane").length, 0);
}

function at(second: number): string {
  return `2026-11-24T00:13:0${second}.471919Z`;
}

function line(number: number, user: string): string {
  return `${JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `id-${number}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/pods",
    verb: "list",
    user: { username: user },
    objectRef: { resource: "pods" },
    stageTimestamp: at(number),
  })}\n`;
}

function config(
  more = "",
  source = `{ type: file, path: ${log()}, pollIntervalMs: 5 }`,
  sinks = [
    `{ type: elasticsearch, node: "${mock.url}", feed: kept }`,
    `{ type: file, folder: ${join(folder, "store")}, feed: all }`,
  ],
): IngestConfig {
  const read = readConfig(
    `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [${source}]
sinks: [${sinks.join(", ")}]
limits: { maxBatchAgeMs: 50 }
${more}
`,
    {
      env: () => undefined,
      readFile: () => "",
      policy: () =>
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, users: [noise] }, { level: RequestResponse }]",
      detections: () => [],
    },
  );
  expect(read.problems).toEqual([]);
  return read.config as IngestConfig;
}

/** The same log for a sink that gets only findings; first seen are values of `field`. */
function findingsOnly(field: string): IngestConfig {
  const read = readConfig(
    `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: file, name: audit, path: ${log()}, pollIntervalMs: 5 }]
sinks: [{ type: elasticsearch, node: "${mock.url}", feed: findings }]
limits: { maxBatchAgeMs: 50 }
`,
    {
      env: () => undefined,
      readFile: () => "",
      policy: () => "",
      detections: () => [
        {
          file: "d.yml",
          text: `
title: New
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: list }, condition: selection }
auditsieve: { first-seen: { fields: [${field}], opening: find } }
`,
        },
      ],
    },
  );
  expect(read.problems).toEqual([]);
  return read.config ?? expect.fail();
}

function acknowledged(offset: number): boolean {
  const path = join(folder, "state", "checkpoint.json");
  return existsSync(path) && readFileSync(path, "utf8").includes(`"offset":${offset}`);
}

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isDone()); waited++) {
    expect(waited).toBeLessThan(1000);
    await sleep(5);
  }
}
