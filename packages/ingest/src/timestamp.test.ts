import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isTimestamp } from "./timestamp.ts";

test.each([
  ["2026-11-24T00:13:26.471919Z", true],
  ["2026-11-24T00:13:26Z", true],
  ["2024-02-29T23:59:59.999999999Z", true],
  ["1970-01-01T00:00:00Z", true],
  ["2026-02-30T00:00:00Z", false],
  ["2026-02-28T24:00:00Z", false],
  ["2026-13-01T00:00:00Z", false],
  ["2016-12-31T23:59:60Z", false],
  ["1969-12-31T23:59:59Z", false],
  ["2262-01-01T00:00:00Z", false],
  ["9999-12-31T23:59:59Z", false],
  ["2100-02-29T00:00:00Z", false],
  ["2000-02-29T00:00:00Z", true],
  ["2026-00-10T00:00:00Z", false],
  ["2026-04-31T00:00:00Z", false],
  ["2026-11-24T00:13:26.Z", false],
  ["2026-11-24T00:13:26.1234567890Z", false],
  ["2026-11-24T00:13:26.12x456Z", false],
  ["2026-11-24 00:13:26Z", false],
  ["2026-11-24T00:13:26z", false],
  ["٢٠٢٦-11-24T00:13:26Z", false],
  ["2026-11-24T00:13:26+01:00", false],
  ["2026-11-24", false],
  ["", false],
  [undefined, false],
])("isTimestamp(%j) is %j", (text, expected) => {
  expect(isTimestamp(text)).toBe(expected);
});

test("isTimestamp says what JavaScript's calendar says", () => {
  const digits = (most: number): fc.Arbitrary<string> =>
    fc.integer({ min: 0, max: most }).map((number) => String(number).padStart(2, "0"));
  const written = fc
    .tuple(fc.integer({ min: 1960, max: 2300 }), digits(13), digits(32), digits(25), digits(61), digits(61))
    .map(([year, month, day, hour, minute, second]) => `${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  fc.assert(
    fc.property(written, (text) => {
      const date = new Date(text);
      const isReal = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.slice(0, 19));
      expect(isTimestamp(text)).toBe(isReal && text >= "1970" && text < "2262");
    }),
    { numRuns: 500 },
  );
});
