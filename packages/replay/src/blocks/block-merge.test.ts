import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogLine } from "../lines/log-line.ts";
import type { ReplayLog } from "../lines/log-reader.ts";
import { sortLogs } from "../time-order/sort-logs.ts";
import { eventAt, logOf, plainLogOf } from "../replay-fixtures.suite.ts";
import { BlockMerge } from "./block-merge.ts";
import { findBlocks, mostBytesTogether } from "./log-blocks.ts";

const onUnreadable = (log: number, error: unknown): never => {
  throw new Error(`log ${log} cannot be read`, { cause: error });
};

function told({ micros, log, offset, bytes, start, end, isSalvaged = false, oversizeBytes = 0 }: LogLine): string {
  return `${micros} ${log} ${offset} ${isSalvaged} ${oversizeBytes} ${bytes.toString("utf8", start, end)}`;
}

async function sorted(logs: readonly ReplayLog[]): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const lines of sortLogs(logs, { onUnreadable })) {
    all.push(...lines.map(told));
  }
  return all;
}

/** Stops behind `stopAt` batches, if so many come, and has another merge go on from there. */
async function merged(logs: readonly ReplayLog[], blockBytes: number, stopAt = Infinity): Promise<readonly string[]> {
  const blocks = (await findBlocks(logs, { isScanned: true, onUnreadable, blockBytes })) ?? [];
  const options = { isScanned: true, isShared: false, onUnreadable };
  const all: string[] = [];
  const first = new BlockMerge(logs, blocks, options);
  let batches = 0;
  for await (const lines of first.lines()) {
    all.push(...lines.map(told));
    if (++batches === stopAt) {
      break;
    }
  }
  for await (const lines of new BlockMerge(logs, blocks, { ...options, from: first.limit }).lines()) {
    all.push(...lines.map(told));
  }
  return all;
}

/** A whole event, one whose time is another than its order, and lines that are none or hold several. */
const LINE = fc.tuple(fc.nat(40), fc.nat(12)).map(([s, kind]) => {
  const line = JSON.stringify(eventAt(s * 1000, { requestURI: `/${"x".repeat(kind * 20)}` }));
  const other = JSON.stringify(eventAt(((s * 7) % 40) * 1000));
  return kind === 0
    ? line.slice(0, 70) + other
    : kind === 1
      ? line + other
      : kind === 2
        ? ""
        : kind === 3
          ? line.replace(/"stageTimestamp":"[^"]*",/, "")
          : kind === 4
            ? '{"no":"time"}'
            : line;
});
const LOGS = fc.array(fc.array(LINE, { maxLength: 40 }), { minLength: 1, maxLength: 4 });

describe("BlockMerge", () => {
  test("BlockMerge gives every line in the same order as sorting all of them, whatever the blocks and wherever it goes on", async () => {
    await fc.assert(
      fc.asyncProperty(
        LOGS,
        fc.constantFrom(1, 700, 3000, 1e6),
        fc.nat(30),
        fc.boolean(),
        async (logs, blockBytes, stopAt, isTorn) => {
          const texts = logs.map((lines) => lines.join("\n") + (isTorn ? "" : "\n"));
          const plain = texts.map((text, i) => plainLogOf(`${i}`, text, 900));
          expect(await merged(plain, blockBytes, stopAt)).toEqual(await sorted(plain));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("BlockMerge tells of a log that has become shorter, and gives the lines of the others", async () => {
    const lines = [3, 1, 2].map((s) => `${JSON.stringify(eventAt(s * 1000))}\n`);
    const text = lines.join("");
    const logs = [plainLogOf("a", text), plainLogOf("b", text)];
    const blocks = (await findBlocks(logs, { isScanned: false, onUnreadable, blockBytes: 1 })) ?? [];
    const shorter = [plainLogOf("a", lines[0] ?? ""), logs[1] as ReplayLog];
    const failures: string[] = [];
    const all: LogLine[] = [];
    const merge = new BlockMerge(shorter, blocks, {
      isScanned: false,
      isShared: false,
      onUnreadable: (log, error) => failures.push(`${log} ${String(error)}`),
    });
    for await (const batch of merge.lines()) {
      all.push(...batch);
    }
    expect(all.map(({ log, micros }) => [log, new Date(micros / 1000).getUTCSeconds()])).toEqual([
      [1, 1],
      [1, 2],
      [0, 3],
      [1, 3],
    ]);
    expect(failures).toHaveLength(2);
    expect(failures[0]).toMatch(/^0 .*"a": it has become shorter/);
  });
});

describe("findBlocks", () => {
  test("findBlocks leaves logs that can only be read from their beginning", async () => {
    const text = `${JSON.stringify(eventAt(0))}\n`;
    expect(
      await findBlocks([plainLogOf("a", text), logOf("b", text)], { isScanned: false, onUnreadable }),
    ).toBeUndefined();
    // One that is empty stands in nobody's way.
    expect(await findBlocks([plainLogOf("a", text), logOf("b", "")], { isScanned: false, onUnreadable })).toHaveLength(
      1,
    );
  });
});

describe("mostBytesTogether", () => {
  test("mostBytesTogether counts blocks as long as a line of them may have to wait", () => {
    const block = (from: number, to: number, bytes: number): Parameters<typeof mostBytesTogether>[0][number] => ({
      log: 0,
      offset: 0,
      end: 0,
      before: 0,
      from,
      to,
      bytes,
    });
    expect(mostBytesTogether([])).toBe(0);
    expect(mostBytesTogether([block(5, 6, 10), block(1, 2, 1), block(2, 4, 100)])).toBe(101);
    expect(mostBytesTogether([block(1, 9, 1), block(2, 3, 10), block(4, 5, 20)])).toBe(21);
  });
});
