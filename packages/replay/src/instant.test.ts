import { describe, expect, test } from "vitest";
import { parseInstant, zoneProblem } from "./instant.ts";

const context = { now: new Date("2026-11-24T12:00:00.250Z"), zone: "Europe/Zurich" };

const cases: readonly (readonly [string, string])[] = [
  ["2026-11-24T00:13:26.471919Z", "2026-11-24T00:13:26.471919Z"],
  ["2026-11-24T00:13:26.4Z", "2026-11-24T00:13:26.400000Z"],
  ["2026-11-24T02:13:26+02:00", "2026-11-24T00:13:26.000000Z"],
  ["2026-11-24 00:13", "2026-11-23T23:13:00.000000Z"],
  ["2026-11-24", "2026-11-23T23:00:00.000000Z"],
  ["90m", "2026-11-24T10:30:00.250000Z"],
  ["-90m", "2026-11-24T10:30:00.250000Z"],
  ["1d12h", "2026-11-23T00:00:00.250000Z"],
  [" 1.5h ", "2026-11-24T10:30:00.250000Z"],
];

describe("parseInstant", () => {
  test.each(cases)("parseInstant reads %s", (text, instant) => {
    expect(parseInstant(text, context)).toEqual({ ok: true, instant });
  });

  test.each(["yesterday", "", "24.11.2026", "2026-13-01", "12", "2026-11-24T25:00:00Z", "5y"])(
    "parseInstant refuses %o and says what would do",
    (text) => {
      const parsed = parseInstant(text, context);
      expect(parsed.ok).toBe(false);
      expect(parsed.ok ? "" : parsed.problem.hint).toContain("90m");
    },
  );
});

describe("zoneProblem", () => {
  test.each(["utc", "local", "Europe/Zurich", "UTC+2", "America/Argentina/Buenos_Aires"])(
    "zoneProblem takes %s",
    (zone) => expect(zoneProblem(zone)).toBe(undefined),
  );

  test.each(["Mars", "", "Europe/Zurig", "+25", " "])(
    "zoneProblem refuses %o, as parseInstant does of a time",
    (zone) => {
      expect(zoneProblem(zone)).toMatchObject({ severity: "error", hint: expect.stringContaining("Zurich") as string });
      expect(parseInstant("2026-11-24", { ...context, zone }).ok).toBe(false);
    },
  );
});
