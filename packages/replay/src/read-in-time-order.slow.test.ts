import { describe, expect, test } from "vitest";
import { logOf, plainLogOf, REDACTOR, sample, shippedDetections } from "./replay-fixtures.suite.ts";
import { replayLogs } from "./replay-logs.ts";

/** A loaded machine may take its time. */
const LOADED = 180_000;

describe("readInTimeOrder", () => {
  test(
    "replayLogs reads plain logs that are out of order from where their times stand, and finds what it finds in order",
    { timeout: LOADED },
    async () => {
      const lines = sample("attack.log.zst")
        .toString()
        .split(/(?<=\n)/)
        .slice(1500, 3500);
      const options = { detections: shippedDetections(), redactor: REDACTOR, blocks: { blockBytes: 20_000 } };
      const whole = await replayLogs({ ...options, logs: [logOf("a", lines.join(""))] });
      const parts = [0, 400, 900, 1500].map((start, i, starts) => lines.slice(start, starts[i + 1]));
      const [a = [], b = [], c = [], d = []] = parts;
      const inTurn = Array.from({ length: 100 }, (_, i) => [
        ...c.slice(i * 6, i * 6 + 6),
        ...a.slice(i * 4, i * 4 + 4),
      ]).flat();
      for (const jumbled of [
        [...d, ...b, ...inTurn],
        [...inTurn, ...b, ...d],
        [...lines, ...d, ...lines],
        [...lines, ...a.slice(0, 3)],
      ]) {
        const told: string[] = [];
        const { findings, summary } = await replayLogs({
          ...options,
          logs: [plainLogOf("a", jumbled.join(""))],
          onSort: () => told.push("sort"),
          // Nothing can be sorted: it would fail.
          sort: { runBytes: Number.NaN, maxFanIn: 0 },
        });
        expect(told).toEqual(["sort"]);
        expect([...findings]).toEqual([...whole.findings]);
        expect(summary.log).toEqual(whole.summary.log);
        expect(summary.duplicates).toBe(jumbled.length - lines.length);
      }
      expect(whole.findings.size).toBeGreaterThan(20);
    },
  );
});
