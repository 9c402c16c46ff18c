import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { Checkpoint } from "../state/checkpoint.ts";
import type { SourceAlarm } from "../source.ts";
import { lostOf, RotationWatch } from "./rotation-watch.ts";
import { openFileOrigin, TailedFile } from "./tailed-file.ts";

let folder: string;
let log: string;
let checkpoint: Checkpoint;
let alarms: SourceAlarm[];
let second: number;
let rotations: number;
let open: TailedFile[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "rotation-watch-"));
  log = join(folder, "audit.log");
  checkpoint = await openCheckpoint(join(folder, "checkpoint.json"));
  [alarms, second, rotations, open] = [[], 0, 0, []];
  writeFileSync(log, "");
});
afterEach(async () => {
  await Promise.all(open.map((file) => file.close()));
  rmSync(folder, { recursive: true });
});

function watchOf(maxBackups?: number): RotationWatch {
  const now = (): number => 1000 * second;
  return new RotationWatch({
    path: log,
    name: "audit",
    checkpoint,
    now,
    maxBackups,
    onAlarm: (alarm) => alarms.push(alarm),
  });
}

async function tailed(generation = 0, offset = 0): Promise<TailedFile> {
  const origin = await openFileOrigin(log);
  const file = new TailedFile({
    generation,
    input: "audit.log@0",
    origin: origin as never,
    known: rotatedNames(),
    offset,
  });
  open.push(file);
  return file;
}

function rotatedNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith("audit-"))
    .toSorted();
}

function write(bytes: number): void {
  appendFileSync(log, `${"x".repeat(bytes - 1)}\n`);
}

/** Renames the log away and keeps so many, as the apiserver does. */
function rotate(kept: number): void {
  renameSync(log, join(folder, `audit-2026-11-24T00-00-00.${String(rotations++).padStart(3, "0")}.log`));
  writeFileSync(log, "");
  for (const name of rotatedNames().slice(0, -kept)) {
    rmSync(join(folder, name));
  }
}

/** A second of the log's life: 100 bytes, and a rotation with every fifth. */
async function live(watch: RotationWatch, kept: number): Promise<void> {
  second++;
  write(100);
  if (second % 5 === 0) {
    rotate(kept);
  }
  await watch.look();
}

describe("RotationWatch", () => {
  test("warns before a file that is not read is deleted, counts the bytes when it was, and says so once", async () => {
    const watch = watchOf(3);
    const current = await tailed();
    watch.reading(current, []);
    while (watch.status.lostFiles === 0 && second < 100) {
      await live(watch, 3);
    }
    // The first rotated file is open here; the second one is the first that is lost, with the fifth rotation.
    expect(second).toBe(25);
    expect(alarms.map(({ kind }) => kind)).toEqual(["outrun", "gap"]);
    expect(alarms[0]?.message).toMatch(/deleted unread in about (1[0-9]|20) s: nothing is being read/);
    expect(alarms[1]?.message).toContain("500 bytes are lost");
    expect(watch.status).toMatchObject({ lostBytes: 500, lostFiles: 1, unreadFiles: 3 });
    expect(lostOf(checkpoint, "audit")).toMatchObject({ bytes: 500, files: 1 });
  });

  test("learns from the first deletion how many are kept", async () => {
    const watch = watchOf();
    watch.reading(await tailed(), []);
    const deadlines: (number | undefined)[] = [];
    while (second < 24) {
      await live(watch, 2);
      deadlines.push(watch.status.deadlineSeconds);
    }
    expect(deadlines.slice(0, 14)).toEqual(Array.from({ length: 14 }, () => undefined));
    expect(deadlines.at(-1)).toBeCloseTo(1, 6);
  });

  test("is quiet while reading keeps up, and about files that are open or were read", async () => {
    const watch = watchOf(2);
    let current = await tailed();
    watch.reading(current, []);
    for (let rotation = 0; rotation < 8; rotation++) {
      for (let i = 0; i < 5; i++) {
        await live(watch, 2);
        for await (const { bytes } of current.read(Buffer.alloc(1000))) {
          watch.read(bytes.length);
        }
      }
      current = await tailed(rotation + 1);
      watch.reading(current, current.known);
    }
    await watch.look();
    expect(alarms).toEqual([]);
    expect(watch.status).toMatchObject({ lostBytes: 0, lostFiles: 0, unreadFiles: 0 });
  });

  test("what is deleted while nothing runs is lost with its size, and what was read is not", async () => {
    const watch = watchOf(5);
    watch.reading(await tailed(), []);
    while (second < 19) {
      await live(watch, 5);
    }
    const [first = "", ...waiting] = rotatedNames();
    expect(waiting).toHaveLength(2);
    for (const name of rotatedNames()) {
      rmSync(join(folder, name));
    }
    const next = watchOf(5);
    // It had read the first of those that waited.
    next.reading(undefined, [first, waiting[0] ?? ""]);
    await next.look();
    expect(next.status).toMatchObject({ lostBytes: 500, lostFiles: 1 });
    expect(alarms.at(-1)).toMatchObject({
      kind: "gap",
      message: expect.stringContaining("1 rotated file(s)") as string,
    });
    await next.look();
    expect(next.status.lostFiles).toBe(1);
  });

  test("stop() counts what went since the last look, and keeps it", async () => {
    const watch = watchOf(5);
    watch.reading(await tailed(), []);
    while (second < 14) {
      await live(watch, 5);
    }
    rmSync(join(folder, rotatedNames()[1] ?? ""));
    await watch.stop();
    expect(watch.status).toMatchObject({ lostBytes: 500, lostFiles: 1 });
    expect(lostOf(await openCheckpoint(join(folder, "checkpoint.json")), "audit")).toMatchObject({
      bytes: 500,
      files: 1,
    });
    expect(alarms.map(({ kind }) => kind)).toContain("gap");
  });

  test("stop() waits for no folder that does not answer", async () => {
    const watch = watchOf(5);
    const current = await tailed();
    current.size = () => Promise.withResolvers<never>().promise;
    watch.reading(current, []);
    await watch.stop(10);
    expect(watch.status).toMatchObject({ lostBytes: 0, lostFiles: 0 });
  });

  test("of the file of the position, what was seen of it and not read is lost", async () => {
    const watch = watchOf(5);
    watch.reading(await tailed(7), []);
    write(300);
    await watch.look();
    expect(watchOf(5).gone(7, 120)).toBe(180);
    const other = watchOf(5);
    expect(other.gone(8, 120)).toBe(0);
    expect(other.status).toMatchObject({ lostFiles: 1, lostBytes: 0 });
  });

  test("a state that cannot be understood counts from nothing", () => {
    for (const state of [
      { version: 9, lost: { bytes: 5 } },
      "nonsense",
      { version: 1, waiting: [7, [8]], lost: [], current: {} },
    ]) {
      checkpoint.put("rotation/audit", state);
      expect(watchOf().status).toMatchObject({ lostBytes: 0, lostFiles: 0 });
    }
  });
});
