import { describe, expect, test } from "vitest";
import { readGoJson } from "./go-json.ts";

const refusals: readonly (readonly [string, string])[] = [
  ["", "unexpected end of JSON input"],
  ['{"a"', "unexpected end of JSON input"],
  ['{"a":fal', "invalid character ' ' in literal false (expecting 's')"],
  ['{"a":-', "invalid character ' ' in numeric literal"],
  ['{"a":1.', "invalid character ' ' after decimal point in numeric literal"],
  ['{"a":"\\', "invalid character ' ' in string escape code"],
  ['{"a":"x', "unexpected end of JSON input"],
  ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ["[1 2]", "invalid character '2' after array element"],
  ["[1,]", "invalid character ']' looking for beginning of value"],
  ["[01]", "invalid character '1' after array element"],
  ["[1e]", "invalid character ']' in exponent of numeric literal"],
  ["['a']", "invalid character '\\'' looking for beginning of value"],
  ["[é]", "invalid character 'Ã' looking for beginning of value"],
  ['["\t"]', "invalid character '\\t' in string literal"],
  ['["\\x"]', "invalid character 'x' in string escape code"],
  ['["\\u12g4"]', "invalid character 'g' in \\u hexadecimal character escape"],
  ["[] x", "invalid character 'x' after top-level value"],
];

test.each(refusals)("readGoJson() refuses %j in Go's words", (text, error) => {
  expect(readGoJson(text)).toMatchObject({ outcome: "refused", error });
});

describe("readGoJson()", () => {
  test("keeps repeated keys, numbers as text and places", () => {
    expect(readGoJson('{\n "a": 1e5, "a": [null, true]}')).toMatchObject({
      root: {
        kind: "object",
        entries: [
          { key: "a", keyPosition: { line: 2, column: 2 }, value: { kind: "number", literal: "1e5" } },
          { key: "a", value: { kind: "array", items: [{ kind: "null" }, { kind: "boolean", value: true }] } },
        ],
      },
    });
  });

  test("turns lone surrogates into U+FFFD", () => {
    expect(readGoJson('["\\ud800"]')).toMatchObject({ root: { items: [{ value: "\uFFFD" }] } });
  });

  test("says where it stopped", () => {
    expect(readGoJson('{\n  "a": x}')).toMatchObject({ position: { line: 2, column: 8 } });
  });
});
