import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Delivery } from "../sink.ts";
import { sampleDelivery, testSink } from "../sink.suite.ts";
import { openStore } from "../sources/store-reader.ts";
import type { StoreSelection } from "../sources/store-reader.ts";
import { createStoreSink } from "./store.ts";
import { runs } from "../../../../test/property-runs.ts";

testSink("store", {
  prepare: async () => {
    const own = mkdtempSync(join(tmpdir(), "store-"));
    return {
      create: () => createStoreSink({ name: "store", folder: own }),
      stored: async () => (readdirSync(own).includes("store.json") ? storedIn(own) : []),
      isIdempotent: true,
      cleanUp: async () => rmSync(own, { recursive: true }),
    };
  },
});

const signal = new AbortController().signal;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("store sink", () => {
  test("closes segments by size: compressed, hashed, and in the index with their times", async () => {
    await fill(40, { maxSegmentBytes: 1000 });
    const { segments, missing } = await openStore(folder);
    const closed = segments.filter(({ name }) => name.endsWith(".zst"));
    expect(closed.length).toBeGreaterThan(3);
    expect(missing).toEqual([]);
    for (const { path, index } of closed) {
      const bytes = zstdDecompressSync(readFileSync(path));
      expect(index).toMatchObject({ bytes: bytes.length, lines: bytes.toString().trim().split("\n").length });
      expect(index?.from).toBe(timesOf(bytes).at(0));
      expect(index?.to).toBe(timesOf(bytes).at(-1));
    }
    expect(await storedIn(folder)).toHaveLength(40);
  });

  test("closes a segment by age", async () => {
    const sink = createStoreSink({ name: "store", folder, maxSegmentAgeMs: 1 });
    for (let i = 0; i < 3; i++) {
      await sink.write([at(i)], signal);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await sink.close();
    expect(readdirSync(folder).filter((name) => name.endsWith(".zst")).length).toBeGreaterThanOrEqual(2);
    expect(await storedIn(folder)).toHaveLength(3);
  });

  test("keeps within its bound: the oldest events go, findings stay, and nothing is called missing", async () => {
    await fill(300, { maxSegmentBytes: 4000, maxStoreBytes: 4000 });
    const finding = sampleDelivery(1, "finding");
    const sink = createStoreSink({ name: "store", folder, maxSegmentBytes: 1, maxStoreBytes: 1 });
    await sink.write([finding], signal);
    await sink.close();
    const { segments, missing } = await openStore(folder);
    expect(missing).toEqual([]);
    const bytes = segments.reduce((sum, { index }) => sum + (index?.compressedBytes ?? 0), 0);
    expect(bytes).toBeLessThanOrEqual(5000);
    expect((await storedIn(folder)).length).toBeLessThan(300);
  });

  test("stores what it does not know though it looks like what it knows", async () => {
    const one = at(1);
    await writeAll([one]);
    // Another delivery with the same document, as a policy that strips may make it: one of the two was there before.
    await writeAll([one, { ...one, id: "f".repeat(32) }]);
    expect(await storedIn(folder)).toHaveLength(2);
  });

  test("puts right whatever a crash leaves", async () => {
    await fill(30, { maxSegmentBytes: 1000 });
    const before = await storedIn(folder);
    const closed = readdirSync(folder).filter((name) => name.startsWith("event-") && name.endsWith(".zst"));
    const [first = "", second = "", third = ""] = closed;
    const plainOf = (name: string): Buffer => zstdDecompressSync(readFileSync(join(folder, name)));
    // Before it was compressed; before the plain one was removed; before it was in the index; half of an archive; a torn line.
    writeFileSync(join(folder, first.replace(".zst", "")), plainOf(first));
    unlinkSync(join(folder, first));
    writeFileSync(join(folder, second.replace(".zst", "")), plainOf(second));
    const index = readFileSync(join(folder, "index.ndjson"), "utf8").split("\n");
    writeFileSync(
      join(folder, "index.ndjson"),
      `${index.filter((line) => !line.includes(first) && !line.includes(third) && line !== "").join("\n")}\n{"segm`,
    );
    writeFileSync(join(folder, "event-00000001.ndjson.zst.tmp"), zstdCompressSync("half").subarray(0, 7));
    const active = readdirSync(folder).findLast((name) => /^event-.*\.ndjson$/.test(name)) ?? "";
    appendFileSync(join(folder, active), '{"torn');
    await writeAll([at(1000)]);
    expect((await storedIn(folder)).toSorted()).toEqual([...before, at(1000).document.toString()].toSorted());
    const { segments, missing } = await openStore(folder);
    expect(missing).toEqual([]);
    expect(segments.filter(({ name, index: entry }) => name.endsWith(".zst") && entry === undefined)).toEqual([]);
    expect(segments.map(({ name }) => name)).not.toContain(first.replace(".zst", ""));
  });

  test("stores each delivery once, in any sequence of writes, writes again, closes and starts", async () => {
    const step = fc.oneof(fc.record({ from: fc.nat(60), count: fc.nat(30) }), fc.constant("restart" as const));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.integer({ min: 200, max: 5000 }), async (steps, size) => {
        const own = mkdtempSync(join(tmpdir(), "store-model-"));
        const create = (): ReturnType<typeof createStoreSink> =>
          createStoreSink({ name: "store", folder: own, maxSegmentBytes: size });
        const written = new Set<string>();
        let sink = create();
        for (const one of steps) {
          if (one === "restart") {
            await sink.close();
            sink = create();
            continue;
          }
          const batch = Array.from({ length: one.count }, (_, i) => at(one.from + i));
          await sink.write(batch, signal);
          batch.forEach(({ document }) => written.add(document.toString()));
        }
        await sink.write([at(1)], signal);
        written.add(at(1).document.toString());
        await sink.close();
        expect((await storedIn(own)).toSorted()).toEqual([...written].toSorted());
        rmSync(own, { recursive: true });
      }),
      { numRuns: runs(12), endOnFailure: true },
    );
  });

  test("refuses a folder of another version, for writing and for reading", async () => {
    writeFileSync(join(folder, "store.json"), '{"format":"auditsieve-store","version":2}\n');
    const sink = createStoreSink({ name: "store", folder });
    await expect(sink.write([at(1)], signal)).rejects.toMatchObject({ code: "sink-open", hint: /version/ });
    await expect(openStore(folder)).rejects.toMatchObject({ message: expect.stringContaining("version 2") as string });
    rmSync(join(folder, "store.json"));
    await expect(openStore(folder)).rejects.toMatchObject({ code: "missing" });
  });
});

describe("openStore", () => {
  test("selects segments by kind and time, and leaves out no line of that time", async () => {
    await fill(60, { maxSegmentBytes: 1000 });
    await writeAll([sampleDelivery(1, "finding")]);
    const since = timeOf(20);
    const until = timeOf(30);
    const some = await storedIn(folder, { kinds: ["event"], since, until });
    for (let i = 20; i < 30; i++) {
      expect(some).toContain(at(i).document.toString());
    }
    expect(some.length).toBeLessThan(40);
    expect(await storedIn(folder, { kinds: ["finding"] })).toEqual([sampleDelivery(1, "finding").document.toString()]);
  });

  test("reads a segment that is being written to its last whole line, and one that is closed meanwhile", async () => {
    const sink = createStoreSink({ name: "store", folder, maxSegmentBytes: 1000 });
    await sink.write([at(1), at(2)], signal);
    const store = await openStore(folder);
    expect(await textsOf(store.logs())).toHaveLength(2);
    await sink.write(
      Array.from({ length: 20 }, (_, i) => at(10 + i)),
      signal,
    );
    await sink.close();
    expect(await textsOf(store.logs())).toHaveLength(22);
    const [open] = readdirSync(folder).filter((name) => name.endsWith(".ndjson") && name.startsWith("event"));
    appendFileSync(join(folder, open ?? "event-00000002.ndjson"), '{"half');
    expect(await storedIn(folder)).toHaveLength(22);
  });

  test("names segments that are gone", async () => {
    await fill(40, { maxSegmentBytes: 1000 });
    const gone = (await openStore(folder)).segments[1]?.name ?? "";
    unlinkSync(join(folder, gone));
    expect((await openStore(folder)).missing.map(({ segment }) => segment)).toEqual([gone]);
  });
});

async function fill(count: number, options: { maxSegmentBytes?: number; maxStoreBytes?: number }): Promise<void> {
  const sink = createStoreSink({ name: "store", folder, ...options });
  for (let i = 0; i < count; i += 5) {
    await sink.write(
      Array.from({ length: 5 }, (_, j) => at(i + j)),
      signal,
    );
  }
  await sink.close();
}

async function writeAll(batch: readonly Delivery[]): Promise<void> {
  const sink = createStoreSink({ name: "store", folder });
  await sink.write(batch, signal);
  await sink.close();
}

function timeOf(number: number): string {
  return `2026-11-24T00:${String(Math.floor(number / 60) % 60).padStart(2, "0")}:${String(number % 60).padStart(2, "0")}.471919Z`;
}

function at(number: number): Delivery {
  const sample = sampleDelivery(number);
  const document = sample.document.toString().replaceAll(sample.time, timeOf(number));
  return { ...sample, time: timeOf(number), document: Buffer.from(document) };
}

function timesOf(bytes: Buffer): readonly string[] {
  return [...bytes.toString().matchAll(/"stageTimestamp":"([^"]*)"/g)].map((match) => match[1] ?? "").toSorted();
}

async function storedIn(own: string, selection?: StoreSelection): Promise<readonly string[]> {
  return textsOf((await openStore(own)).logs(selection));
}

async function textsOf(logs: readonly { open(): AsyncIterable<Buffer> }[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const log of logs) {
    let text = "";
    for await (const chunk of log.open()) {
      text += chunk.toString("utf8");
    }
    lines.push(...text.split("\n").filter((line) => line !== ""));
  }
  return lines;
}
