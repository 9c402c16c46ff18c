import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AlarmWatch } from "./alarm-watch.ts";
import { NoiseWatch } from "./alarm-noise.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";
import { openWatchMemory } from "./watch-memory.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watch-memory-"));
});
afterEach(() => rm(folder, { recursive: true }));

function receipt(actor: string, minute: number): NoiseReceipt {
  const time = (second: number): string => new Date(Date.UTC(2026, 10, 24, 0, minute, second)).toISOString();
  const range = { sink: "es", source: "audit", input: "audit.log@0", from: 0, to: 1, rule: 0 };
  const kind = "NoiseReceipt" as const;
  return {
    kind,
    ...range,
    actor,
    verb: "update",
    resource: "leases",
    first: time(5),
    last: time(30),
    count: 6,
    bytes: 9,
  };
}

/** One life of a watch: gets the receipts of these minutes, and dies after its state was written; gives its alarms. */
async function live(
  minutes: readonly number[],
  actors: (minute: number) => readonly string[],
): Promise<readonly string[]> {
  const alarms: string[] = [];
  const memory = await openWatchMemory(folder, "audit", undefined, { keepsAuditIds: false });
  expect(memory.problems).toEqual([]);
  const watch = new AlarmWatch({ memory, onAlarm: ({ message }) => alarms.push(message) });
  for (const minute of minutes) {
    const documents = actors(minute).map((actor) => Buffer.from(JSON.stringify(receipt(actor, minute))));
    const deliveries = documents.map((document) => ({ id: "0", kind: "receipt", document, time: "" }) as const);
    watch.receipts(deliveries, "es");
    await memory.write(0);
  }
  return alarms;
}

describe("WatchMemory", () => {
  test("noise that was steady and stops while the daemon restarts raises the alarm, once", async () => {
    const actors = (minute: number): readonly string[] => (minute < 15 ? ["node-1", "node-2"] : ["node-1"]);
    const range = (from: number, to: number): readonly number[] =>
      Array.from({ length: to - from }, (_, i) => from + i);
    expect(await live(range(0, 8), actors)).toEqual([]);
    // After a crash the last minutes come again.
    expect(await live(range(6, 15), actors)).toEqual([]);
    const alarms = [...(await live(range(15, 17), actors)), ...(await live(range(17, 22), actors))];
    expect(alarms).toEqual([expect.stringMatching(/node-2 update leases, seen in each of 15 minutes/) as string]);
    expect(await live(range(22, 30), actors)).toEqual([]);
  });

  test.each([
    ["damaged", Buffer.from("{}")],
    ["of another version", zstdCompressSync('{"version":2,"sinks":{}}')],
    ["no text", zstdCompressSync("[1")],
  ])("a noise file that is %s is a problem, and everything begins anew", async (_, content) => {
    await writeFile(join(folder, "noise-audit.zst"), content);
    const memory = await openWatchMemory(folder, "audit", undefined, { keepsAuditIds: false });
    expect(memory.problems).toEqual([expect.stringContaining("noise-audit.zst") as string]);
    expect(memory.noise.before("es")).toBeUndefined();
    memory.noise.noted("es", () => ({ classes: [] }));
    await memory.write(0);
    expect((await openWatchMemory(folder, "audit", undefined, { keepsAuditIds: false })).problems).toEqual([]);
  });

  test("is written only when something has changed, and holds at most ten thousand classes of each sink", async () => {
    const memory = await openWatchMemory(folder, "audit", undefined, { keepsAuditIds: true });
    await memory.write(0);
    await expect(readFile(join(folder, "noise-audit.zst"))).rejects.toThrow("ENOENT");
    expect(memory.reference).toBeUndefined();
    const watch = new NoiseWatch();
    watch.note(Array.from({ length: 12_000 }, (_, i) => receipt(`node-${i}`, 1)));
    const { classes } = watch.snapshot() as { readonly classes: readonly unknown[] };
    expect(classes).toHaveLength(10_000);
    expect(JSON.stringify(new NoiseWatch(watch.snapshot()).snapshot())).toBe(JSON.stringify(watch.snapshot()));
  });

  test("of a state folder of a version without it, nothing is remembered and nothing is wrong", async () => {
    const memory = await openWatchMemory(folder, "audit", undefined, { keepsAuditIds: true });
    expect(memory.problems).toEqual([]);
    expect([...(memory.auditIds?.told ?? [])]).toEqual([]);
  });
});
