import { expect, it } from "vitest";
import { patternParts, patternTest } from "./string-pattern.ts";

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
