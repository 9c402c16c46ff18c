import { appendFileSync, chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../../../../test/engines/free-port.ts";
import type { IngestConfig } from "../config/config.ts";
import { killRepeatedly } from "./daemon-chaos.suite.ts";
import { lockFolders } from "../config/folder-locks.ts";
import { lockState } from "../state/state-lock.ts";
import { checkConfig } from "./check-config.ts";
import { startDaemon } from "./daemon.ts";
import { daemonFixture, eventLine, readSound, soundConfig, until } from "./daemon-fixture.suite.ts";

const fixture = daemonFixture();
const { logger } = fixture;

describe("startDaemon", () => {
  test("brings a log to a file and to Elasticsearch, drops noise by rule, and stops clean", async () => {
    writeFileSync(join(fixture.folder, "audit.log"), `${eventLine(1, "jane")}${eventLine(2, "noise")}torn\n`);
    const stop = new AbortController();
    const running = startDaemon(config(), { logger, signal: stop.signal });
    await until(() => fixture.mock.documents.size === 3);
    stop.abort();
    const end = await running;
    expect(end).toMatchObject({ reason: "stopped", unacknowledged: 0 });
    expect(end.tallies[0]?.sinks).toMatchObject([
      { sink: "elasticsearch", delivered: 3, dropped: 0 },
      { sink: "file", delivered: 2, dropped: 1, droppedByRule: [{ rule: 0, events: 1 }] },
    ]);
    expect(readFileSync(join(fixture.folder, "store", "events.ndjson"), "utf8")).toBe(eventLine(1, "jane"));
    expect(fixture.logged.map(({ msg }) => msg)).toContain("Stopped; everything read is delivered.");
  });

  test("goes on where it stopped, under the same ids", async () => {
    writeFileSync(join(fixture.folder, "audit.log"), eventLine(1, "jane"));
    for (let run = 1; run <= 3; run++) {
      const stop = new AbortController();
      const running = startDaemon(config(), { logger, signal: stop.signal });
      await until(() => fixture.mock.documents.size === run);
      stop.abort();
      expect((await running).unacknowledged).toBe(0);
      // A later run cannot know what the one before it has sent; before the first there was none.
      expect(fixture.mock.lookups > 0).toBe(run > 1);
      appendFileSync(join(fixture.folder, "audit.log"), eventLine(run + 1, "jane"));
    }
    expect(fixture.mock.conflicts).toBe(0);
  });

  test("makes keys that nobody else can read, and says so", async () => {
    const stop = new AbortController();
    stop.abort();
    await startDaemon(config(), { logger, signal: stop.signal });
    for (const name of ["redaction.key", "id.key"]) {
      expect(statSync(join(fixture.folder, "state", name)).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(fixture.folder, "state", name), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    }
    expect(fixture.logged.filter(({ level }) => level === "warn")).toHaveLength(2);
  });

  test("stops within its bound while a sink is away, and says that lines are unacknowledged", async () => {
    fixture.mock.behave = () => "hang";
    writeFileSync(join(fixture.folder, "audit.log"), eventLine(1, "jane"));
    const stop = new AbortController();
    const running = startDaemon(config("limits: { drainMs: 50 }"), { logger, signal: stop.signal });
    await until(() => fixture.mock.bulkRequests > 0);
    stop.abort();
    const end = await running;
    expect(end).toMatchObject({ reason: "stopped", unacknowledged: 1 });
    expect(fixture.logged.at(-1)).toMatchObject({ level: "error", unacknowledged: 1 });
    fixture.mock.behave = () => "ok";
    const again = new AbortController();
    const second = startDaemon(config(), { logger, signal: again.signal });
    await until(() => fixture.mock.documents.size === 1);
    again.abort();
    expect((await second).unacknowledged).toBe(0);
  });

  test("puts what Elasticsearch refuses into the dead letter, redacted, and goes on", async () => {
    fixture.mock.behave = () => ({ everyThird: 400 });
    writeFileSync(join(fixture.folder, "audit.log"), [1, 2, 3].map((number) => eventLine(number, "jane")).join(""));
    const stop = new AbortController();
    const running = startDaemon(config(), { logger, signal: stop.signal });
    await until(() => fixture.mock.documents.size === 2);
    stop.abort();
    expect((await running).tallies[0]?.sinks[0]).toMatchObject({ delivered: 2, deadLettered: 1 });
    const [letter] = readFileSync(join(fixture.folder, "state", "dead-letter.ndjson"), "utf8")
      .trim()
      .split("\n");
    expect(JSON.parse(letter ?? "")).toMatchObject({
      id: /^[0-9a-f]{32}$/,
      sink: "elasticsearch",
      source: "audit",
      input: "audit.log@0",
      offset: 2 * eventLine(1, "jane").length,
      reason: "document_parsing_exception",
      document: { auditID: "id-3" },
    });
    expect(fixture.logged.filter(({ alarm }) => alarm === "dead-letter")).toMatchObject([
      { level: "warn", sink: "elasticsearch", reason: "document_parsing_exception", documents: 1, file: /dead-letter/ },
    ]);
  });

  test("does not start on a corrupt checkpoint", async () => {
    const stop = new AbortController();
    stop.abort();
    await startDaemon(config(), { logger, signal: stop.signal });
    writeFileSync(join(fixture.folder, "state", "checkpoint.json"), "{");
    await expect(startDaemon(config(), { logger, signal: stop.signal })).rejects.toMatchObject({
      code: "checkpoint-corrupt",
    });
  });

  test("fails, and stops the others, when a source cannot go on", async () => {
    const stop = new AbortController();
    stop.abort();
    await startDaemon(config(), { logger, signal: stop.signal });
    writeFileSync(join(fixture.folder, "state", "checkpoint.json"), '{"version":1,"sections":{"source/audit":7}}');
    const end = await startDaemon(config(), { logger, signal: new AbortController().signal });
    expect(end).toMatchObject({ reason: "failed", error: { code: "checkpoint-corrupt" } });
  });

  test("survives kill -9 at random moments: nothing lost, nothing twice", async () => {
    const { lines } = await killRepeatedly(2);
    expect(lines).toBeGreaterThan(150);
  }, 60_000);
});

describe("checkConfig", () => {
  test("is content with what works", async () => {
    writeFileSync(join(fixture.folder, "audit.log"), "");
    expect(await checkConfig(config())).toEqual([]);
  });

  test("tries everything and returns every problem", async () => {
    const good = config();
    writeFileSync(join(fixture.folder, "file"), "");
    const problems = await checkConfig({
      ...good,
      stateFolder: join(fixture.folder, "file", "below"),
      sinks: good.sinks.map((sink) => (sink.type === "elasticsearch" ? { ...sink, node: "http://127.0.0.1:1" } : sink)),
    });
    expect(problems.map(({ id, severity }) => `${id} ${severity}`)).toEqual([
      "check-folder error",
      "check-source warning",
      "check-sink error",
    ]);
  });

  test("says at which line of the configuration each stands", async () => {
    writeFileSync(join(fixture.folder, "file"), "");
    mkdirSync(join(fixture.folder, "open"));
    chmodSync(join(fixture.folder, "open"), 0o777);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { config: read, locate } = readSound(`cluster: test
stateFolder: ${join(fixture.folder, "state")}
metrics:
  listen: "127.0.0.1:${port}"
sources:
  - type: file
    path: ${join(fixture.folder, "none.log")}
  - type: archive
    paths:
      - ${join(fixture.folder, "file")}
      - ${join(fixture.folder, "none.log.gz")}
  - type: webhook
    listen: "127.0.0.1:${await freePort()}"
    insecure: true
    spoolFolder: ${join(fixture.folder, "file", "spool")}
  - { type: kafka, brokers: ["127.0.0.1:1"], topic: t }
sinks:
  - type: store
    folder: ${join(fixture.folder, "open")}
  - type: file
    folder: ${join(fixture.folder, "file")}
  - { type: elasticsearch, node: "http://127.0.0.1:1" }
`);
    const problems = read === undefined ? [] : await checkConfig(read, locate);
    await new Promise((resolve) => server.close(resolve));
    expect(problems.map(({ id, path, line }) => `${line} ${path} ${id}`)).toEqual([
      "4 metrics.listen check-listen",
      "7 sources[0].path check-source",
      "11 sources[1].paths[1] check-source",
      "15 sources[2].spoolFolder check-source",
      "16 sources[3] check-keys",
      "16 sources[3] check-source",
      "19 sinks[0].folder check-folder",
      "21 sinks[1].folder check-sink",
      "22 sinks[2] check-sink",
    ]);
  });

  test("says of each folder and log what it is for and what stands there", async () => {
    const file = join(fixture.folder, "file");
    writeFileSync(file, "");
    const { sinks, sources, ...rest } = config();
    const [tail] = sources;
    const problems = await checkConfig({
      ...rest,
      sources: [
        ...(tail?.type === "file" ? [{ ...tail, paths: [fixture.folder] }] : []),
        { type: "webhook", name: "hook", host: "127.0.0.1", port: await freePort(), spoolFolder: join(file, "spool") },
      ],
      sinks: sinks.map((sink) => (sink.type === "file" ? { ...sink, folder: file } : sink)),
    });
    expect(problems.map(({ message, hint }) => `${message} ${hint}`)).toEqual([
      expect.stringMatching(/^Cannot read log ".*": it is a directory \(source "audit"\) Name the file.*\*\.log$/),
      expect.stringMatching(/^Cannot write to spool of source "hook" ".*spool": a file stands in its place/),
      expect.stringMatching(/^Cannot write to folder of sink "file" ".*file": a file stands in its place/),
    ]);
  });
});

describe("checkConfig and startDaemon", () => {
  test("say what of the state cannot be read, and which port is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(fixture.folder, "audit.log"), "");
    const listening = config(`metrics: { listen: "127.0.0.1:${port}" }`);
    expect(await checkConfig(listening)).toMatchObject([{ id: "check-listen", message: /EADDRINUSE/ }]);
    await new Promise((resolve) => server.close(resolve));
    expect(await checkConfig(listening)).toEqual([]);
    writeFileSync(join(fixture.folder, "state", "checkpoint.json"), '{"version":99,"sections":{}}');
    expect(await checkConfig(listening)).toMatchObject([{ id: "check-folder", message: /version 99/ }]);
  });

  test("warn of a folder that everybody may write to", async () => {
    writeFileSync(join(fixture.folder, "audit.log"), "");
    mkdirSync(join(fixture.folder, "store"));
    chmodSync(join(fixture.folder, "store"), 0o1777);
    const message = /^Everybody .* may write to folder of sink "file" ".*store" \(mode 1777\)$/;
    expect(await checkConfig(config())).toMatchObject([{ id: "check-folder", severity: "warning", message }]);
    const stop = new AbortController();
    stop.abort();
    await startDaemon(config(), { logger, signal: stop.signal });
    expect(fixture.logged.filter(({ msg }) => message.test(String(msg)))).toHaveLength(1);
  });

  test("leave the folder of a sink to the daemon that writes it, and do not mind the one that runs with this state", async () => {
    writeFileSync(join(fixture.folder, "audit.log"), "");
    const held = await lockFolders(config());
    try {
      const other = { ...config(), stateFolder: join(fixture.folder, "other") };
      const message = /folder of sink "file".*another process uses it/;
      expect(await checkConfig(other)).toMatchObject([{ id: "check-folder", message }]);
      const { signal } = new AbortController();
      await expect(startDaemon(other, { logger, signal })).rejects.toMatchObject({ code: "state-in-use", message });
      // What the other had taken is free again.
      await (await lockState(other.stateFolder)).release();
      expect(await checkConfig(config())).toEqual([]);
    } finally {
      await held.release();
    }
    expect(await checkConfig(config())).toEqual([]);
  });
});

describe("createLogger", () => {
  test("lets no hostile text through", () => {
    logger.warn({ detail: "a\u001b[2J\u202eb", deep: { x: ["\u009b1m"] } }, "said \u001b[31m");
    const text = JSON.stringify(fixture.logged[0]);
    expect(text).not.toMatch(/\\u001b(?!\[)|\u202e|\u009b/);
    expect(fixture.logged[0]).toMatchObject({ level: "warn", detail: "a\\u001b[2J\\u202eb", msg: "said \\u001b[31m" });
  });
});

function config(more = ""): IngestConfig {
  return soundConfig(
    `
cluster: test
stateFolder: ${join(fixture.folder, "state")}
sources: [{ type: file, path: ${join(fixture.folder, "audit.log")}, pollIntervalMs: 5 }]
sinks:
  - { type: elasticsearch, node: "${fixture.mock.url}", feed: all, requestTimeoutMs: 60000 }
  - { type: file, folder: ${join(fixture.folder, "store")} }
${more || "limits: { maxBatchAgeMs: 5 }"}
`,
  );
}
