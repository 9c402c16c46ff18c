import { describe, expect, test } from "vitest";
import { liveFindings, logOf, plainLogOf, REDACTOR, sample, shippedDetections } from "./replay-fixtures.suite.ts";
import { replayLogs } from "./replay-logs.ts";
import type { ReplayedEvent } from "./replayed-event.ts";
import { fetchLines } from "./facts/read-events.ts";

describe("replayLogs", () => {
  test("replayLogs takes envelopes off where they stand, and finds in them what the daemon's pipeline finds, in the same order", async () => {
    const lines = sample("attack.log.zst")
      .toString()
      .split("\n")
      .filter((line) => line !== "")
      .slice(1500, 3000);
    const mixed = lines.reduce<string[]>((log, line, i) => {
      if (i % 5 === 1) {
        log.push(JSON.stringify({ operationName: "x", properties: { log: `${line}\n` } }));
      } else if (i % 5 === 2) {
        log.push(`{"kind":"EventList","items":[${line}`);
      } else if (i % 5 === 3) {
        log.push(`${log.pop()},${line}]}`);
      } else {
        log.push(i % 10 === 4 ? `2026-11-24T00:13:26.471Z ${line}` : line);
      }
      return log;
    }, []);
    const text = `${mixed.join("\n")}\n`;
    const detections = shippedDetections();
    const live = await liveFindings(text, detections);
    expect(live).toEqual(await liveFindings(lines.join("\n"), detections));
    expect(live.length).toBeGreaterThan(10);
    const logs = [{ ...logOf("x", text), isRepeatable: false }, plainLogOf("x", text), logOf("x", text)];
    const places: string[][] = [];
    for (const log of logs) {
      const seen: string[] = [];
      const visitor = {
        begin: () => void seen.splice(0),
        event: ({ scan, offset }: ReplayedEvent) => void seen.push(`${offset} ${scan.text("auditID")} ${scan.stage}`),
      };
      const options = { detections, redactor: REDACTOR, visitors: [visitor], sort: { runBytes: 100_000 } };
      const { summary, findings } = await replayLogs({ ...options, logs: [log], blocks: { blockBytes: 20_000 } });
      expect(JSON.parse(JSON.stringify([...findings]))).toEqual(live);
      expect(summary.logs[0]).toMatchObject({ lines: lines.length, salvaged: 0, undecidable: {} });
      places.push(seen);
      // Each is found again at the place that is said of it.
      const wanted = new Set(seen.map((each) => Number(each.split(" ")[0])));
      const found = new Map<number, string>();
      await fetchLines([log], ["x"], wanted, (place, line) => void found.set(place, line.toString()));
      expect([...found.keys()].sort((a, b) => a - b)).toEqual([...wanted].sort((a, b) => a - b));
      for (const each of seen) {
        const [offset, id] = each.split(" ");
        expect(found.get(Number(offset))).toContain(`"auditID":"${id}"`);
      }
      const [record] = seen;
      expect(text.slice(Number(record?.split(" ")[0])).startsWith("{")).toBe(true);
    }
    expect(places[1]).toEqual(places[0]);
    expect(places[2]).toEqual(places[0]);
  });
});
