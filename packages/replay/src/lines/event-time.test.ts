import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guessLineMicros, instantMicros, microsText, NO_TIME } from "./event-time.ts";

const micros = fc.integer({ min: 0, max: 4_102_444_800_000_000 });

function guess(line: string): number {
  // The guess must end at the line, not at the buffer.
  const bytes = Buffer.from(
    `{"stageTimestamp":"2001-01-01T00:00:00.000000Z"}\n${line}\n{"stageTimestamp":"2002-01-01T00:00:00.000000Z"}`,
  );
  const start = bytes.indexOf("\n") + 1;
  return guessLineMicros(bytes, start, start + Buffer.byteLength(line));
}

describe("guessLineMicros", () => {
  test("guessLineMicros reads the time of every line that an apiserver writes, whatever stands behind it", () => {
    fc.assert(
      fc.property(
        micros,
        fc.dictionary(fc.string(), fc.string({ maxLength: 3000 }), { noNullPrototype: true }),
        (at, annotations) => {
          const line = JSON.stringify({ auditID: "x", stageTimestamp: microsText(at), annotations });
          expect(guess(line)).toBe("stageTimestamp" in annotations ? expect.any(Number) : at);
        },
      ),
    );
  });

  test("guessLineMicros finds the last key of any bytes, wherever it stands", () => {
    const part = fc.oneof(
      fc.constantFrom('"stageTimestamp":"', "stage", "Timestamp", '":"', '"', "s", "2026-11-24T00:13:26.471919Z", "a"),
      fc.string({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const line = parts.join("");
        const at = line.lastIndexOf('"stageTimestamp":"');
        const text = at === -1 ? "" : /^[^"]*/.exec(line.slice(at + 18))?.[0];
        expect(guess(`${line}"`)).toBe(instantMicros(text ?? ""));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["no line", ""],
    ["no time", '{"verb":"get"}'],
    ["an escaped key in a text", String.raw`{"message":"\"stageTimestamp\":\"2026-11-24T00:13:26.471919Z\""}`],
    ["a time that is none", '{"stageTimestamp":"2026-13-99T99:99:99.000000Z"}'],
    ["a torn time", '{"stageTimestamp":"2026-11-24T00:13'],
    ["no digits", '{"stageTimestamp":"2026-1a-24T00:13:26.471919Z"}'],
  ])("guessLineMicros finds none in %s", (_name, line) => {
    expect(guess(line)).toBe(NO_TIME);
  });
});

describe("instantMicros", () => {
  test("instantMicros and microsText are each other's inverse", () => {
    fc.assert(fc.property(micros, (at) => instantMicros(microsText(at)) === at));
  });

  test.each([
    ["2026-11-24T00:13:26Z", "2026-11-24T00:13:26.000000Z"],
    ["2026-11-24T00:13:26.4719191Z", "2026-11-24T00:13:26.471919Z"],
    ["2026-11-24T02:13:26.5+02:00", "2026-11-24T00:13:26.500000Z"],
  ])("instantMicros reads %s", (text, same) => {
    expect(microsText(instantMicros(text))).toBe(same);
  });
});
