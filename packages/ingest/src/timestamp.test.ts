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
  ["2026-11-24T00:13:26+01:00", false],
  ["2026-11-24", false],
  ["", false],
  [undefined, false],
])("isTimestamp(%j) is %j", (text, expected) => {
  expect(isTimestamp(text)).toBe(expected);
});
