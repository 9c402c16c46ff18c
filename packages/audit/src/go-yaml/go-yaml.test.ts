import { describe, expect, test } from "vitest";
import { readGoYaml } from "./go-yaml.ts";
import type { SourceNode } from "./value.ts";

const scalars: readonly (readonly [string, unknown])[] = [
  ["yes", true],
  ["y", true],
  ["Off", false],
  ["NO", false],
  ["oN", "oN"],
  ["~", null],
  ["", null],
  ["Null", null],
  ["nULL", "nULL"],
  ["017", "#15"],
  ["0o17", "#15"],
  ["08", "#8"],
  ["0x1F", "#31"],
  ["-0b11", "#-3"],
  ["1_000", "#1000"],
  ["9223372036854775808", "#9223372036854775808"],
  ["1.5e3", "#1500"],
  [".5", "#0.5"],
  ["1.2.3", "1.2.3"],
  ["+.5_0", "#0.5"],
  ["2001-01-01", "2001-01-01"],
  ["2001-02-30", "2001-02-30"],
  ["'yes'", "yes"],
  ["!!str yes", "yes"],
  ["!!int '5'", "#5"],
  ["!!float 5", "#5"],
  ["!!binary aGk=", "hi"],
  ["!custom yes", "yes"],
  ["<<", "<<"],
];

test.each(scalars)("readGoYaml() reads the scalar %j as go-yaml does", (text, value) => {
  const read = readGoYaml(`- ${text}`);
  expect(read.outcome === "read" && plain(read.root)).toEqual([value]);
});

const refusals: readonly (readonly [string, string, string])[] = [
  ["a tagged scalar of another type", "!!int abc", "yaml: cannot decode !!str `abc` as a !!int"],
  ["bad base64", "!!binary '*'", "yaml: !!binary value contains invalid base64 data"],
  ["a number that JSON lacks", ".nan", "json: unsupported value: NaN"],
  ["an anchor inside itself", "&x [*x]", "yaml: anchor 'x' value contains itself"],
  ["a merge of a scalar", "{<<: 3}", "yaml: map merge requires map or sequence of maps as the value"],
  [
    "a null key",
    "{~: [a, 1.5e6]}",
    'unsupported map key of type: %!s(<nil>), key: <nil>, value: []interface {}{"a", 1.5e+06}',
  ],
  ["a map as key", "{? {b: 1} : c}", 'yaml: invalid map key: map[interface {}]interface {}{"b":1}'],
  ["control characters", "a\u0001", "yaml: control characters are not allowed"],
  ["a tab as indentation", "a:\n\tb: c", "yaml: line 2: found character that cannot start any token"],
  ["an open list", "\na: [1", "yaml: line 2: did not find expected ',' or ']'"],
];

test.each(refusals)("readGoYaml() refuses %s in go-yaml's words", (_what, text, error) => {
  expect(readGoYaml(text.startsWith("\n") || text.includes(":\n") ? text : `x: ${text}`)).toMatchObject({
    outcome: "refused",
    error,
  });
});

describe("readGoYaml()", () => {
  test("lets later keys win over merged ones and merged ones over earlier ones", () => {
    const read = readGoYaml("base: &b {k: base, l: base}\nm: {k: own, <<: *b, l: own}");
    expect(read.outcome === "read" && plain(read.root)).toMatchObject({ m: { k: "base", l: "own" } });
    expect(read).toMatchObject({
      strictError:
        'yaml: unmarshal errors:\n  line 1: key "k" already set in map\n  line 2: key "l" already set in map',
    });
  });

  test("orders keys by their bytes and prints them as text", () => {
    const read = readGoYaml("{z: 1, é: 1, 10: 1, true: 1, 1.5: 1, A: 1}");
    expect(read.outcome === "read" && Object.keys(plain(read.root) as object)).toEqual([
      "10",
      "1.5",
      "A",
      "true",
      "z",
      "é",
    ]);
  });

  test("ends with the first document, whatever follows", () => {
    expect(readGoYaml("a: 1\n---\n[").outcome).toBe("read");
    expect(readGoYaml("a: 1\n...\n}").outcome).toBe("read");
  });
});

function plain(node: SourceNode): unknown {
  switch (node.kind) {
    case "null":
      return null;
    case "number":
      return `#${node.literal}`;
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
