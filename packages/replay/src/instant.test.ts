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

  test.each([
    ["2026-10-25T02:30", "Europe/Zurich", "twice", "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"],
    ["2026-03-29 02:30", "Europe/Zurich", "skipped", "2026-03-29T01:30:00Z"],
    ["2026-10-04T02:10", "Australia/Lord_Howe", "skipped", "2026-10-03T15:40:00Z"],
  ])("parseInstant does not choose what %s in %s means, where clocks are changed", (text, zone, says, hint) => {
    const parsed = parseInstant(text, { ...context, zone });
    expect(parsed.ok ? parsed.instant : parsed.problem.message).toContain(says);
    expect(parsed.ok ? "" : parsed.problem.hint).toContain(hint);
  });

  test.each([
    ["2026-10-25T02:30+01:00", "Europe/Zurich", "2026-10-25T01:30:00.000000Z"],
    ["2026-10-25T02:30+0200", "Europe/Zurich", "2026-10-25T00:30:00.000000Z"],
    ["2026-03-29T02:30Z", "Europe/Zurich", "2026-03-29T02:30:00.000000Z"],
    // A day begins with its first moment: midnight stands there twice, or not at all.
    ["2026-11-01", "America/Havana", "2026-11-01T04:00:00.000000Z"],
    ["2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00.000000Z"],
  ])("parseInstant reads %s in %s on a day on which clocks are changed", (text, zone, instant) => {
    expect(parseInstant(text, { ...context, zone })).toEqual({ ok: true, instant });
  });

  test.each(["99999999999d", "3000w9007199254740993h"])("parseInstant refuses %s, which is before all time", (text) => {
    const parsed = parseInstant(text, context);
    expect(parsed.ok ? parsed.instant : parsed.problem.message).toContain("longer ago");
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
