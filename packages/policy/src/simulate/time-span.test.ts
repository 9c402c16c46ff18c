import { EventScan } from "@auditsieve/audit";
import { array, assert, constantFrom, integer, oneof, property, tuple } from "fast-check";
import { expect, test } from "vitest";
import { TimeSpan } from "./time-span.ts";

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

type Times = readonly [received: string | undefined, written: string | undefined];

function spanOf(events: readonly Times[]): ReturnType<TimeSpan["result"]> {
  const span = new TimeSpan();
  const scan = new EventScan();
  for (const [requestReceivedTimestamp, stageTimestamp] of events) {
    const event = { level: "Metadata", stage: "ResponseComplete", requestURI: "/", verb: "get", user: {} };
    const line = Buffer.from(JSON.stringify({ ...event, requestReceivedTimestamp, stageTimestamp }));
    expect(scan.scan(line, 0, line.length)).toBe(true);
    span.event(scan);
  }
  return span.result();
}

/** What the times say when each is decoded. */
function plainly(events: readonly Times[]): readonly (string | undefined)[] {
  const times = (list: readonly (string | undefined)[]): readonly string[] =>
    list
      .filter((time) => time !== undefined)
      .filter((time) => TIME.test(time))
      .toSorted();
  const first = times(events.map(([received, written]) => written ?? received))[0];
  const last = times(events.map(([received, written]) => received ?? written)).at(-1);
  return [first, last];
}

test("TimeSpan gives the first and the last time, whatever their form", () => {
  const digits = integer({ min: 0, max: 59 }).map((number) => String(number).padStart(2, "0"));
  const time = oneof(
    { weight: 6, arbitrary: tuple(digits, digits).map(([a, b]) => `2026-11-24T01:${a}:00.0000${b}Z`) },
    digits.map((second) => `2026-11-24T01:00:${second}Z`),
    digits.map((second) => `2026-11-24T01:00:${second}.123Z`),
    constantFrom("", "yesterday", "9999-99-99X99:99:99.999999Z", "2026-11-24T01:00:00.00000\u00e9Z", undefined),
  );
  assert(
    property(array(tuple(time, time), { maxLength: 12 }), (events) => {
      const span = spanOf(events);
      const [first, last] = plainly(events);
      const isKnown = first !== undefined && last !== undefined;
      expect([span?.from, span?.to]).toEqual(isKnown ? [first, last] : [undefined, undefined]);
    }),
    { numRuns: 200 },
  );
});
