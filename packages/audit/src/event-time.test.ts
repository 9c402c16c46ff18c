import * as fc from "fast-check";
import { expect, test } from "vitest";
import { microseconds, microsecondsAt, parsedTime, timeAt } from "./event-time.ts";

const digits = (length: number): fc.Arbitrary<string> =>
  fc.nat({ max: 10 ** length - 1 }).map((number) => String(number).padStart(length, "0"));
const minute = fc.constantFrom(
  "2026-11-24T00:13:",
  "2026-11-24T00:14:",
  "2026-11-24T24:00:",
  "2026-02-30T00:00:",
  "1969-12-31T23:59:",
  "0000-01-01T00:00:",
  "0070-01-01T00:00:",
  "2026-04-31T23:59:",
  "2028-02-29T09:60:",
  "2026-12-32T00:00:",
  "9999-12-31T23:59:",
  "2026-11-24 00:13:",
  "2026-13-24T00:13:",
);
const damage = fc.option(
  fc.record({ at: fc.nat({ max: 27 }), by: fc.constantFrom("", " ", "-", "9", "6", "Z", ".", "é", "00") }),
  { freq: 4 },
);
const timestamp = fc
  .record({ minute, second: digits(2), fraction: fc.oneof({ weight: 5, arbitrary: digits(6) }, digits(3)), damage })
  .map(({ minute: start, second, fraction, damage: change }) => {
    const text = `${start}${second}.${fraction}Z`;
    return change === null ? text : `${text.slice(0, change.at)}${change.by}${text.slice(change.at + 1)}`;
  });

test("parsedTime: what Date.parse gives, whatever was parsed before", () => {
  let times = 0;
  fc.assert(
    fc.property(fc.array(timestamp, { minLength: 2, maxLength: 12 }), (texts) => {
      for (const text of texts) {
        times += Number.isNaN(Date.parse(text)) ? 0 : 1;
        expect(parsedTime(text), text).toBe(Date.parse(text));
      }
    }),
    { numRuns: 1500 },
  );
  expect(times).toBeGreaterThan(1500);
});

test("timeAt, microsecondsAt: what is given of the text that stands there, whatever was parsed before", () => {
  const plain = timestamp.filter((text) => !text.includes("é"));
  fc.assert(
    fc.property(fc.array(plain, { minLength: 2, maxLength: 12 }), fc.nat(3), (texts, before) => {
      const bytes = Buffer.from(`${"9".repeat(before)}${texts.join("")}9999`, "latin1");
      let start = before;
      for (const text of texts) {
        const end = start + text.length;
        const time = timeAt(bytes, start, end);
        expect(time, text).toBe(Date.parse(text));
        expect(microsecondsAt(bytes, start, end, time), text).toBe(microseconds(text));
        start = end;
      }
    }),
    { numRuns: 1500 },
  );
});

test("microseconds: of as many digits as there are", () => {
  const time = Date.parse("2026-11-24T00:13:26.471Z") * 1000;
  expect(microseconds("2026-11-24T00:13:26.471919Z")).toBe(time + 919);
  expect(microseconds("2026-11-24T00:13:26.4719Z")).toBe(time + 900);
  expect(microseconds("2026-11-24T00:13:26.471919123Z")).toBe(time + 919);
  expect(microseconds("2026-11-24T00:13:26.471Z")).toBe(time);
  expect(microseconds("2026-11-24T00:13:26.4719x9Z")).toBeNaN();
  expect(microseconds(undefined)).toBeNaN();
});
