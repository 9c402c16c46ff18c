import * as fc from "fast-check";
import { expect, test } from "vitest";
import { safeJson, safeText } from "./safe-text.ts";

// oxlint-disable-next-line no-control-regex -- finding them is the point
const ACTING = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\ufeff]|[\u{e0000}-\u{e007f}]/u;

test("safeJson says the same with nothing that acts on a terminal or hides itself", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), (text) => {
      const wide = JSON.stringify(JSON.parse(text), undefined, 2);
      for (const each of [text, wide]) {
        expect(JSON.parse(safeJson(each))).toEqual(JSON.parse(each));
        expect(safeJson(each)).not.toMatch(ACTING);
      }
    }),
  );
  expect(safeJson('{"a\u202e":"\u009b2J\u{e0041}é世"}')).toBe('{"a\\u202e":"\\u009b2J\\udb40\\udc41é世"}');
});

test("safeJson leaves spaces and line breaks between tokens, which safeText does not", () => {
  const wide = JSON.stringify({ a: [1, "é\u0085"] }, undefined, 2);
  expect(safeJson(wide)).toBe('{\n  "a": [\n    1,\n    "é\\u0085"\n  ]\n}');
  expect(safeText(wide)).toContain("\\u000a");
});
