import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Child } from "./chaos-child.suite.ts";
import { countersOf, eventsOf, FAULTS, LogWriter, receiptsOf } from "./daemon-chaos.suite.ts";
import { DEFAULT_LIMITS } from "../pipeline/pipeline-limits.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";

/** `npm run chaos` runs longer. */
const SCALE = Number(process.env["CHAOS_SCALE"] ?? 1);
const MEMORY_LIMIT = 400 * 1024 * 1024;
/** More than the time between two checkpoints. */
const STILL_MS = 2 * DEFAULT_LIMITS.ackIntervalMs;

let folder: string;
let mock: MockElasticsearch;
let world: LogWriter;
let child: Child | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "daemon-faults-"));
  mock = await MockElasticsearch.start();
  world = new LogWriter(folder);
});
afterEach(async () => {
  await child?.end("SIGKILL");
  child = undefined;
  await mock.stop();
  rmSync(folder, { recursive: true });
});

describe("the daemon loses nothing and stores nothing twice", () => {
  test("killed at every operation on the checkpoint's files", async () => {
    world.append(20);
    // Two saves are eighteen operations, and a third has begun.
    for (let operation = 0; operation < 20 * SCALE; operation++) {
      child = await Child.start({ node: mock.url, folder, dieAtOperation: operation });
      if (operation % 7 === 3) {
        mock.rollover();
      }
      for (let waited = 0; !child.isDead; waited++) {
        expect(waited, `operation ${operation} never came`).toBeLessThan(3000);
        // Receipts let the position move once in a minute of the log, which is 200 lines.
        world.append(10);
        await sleep(20);
      }
    }
    await finish();
  });

  test("while the log is rotated every 50 ms, packed, rotated twice between two looks, and copied and cut in place", async () => {
    mock.behave = () => FAULTS[Math.floor(Math.random() * FAULTS.length)] ?? "ok";
    mock.slowMs = 10;
    world.append(20);
    child = await Child.start({ node: mock.url, folder });
    await world.until(() => mock.documents.size > 0);
    for (let rotation = 0; rotation < 80 * SCALE; rotation++) {
      world.append(1 + (rotation % 30));
      world.rotate();
      if (rotation % 5 === 0) {
        world.rotate();
      }
      if (rotation % 8 === 3) {
        await world.copyTruncate((line) => eventsOf(mock).includes(line));
      }
      await sleep(50);
    }
    mock.behave = () => "ok";
    await finish();
  });

  test.each([
    ["down", "down"],
    ["hanging", "hang"],
    ["busy as a whole", "http-429"],
    ["busy per item", { everyThird: 429 }],
    ["refusing items for different reasons", "mixed-items"],
    ["slow", "slow"],
    ["failing", "http-503"],
    ["cut off after it accepted", "reset-after-accept"],
    ["answering half", "cut-answer"],
    ["answering for too few", "short-answer"],
    ["answering nonsense", "invalid-answer"],
    ["taking only small requests", "small"],
  ] as const)("while Elasticsearch is %s, with kills and rollovers", async (_what, fault) => {
    world.append(30);
    child = await Child.start({ node: mock.url, folder });
    await world.until(() => mock.documents.size > 0);
    for (let round = 0; round < 3 * SCALE; round++) {
      if (fault === "small") {
        mock.maxRequestBytes = 8_000;
      } else {
        mock.behave = () => (fault === "down" ? "reset-before-accept" : fault);
      }
      await world.live(300);
      mock.rollover();
      await child.end("SIGKILL");
      child = await Child.start({ node: mock.url, folder });
      await world.live(200);
      mock.behave = () => "ok";
      mock.rollover();
      await world.live(200);
    }
    await finish();
  });

  test("while the disk of checkpoint, dead letters and archive is full", async () => {
    const disk = smallDisk(join(folder, "disk"));
    try {
      const more = `  - { type: file, name: archive, folder: ${join(disk.path, "archive")}, feed: all }\nlimits: { maxBatchItems: 50, maxBatchAgeMs: 5, drainMs: 20000 }`;
      const stateFolder = join(disk.path, "state");
      const letterFile = join(stateFolder, "dead-letter.ndjson");
      world.append(30);
      const start = {
        node: mock.url,
        folder,
        stateFolder,
        more,
        ...(disk.fullMarker && { fullMarker: disk.fullMarker }),
      };
      child = await Child.start(start);
      await world.until(() => mock.documents.size > 0);
      for (let round = 0; round < 3 * SCALE; round++) {
        disk.fill();
        mock.behave = (request) => (request % 4 === 0 ? { everyThird: 400 } : "ok");
        world.append(300);
        const acked = await settled(() => countersOf(stateFolder)["lines"] ?? 0);
        world.append(100);
        await sleep(STILL_MS);
        // Nothing that cannot be kept is acknowledged.
        expect(countersOf(stateFolder)["lines"] ?? 0).toBe(acked);
        if (round % 2 === 1) {
          await child.end("SIGKILL");
          disk.free();
          child = await Child.start(start);
        } else {
          disk.free();
        }
        // The position moves with the minutes of the log, which goes on; the archive of it must fit.
        let looks = 0;
        await world.until(() => {
          world.append(looks++ % 10 === 0 ? 10 : 0);
          return (countersOf(stateFolder)["lines"] ?? 0) > acked;
        });
      }
      mock.behave = () => "ok";
      world.finish();
      await world.untilArrived(() => [...lettersIn(letterFile), ...eventsOf(mock)]);
      expect(await child.end("SIGTERM")).toBe(0);
      child = undefined;
      const letters = lettersIn(letterFile);
      const stored = new Set(eventsOf(mock));
      expect([...stored].filter((line) => letters.has(line))).toEqual([]);
      expect([...stored, ...letters].toSorted()).toEqual(world.kept.toSorted());
      const archived = new Set(
        readFileSync(join(disk.path, "archive", "events.ndjson"), "utf8")
          .trim()
          .split("\n"),
      );
      expect([...archived].toSorted()).toEqual([...world.lines].toSorted());
      const counters = countersOf(stateFolder);
      expect(counters["lines"]).toBe(world.lines.size);
      expect(counters["elasticsearch/delivered"]).toBe(stored.size);
    } finally {
      await child?.end("SIGKILL");
      disk.remove();
    }
  });

  test("while the clock jumps by days, for the daemon and for the names of rotated files", async () => {
    const clockFile = join(folder, "clock");
    const archive = join(folder, "archive");
    const more = `  - { type: file, name: archive, folder: ${archive}, feed: all, maxFileAgeMs: 1000, compress: zstd }\nlimits: { maxBatchItems: 50, maxBatchAgeMs: 5, drainMs: 20000 }`;
    writeFileSync(clockFile, "0");
    world.append(20);
    child = await Child.start({ node: mock.url, folder, clockFile, more });
    await world.until(() => mock.documents.size > 0);
    const DAY_MS = 86_400_000;
    for (let round = 0; round < 20 * SCALE; round++) {
      // Forward, back behind the start, and to the same moment again and again.
      const days = [0, 1, -1, 365, -3650][round % 5] ?? 0;
      writeFileSync(clockFile, String(days * DAY_MS));
      await world.live(100);
      world.rotate(new Date(Date.UTC(2026, 10, 24) + days * DAY_MS).toISOString().slice(0, 10));
      if (round % 7 === 3) {
        await child.end("SIGKILL");
        child = await Child.start({ node: mock.url, folder, clockFile, more });
      }
    }
    world.finish();
    await world.untilArrived(() => eventsOf(mock));
    expect(await child.end("SIGTERM")).toBe(0);
    child = undefined;
    expect(mock.duplicates).toBe(0);
    expect(eventsOf(mock).toSorted()).toEqual(world.kept.toSorted());
    expect(countersOf(join(folder, "state"))).toMatchObject({
      lines: world.lines.size,
      "elasticsearch/delivered": world.kept.length,
      "archive/delivered": world.lines.size,
    });
    // Files may hold a line twice after a kill; none is overwritten by one that was rotated at the same time again.
    const archived = readdirSync(archive).filter((name) => name.startsWith("events"));
    const texts = archived.map((name) => {
      const bytes = readFileSync(join(archive, name));
      return (name.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes).toString("utf8");
    });
    expect(new Set(texts.join("").trim().split("\n"))).toEqual(world.lines);
  });

  test("with damaged, endless and 64 MB lines in between: each costs a record, and memory stays bounded", async () => {
    const more = "limits: { maxBatchItems: 50, maxBatchAgeMs: 5, drainMs: 20000, maxLineBytes: 1048576 }";
    world.append(50);
    child = await Child.start({ node: mock.url, folder, more });
    await world.until(() => mock.documents.size > 0);
    const oddities = 7;
    appendFileSync(world.path, '\0\0\0\0\n{"kind":"Event","half\n{}{}\n\u00ff\ufffe\n');
    appendFileSync(world.path, `${"[".repeat(20_000)}\n`);
    for (let part = 0; part < 64; part++) {
      appendFileSync(world.path, "x".repeat(1024 * 1024));
      await sleep(5);
    }
    appendFileSync(world.path, "\n");
    world.append(50);
    // One that never ends: the file does.
    appendFileSync(world.path, `{"kind":"Event",${"y".repeat(3 * 1024 * 1024)}`);
    world.rotate();
    world.append(50);
    world.finish();
    await world.untilArrived(() => eventsOf(mock));
    await world.until(() => undecidableOf(mock) === oddities);
    expect(child.peakBytes() ?? 0).toBeLessThan(MEMORY_LIMIT);
    expect(await child.end("SIGTERM")).toBe(0);
    expect(readFileSync(join(folder, "state", "quarantine.ndjson"), "utf8")).toContain(`"bytes":${64 * 1024 * 1024}`);
    expect(countersOf(join(folder, "state"))["lines"]).toBe(world.lines.size + oddities);
  });

  test("with a sink that takes half of what is written: memory stays bounded, and in the end all is there", async () => {
    mock.behave = () => "slow";
    mock.slowMs = 100;
    world.append(50);
    child = await Child.start({ node: mock.url, folder });
    const end = performance.now() + 8_000 * SCALE;
    while (performance.now() < end) {
      // Twice what is taken, whatever that is on this machine; the start is more than may be under way.
      if (world.kept.length < 20_000 + 2 * eventsOf(mock).length) {
        world.append(400);
      }
      await sleep(20);
    }
    expect(world.kept.length - eventsOf(mock).length).toBeGreaterThan(10_000);
    expect(child.peakBytes() ?? 0).toBeLessThan(MEMORY_LIMIT);
    mock.slowMs = 0;
    await finish();
  });
});

/** Lets the daemon finish, ends it, and compares everything. */
async function finish(): Promise<void> {
  await child?.end("SIGKILL");
  // Everything before may have been delivered without an acknowledgement: this says that the daemon has read to the end.
  world.finish();
  child = await Child.start({ node: mock.url, folder });
  await world.untilArrived(() => eventsOf(mock));
  expect(await child.end("SIGTERM")).toBe(0);
  child = undefined;
  expect(mock.duplicates).toBe(0);
  expect(eventsOf(mock).toSorted()).toEqual(world.kept.toSorted());
  const dropped = world.lines.size - world.kept.length;
  expect(receiptsOf(mock).reduce((sum, { count }) => sum + count, 0)).toBe(dropped);
  expect(countersOf(join(folder, "state"))).toMatchObject({
    lines: world.lines.size,
    "elasticsearch/delivered": world.kept.length,
    "elasticsearch/dropped/0": dropped,
  });
}

/** A number once it has stood still: what was under way when the disk became full has ended. */
async function settled(look: () => number): Promise<number> {
  for (let round = 0, last = look(); round < 100; round++) {
    await sleep(STILL_MS);
    const now = look();
    if (now === last) {
      return now;
    }
    last = now;
  }
  return expect.fail("it never stood still");
}

function undecidableOf(elasticsearch: MockElasticsearch): number {
  return [...elasticsearch.documents.values()].filter(
    ({ event }) => (event as { readonly kind: string }).kind === "pipeline_error",
  ).length;
}

/** The events among the dead letters: a refused receipt lies there too. */
function lettersIn(file: string): ReadonlySet<string> {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const documents = lines.map((line) => line.slice(line.indexOf('"document":') + 11, -1));
  return new Set(documents.filter((document) => document.startsWith('{"kind":"Event"')));
}

interface SmallDisk {
  readonly path: string;
  /** For children, where the disk only seems full. */
  readonly fullMarker?: string;
  readonly fill: () => void;
  readonly free: () => void;
  readonly remove: () => void;
}

/** A disk of 2 MB for each time that the test is as long; where none may be mounted (that needs root), a folder of the ordinary disk whose writers are made to fail. */
function smallDisk(path: string): SmallDisk {
  mkdirSync(path);
  const ballast = join(path, "ballast");
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${2 * Math.max(1, SCALE)}m,mode=0700`, "tmpfs", path], {
      stdio: "ignore",
    });
  } catch {
    return {
      path,
      fullMarker: ballast,
      fill: () => writeFileSync(ballast, ""),
      free: () => rmSync(ballast),
      remove: () => undefined,
    };
  }
  return {
    path,
    fill: () => fill(ballast),
    free: () => rmSync(ballast),
    remove: () => execFileSync("umount", ["-l", path]),
  };
}

/** Takes what is left of the disk. */
function fill(path: string): void {
  writeFileSync(path, "");
  for (let step = 64 * 1024; step >= 1; step >>= 2) {
    try {
      for (;;) {
        appendFileSync(path, Buffer.alloc(step));
      }
    } catch {
      // It is full for writes of this size.
    }
  }
}
