import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { readYaml } from "./yaml.ts";

describe("readYaml", () => {
  it.each([
    "a: 1\nb: 2\na: 3\n",
    "x: { a: 1, b: { a: 2, a: 3 } }\n",
    "- { 'a': 1, a: 2, \"a\": 3 }\n",
    "1: a\n'1': b\n0x1: c\n",
    "null: a\n~: b\n",
    "? [a]\n: 1\n? [a]\n: 2\n",
    "base: &b { x: 1 }\none: { <<: *b, <<: *b, x: 2 }\n",
    "k: &k a\n*k : 1\n*k : 2\n",
    "a: 1\n---\na: 1\nA: 2\n",
    "{ a, a }\n",
  ])("refuses the repeated keys that the library refuses: %j", (text) => {
    const library = parseAllDocuments(text, { uniqueKeys: true, merge: true, logLevel: "silent" });
    const theirs = (Array.isArray(library) ? library : []).flatMap(({ errors }) =>
      errors.map(({ message, linePos }) => [message.includes("unique"), linePos?.[0].line, linePos?.[0].col]),
    );
    const ours = readYaml(text).problems.map(({ message, line, column }) => [message.includes("unique"), line, column]);
    expect(ours).toEqual(theirs);
  });

  it("refuses very many aliases, each of which would be looked for among all", () => {
    const aliases = `a: &a x\nb: [${"*a, ".repeat(11_000)}]\n`;
    expect(readYaml(aliases).problems.map(({ id, line }) => [id, line])).toEqual([["yaml-alias", 2]]);
  });
});
