import * as fc from "fast-check";
import { expect, it } from "vitest";
import { patternParts, patternTest } from "./string-pattern.ts";
import { runs } from "../../../../test/property-runs.ts";

it("patternTest takes for a text whatever has its lower case, of whatever letters and length", () => {
  const letters = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code));
  for (const literal of ["k", "i", "s", "ss", "\u00e5", "i\u0307", "\u03c3"]) {
    const uncased = patternTest(patternParts(literal), false);
    const cased = patternTest(patternParts(literal), true);
    const values = [...letters, literal, literal.toUpperCase(), `${literal}\u0307`, "", "SS", "Ss", "\u03a3\u03a3"];
    expect(values.filter((value) => uncased.test(value))).toEqual(
      values.filter((value) => value.toLowerCase() === literal),
    );
    expect(values.filter((value) => cased.test(value))).toEqual(values.filter((value) => value === literal));
  }
});

it("patternTest reads numbers and booleans as they are spelled, null and containers never", () => {
  const passed = (text: string): readonly unknown[] => {
    const pattern = patternTest(patternParts(text), false);
    return [12, true, null, "", {}, [], "12", "TRUE"].filter((value) => pattern.test(value));
  };
  expect(["12", "true", "", "null", "[]"].map(passed)).toEqual([[12, "12"], [true, "TRUE"], [""], [], []]);
});

it("patternTest finds what a regular expression finds, whatever stands between stars, and however long it is", () => {
  const piece = fc.string({ unit: fc.constantFrom("a", "a", "b", "?"), maxLength: 6 });
  // Longer than what is looked for in another way.
  const long = fc.constantFrom("a".repeat(251), `${"a".repeat(120)}b${"a".repeat(140)}`, `${"a".repeat(40)}?b`);
  const pieces = fc.array(fc.oneof({ weight: 6, arbitrary: piece }, { weight: 1, arbitrary: long }), { maxLength: 4 });
  const texts = fc.array(fc.oneof(piece, long, fc.constant("ab".repeat(20))), { maxLength: 4 });
  const counts = { found: 0, missed: 0 };
  fc.assert(
    fc.property(pieces, texts, (between, parts) => {
      const text = parts.join("").replaceAll("?", "c");
      const expected = new RegExp(`^${between.join(".*").replaceAll("?", ".")}$`, "s").test(text);
      expect(patternTest(patternParts(between.join("*")), true).test(text)).toBe(expected);
      counts[expected ? "found" : "missed"]++;
    }),
    { numRuns: runs(1000) },
  );
  expect(Math.min(counts.found, counts.missed)).toBeGreaterThan(40);
});
