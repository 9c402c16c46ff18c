import { expect, test } from "vitest";
import { readGoYaml } from "./go-yaml.ts";

/** What go-yaml 2.4.4 says of each, recorded. */
const refused: readonly (readonly [string, string])[] = [
  ["a: b: c", "mapping values are not allowed in this context"],
  ["a\nb: c", "line 2: mapping values are not allowed in this context"],
  [`${"a".repeat(1030)}: b`, "mapping values are not allowed in this context"],
  ["? a\n: b\n c: d", "line 3: mapping values are not allowed in this context"],
  ["k: a\u0085b", "line 3: could not find expected ':'"],
  ["- a\nb: c", "line 1: did not find expected '-' indicator"],
  ["- - a\n - b", "line 1: did not find expected '-' indicator"],
  ["a: >\n  b\n c: d", "line 2: did not find expected key"],
  ["\uFEFF\uFEFFa: 1\nb: 2", "line 1: did not find expected key"],
  ["a: [1, 2", "line 1: did not find expected ',' or ']'"],
  ["[?]", "line 1: did not find expected ',' or ']'"],
  ["a: {b: 1", "line 1: did not find expected ',' or '}'"],
  ["]", "did not find expected node content"],
  ["a: 'x", "found unexpected end of stream"],
  ["'a\n---\nb'", "line 2: found unexpected document indicator"],
  ['a: "\\q"', "found unknown escape character"],
  ['a: "\\ud800"', "found invalid Unicode character escape code"],
  ["a: |x\n b", "did not find expected comment or line break"],
  ["a: |0\n b", "found an indentation indicator equal to 0"],
  ["a: >\n\tb", "line 2: found a tab character where an indentation space is expected"],
  ["a:\n  b\n\tc: d", "line 3: found a tab character that violates indentation"],
  ["a: @b", "found character that cannot start any token"],
  ["a: *", "did not find expected alphabetic or numeric character"],
  ["*x", "unknown anchor 'x' referenced"],
  ["a: !<x b", "did not find the expected '>'"],
  ["!e!x a", "found undefined tag handle"],
  ["%YAML 1.2\n---\na: 1", "found incompatible YAML document"],
  ["%FOO x\n---\na: 1", "found unknown directive name"],
  ["%TAG ! a\n%TAG ! b\n---\n", "line 1: found duplicate %TAG directive"],
  ["[a]: b", 'invalid map key: []interface {}{"a"}'],
  ["? [~]", "invalid map key: []interface {}{interface {}(nil)}"],
  // Noticed with the piece of the input that holds it, although the first document ends before.
  ["a: 1\n---\n\u0001", "control characters are not allowed"],
];

test.each(refused)("readGoYaml() refuses %j in go-yaml's words and line", (text, words) => {
  expect(readGoYaml(text)).toMatchObject({ outcome: "refused", error: `yaml: ${words}` });
});

const read: readonly (readonly [string, unknown])[] = [
  ["a: &x", { a: null }],
  ["a: 1\n...\n}{", { a: "1" }],
  [`a: 1\n---\n${" ".repeat(600)}\u0001`, { a: "1" }],
  ["a:\r  b\rc: d", { a: "b", c: "d" }],
  ['a: "\\N\\_\\x41"', { a: "\u0085\u00A0A" }],
  ["x: >+\n  a\n  b\n\n   c\n\n", { x: "a b\n\n c\n\n" }],
  ["x: |-\n   a\n    b\n", { x: "a\n b" }],
  ["x: 'a\n\n  b ''c'''", { x: "a\nb 'c'" }],
  ['x: "a \\\n  b"', { x: "a b" }],
  ["x: a\n  b\n\n  c # d", { x: "a b\nc" }],
  ["{a, b: , ? c : d, e: {f}}", { a: null, b: null, c: "d", e: { f: null } }],
  ["[a: b, ? c]", [{ a: "b" }, { c: null }]],
  ["x:\n- a\n-\n- - b\n", { x: ["a", null, ["b"]] }],
  ["x: !%41 y", { x: "y" }],
  ["x: ! yes", { x: "yes" }],
  ["[]: b", []],
];

test.each(read)("readGoYaml() reads %j as go-yaml does", (text, value) => {
  const result = readGoYaml(text);
  expect(result.outcome === "read" ? plain(result.root) : result).toEqual(value);
});

test("readGoYaml() says where it stopped, counted from 1", () => {
  expect(readGoYaml("a: 1\nb: [1,\nc: d")).toMatchObject({ position: { line: 4, column: 1 } });
  expect(readGoYaml("a: b: c")).toMatchObject({ position: { line: 1, column: 5 } });
});

function plain(node: (ReturnType<typeof readGoYaml> & { outcome: "read" })["root"]): unknown {
  switch (node.kind) {
    case "null":
      return null;
    case "number":
      return node.literal;
    case "array":
      return node.items.map(plain);
    case "object":
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
    case "boolean":
    case "string":
    default:
      return node.value;
  }
}
