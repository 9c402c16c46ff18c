import { describe, expect, test } from "vitest";
import { eventAt, logOf, plainLogOf, REDACTOR } from "./replay-fixtures.suite.ts";
import { replayLogs } from "./replay-logs.ts";
import type { ReplayedEvent } from "./replayed-event.ts";
import { fetchLines } from "./facts/read-events.ts";

const PAD = "x".repeat(1_200_000);

describe("replayLogs", () => {
  const order = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? i : 30 - i) * 1000 + 1000);
  const items = order.map((ms) => JSON.stringify(eventAt(ms, { level: "Request", requestObject: { pad: PAD } })));
  const over = JSON.stringify(
    order.slice(0, 16).map((ms) => eventAt(ms + 500, { level: "Request", requestObject: { pad: PAD } })),
    undefined,
    2,
  );
  const first = JSON.stringify(eventAt(0));
  const last = JSON.stringify(eventAt(500_000));
  const text = `${first}\n{"kind":"EventList","items":[${items.join(",")},5]}\n${over}\n${items
    .slice(0, 15)
    .join("")
    .replaceAll('"auditID":"id-', '"auditID":"glued-')}\n${last}\n`;

  test("replayLogs reads documents too long to be held, each event at its own time, in any order that logs are read in", async () => {
    expect(text.length).toBeGreaterThan(60 * 1024 * 1024);
    const logs = [
      plainLogOf("x", text),
      logOf("x", text, 512 * 1024),
      { ...logOf("x", text, 512 * 1024), isRepeatable: false },
    ];
    const seenIn: string[][] = [];
    for (const log of logs) {
      const seen: string[] = [];
      const alarms: unknown[] = [];
      const visitor = {
        begin: () => void seen.splice(0),
        event: ({ scan, offset }: ReplayedEvent) => void seen.push(`${offset} ${scan.text("auditID")}`),
      };
      const { summary } = await replayLogs({
        logs: [log],
        detections: [],
        redactor: REDACTOR,
        visitors: [visitor],
        onSort: () => alarms.splice(0),
        onLineAlarm: ({ offset, reason }) => alarms.push([offset, reason]),
      });
      expect(summary.logs[0]).toMatchObject({ lines: 64, events: 63, undecidable: { "not-json": 1 } });
      expect(alarms).toEqual([[text.indexOf(",5]}") + 1, "not-json"]]);
      seenIn.push(seen);
    }
    expect(seenIn[1]).toEqual(seenIn[0]);
    expect(seenIn[2]).toEqual(seenIn[0]);
    const ids = (seenIn[0] ?? []).map((each) => each.split(" ")[1]);
    expect(ids.filter((id) => id?.startsWith("id-"))).toEqual(
      [0, ...order, ...order.slice(0, 16).map((ms) => ms + 500), 500_000].sort((a, b) => a - b).map((ms) => `id-${ms}`),
    );
    // Each is found again at the place that is said of it.
    const wanted = new Map((seenIn[0] ?? []).map((each) => [Number(each.split(" ")[0]), each.split(" ")[1]]));
    const found = new Map<number, string>();
    await fetchLines([logs[1] as (typeof logs)[number]], ["x"], new Set(wanted.keys()), (place, line) => {
      found.set(place, line.toString("utf8", 0, 400));
    });
    expect(found.size).toBe(wanted.size);
    for (const [offset, id] of wanted) {
      expect(found.get(offset)).toMatch(new RegExp(`"auditID": ?"${id}"`));
    }
  });
});
