import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { readYaml } from "./yaml.ts";

describe("readYaml", () => {
  it.each([
    "a: 1\nb: 2\na: 3\n",
    "x: { a: 1, b: { a: 2, a: 3 } }\n",
    "- { 'a': 1, a: 2, \"a\": 3 }\n",
    "1: a\n0x1: c\n",
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

  it.each([
    ["'1': a\n1: b\n", "Map keys must be unique"],
    ["true: a\n'true': b\n", "Map keys must be unique"],
    ["a: 1\nnull: b\n", "a key is no text"],
    ["a: 1\n~: b\n", "a key is no text"],
    ["a: 1\n? [b]\n: 2\n", "a key is no text"],
    ["a: 1\n{ b: c }: 2\n", "a key is no text"],
    ["a: 1\nb: .inf\n", "a number that JSON has not"],
    ["a:\n- -1e999\n", "a number that JSON has not"],
    ["a: 1\nb: .nan\n", "a number that JSON has not"],
  ])("refuses %j, which would become another value in JSON", (text, what) => {
    const { documents, problems } = readYaml(text);
    expect(documents).toEqual([]);
    expect(problems).toMatchObject([{ id: "yaml-syntax", severity: "error", line: 2 }]);
    expect(problems[0]?.message).toContain(what);
  });

  it("names the line of the alias with which a document grows too large", () => {
    const bomb = [
      "a: &a [x, x, x, x, x, x, x, x, x]",
      "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]",
      "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]",
      "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]",
    ].join("\n");
    const place = ({ problems }: ReturnType<typeof readYaml>): unknown =>
      problems.map(({ id, line, column }) => [id, line, column]);
    expect(place(readYaml(bomb))).toEqual([["yaml-alias", 4, 8]]);
    // Up to there it is none: the alias before the named one is still taken.
    expect(readYaml(bomb.split("\n").slice(0, 3).join("\n")).problems).toEqual([]);
    expect(place(readYaml(`a: &a x\nb:\n${"  - *a\n".repeat(110)}`))).toEqual([["yaml-alias", 102, 5]]);
    expect(place(readYaml("a: &a x\n---\nb: 1\nc: [*a]\n"))).toEqual([["yaml-alias", 4, 5]]);
  });

  it.each([
    ["a: 1\nb: { <<: [x, y] }\n", "Cannot merge under << what is no map"],
    ["a: 1\nb: { <<: 1 }\n", "Cannot merge under << what is no map"],
    ["a: &a x\nb: { <<: *a }\n", "Cannot merge under << what is no map"],
    ["a: 1\nb: &b { <<: *b }\n", "stands for what it is in"],
    ["a: 1\nb: &b { c: [*b] }\n", "stands for what it is in"],
  ])("names the line of what cannot be put in: %j", (text, message) => {
    const { documents, problems } = readYaml(text);
    expect(documents).toEqual([]);
    expect(problems).toMatchObject([{ id: "yaml-alias", severity: "error", line: 2 }]);
    expect(problems[0]?.message).toContain(message);
  });

  it("refuses very many aliases, each of which would be looked for among all", () => {
    const aliases = `a: &a x\nb: [${"*a, ".repeat(11_000)}]\n`;
    expect(readYaml(aliases).problems.map(({ id, line }) => [id, line])).toEqual([["yaml-alias", 2]]);
  });

  it.each([65, 3_000, 30_000])("says of %i levels only that they are too many", (levels) => {
    const { documents, problems } = readYaml(`a: ${"[".repeat(levels)}${"]".repeat(levels)}\n`);
    expect(documents).toEqual([]);
    expect(problems.map(({ id, message }) => [id, message])).toEqual([
      ["yaml-depth", "Cannot read YAML nested deeper than 64 levels"],
    ]);
  });

  it.each([
    ["values", `a:\n${"- x\n".repeat(100_000)}`, 60_001],
    ["values in brackets", `a: [\n${" x,\n".repeat(100_000)}]`, 60_000],
    ["lines that are empty", "\n".repeat(400_000), 300_001],
  ] as const)("gives up a text of very many %s where it has too many, and soon", (_what, text, line) => {
    const started = process.cpuUsage();
    const { documents, problems } = readYaml(text);
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(10);
    expect(documents).toEqual([]);
    expect(problems).toMatchObject([{ id: "yaml-too-large", severity: "error", line }]);
  });

  it.each(
    ["binary", "timestamp", "set", "omap", "pairs", "merge"].flatMap((tag) =>
      ["aGk=", "2026-01-01", "<<", "{ x: null }", "[{ x: 1 }]"].map((value) => [tag, value] as const),
    ),
  )("refuses !!%s %s where it stands: JSON has no such value", (tag, value) => {
    const refused = [{ id: "yaml-syntax", severity: "error", line: 2, column: 4 }];
    const { documents, problems } = readYaml(`x: 1\na: !!${tag} ${value}\n`);
    expect(documents).toEqual([]);
    expect(problems).toMatchObject(refused);
    expect(problems[0]?.message).toContain(`!!${tag}`);
    expect(readYaml(`%TAG !t! tag:yaml.org,2002:\n--- \na: !t!${tag} ${value}\n`).documents).toEqual([]);
  });

  it("reads the tags of JSON's values, and of others only what stands behind them, with a warning", () => {
    const { documents, problems } = readYaml("a: !!str 12\nb: !!int '12'\nc: !!map { d: !!seq [!ours x] }\n");
    expect(documents[0]?.value).toEqual({ a: "12", b: 12, c: { d: ["x"] } });
    expect(problems).toMatchObject([{ id: "yaml-tag", severity: "warning", line: 3, column: 22 }]);
  });

  it("reads as YAML 1.2 what says that it is 1.1", () => {
    const { documents, problems } = readYaml("%YAML 1.1\n---\na: [yes, 010, 1_000, 1:30, 2026-01-01]\n");
    expect(documents[0]?.value).toEqual({ a: ["yes", 10, "1_000", "1:30", "2026-01-01"] });
    expect(problems).toEqual([]);
  });

  it("merges under << whatever version a text says it is", () => {
    const merged = "base: &b { x: 1 }\none: { <<: *b, y: 2 }\n";
    for (const text of [merged, `%YAML 1.1\n---\n${merged}`, `%YAML 1.2\n---\n${merged}`]) {
      expect(readYaml(text).documents[0]?.value).toEqual({ base: { x: 1 }, one: { x: 1, y: 2 } });
    }
  });

  it("tells the first 200 problems of a document, and that it has more", () => {
    const { problems } = readYaml("a:\n- @\n".repeat(500));
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)).toMatchObject({ id: "yaml-too-many", severity: "error" });
  });
});
