import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRegex } from "./compile-regex.ts";
import { neededTexts } from "./needed-texts.ts";
import { parseRegex } from "./parse-regex.ts";
import { runs } from "../../../../test/property-runs.ts";

const PLAIN = { ignoreCase: false, multiline: false, dotAll: false };

const regex: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(
      "a",
      "b",
      "c",
      "\\.",
      ".",
      "[ab]",
      "[^a]",
      "[a-c]",
      "\\d",
      "\\w",
      "\\s",
      "^",
      "$",
      "\\b",
      "[\\w.-]",
      "-",
      "_",
    ),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => a + b),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie("node"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{0,}", "*?")).map(([a, q]) => `(?:${a})${q}`),
  ),
})).node;
const subject = fc.string({ unit: fc.constantFrom("a", "b", "c", "A", ".", "-", "_", " ", "\n", "1"), maxLength: 12 });

describe("compileRegex", () => {
  it("answers as the engine of JavaScript does", () => {
    fc.assert(
      fc.property(
        regex,
        subject,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (source, text, ignoreCase, multiline, dotAll) => {
          const compiled = compileRegex(source, { ignoreCase, multiline, dotAll });
          // JavaScript allows a group around an anchor to be repeated, and so do we.
          const flags = `${ignoreCase ? "i" : ""}${multiline ? "m" : ""}${dotAll ? "s" : ""}`;
          if (compiled.test) {
            expect(compiled.test(text)).toBe(new RegExp(source, flags).test(text));
            expect(!compiled.test(text) || Array.from(compiled.holds).every((char) => text.includes(char))).toBe(true);
          }
        },
      ),
      { numRuns: runs(2500) },
    );
  });

  it.each([
    ["[?&]dryRun=", "dryRun="],
    ["(a|b)=?c*d+", "d"],
    ["^(?:x=){2}y{0,3}$", "x="],
  ])("knows characters that every match of %s holds", (source, holds) => {
    expect(compileRegex(source, PLAIN)).toMatchObject({ holds });
  });

  it.each([
    ["[?&]dryRun=", ["dryRun="]],
    ["(AKIA|ASIA)[0-9A-Z]{16}", ["AKIA", "ASIA"]],
    ["(?:x?yyz|\\babc)d?[ef]", ["xyyzd", "xyyz", "yyzd", "yyz", "abcd", "abc"]],
    ["(?:one|more)+two*", ["one", "more"]],
    ["a*b{3}|abc", undefined],
    ["three|.", undefined],
  ])("knows texts of which every match of %s holds one", (source, texts) => {
    const needed = neededTexts(parseRegex(source, PLAIN));
    expect(needed?.toSorted()).toEqual(texts?.toSorted());
  });

  it.each([
    ["(?i)Ab.c", "xaBzC", "xaBz\nC"],
    ["(?is)Ab.c", "xaB\nC", "xaBC"],
    ["(?m)^b$", "a\nb\nc", "ab"],
    ["x(?i:ab)c", "xAbc", "xAbC"],
    ["x(a(?i)b|c)d", "xaBd", "xaBD"],
    ["x(?:(?i)a|b)d", "xBd", "xBD"],
    ["(?i)a(?-i:b)", "Ab", "AB"],
    ["(?m)^a(?-m:$)", "b\na", "a\nb"],
    ["(?P<word>ab)+(?<n>c)", "ababc", "ab"],
    ["\\Aab\\z", "ab", "ab\n"],
    ["(?m)\\Ab", "b\na", "a\nb"],
  ])("%s finds %j, and not %j: flags hold in their group, a name changes nothing", (source, found, not) => {
    const { test } = compileRegex(source, PLAIN);
    expect([test?.(found), test?.(not)]).toEqual([true, false]);
  });

  it("lets a point be whatever is no line feed, as other engines than that of JavaScript do", () => {
    const { test } = compileRegex("^curl.+sh$", PLAIN);
    const matched = ["\r", "\u2028", "\u2029", "\u0085", "\n"].filter((char) => test?.(`curl${char}sh`));
    expect(matched).toEqual(["\r", "\u2028", "\u2029", "\u0085"]);
  });

  it("knows of what ignores case the texts in whatever case, and none exactly", () => {
    const tree = parseRegex("(?i)AKIA|pass(?-i:WORD)", PLAIN);
    expect([neededTexts(tree, true), neededTexts(tree)]).toEqual([["AKIA", "passWORD"], undefined]);
  });

  it("answers about long texts with what it remembers of others, in many states", () => {
    const subjects = fc.string({
      unit: fc.constantFrom("a", "b", "c"),
      minLength: 200,
      maxLength: 400,
    });
    const source = "(a[abc]{14}b|b[abc]{13}c)z";
    const compiled = compileRegex(source, PLAIN);
    fc.assert(
      fc.property(subjects, fc.constantFrom("", "z", "\u4e2d"), (letters, ending) => {
        const text = letters + ending;
        expect(compiled.test?.(text)).toBe(new RegExp(source).test(text));
      }),
      { numRuns: runs(120) },
    );
  });

  it.each([
    ["(a+)+$", "a".repeat(50_000) + "b"],
    ["^(a|a)*$", "a".repeat(50_000) + "b"],
    ["^(.*a){12}$", "a".repeat(5_000) + "b"],
    ["a*a*a*a*a*a*b", "a".repeat(50_000)],
  ])("takes linear time for %s", (source, text) => {
    expect(compileRegex(source, PLAIN).test?.(text)).toBe(false);
  });

  it.each([
    "a{2}{3}",
    "a*{3}",
    "a{,5}",
    "a\\00",
    "[\\07]",
    "(?=a)",
    "(?!a)",
    "(?<=a)b",
    "(?<n",
    "(?)",
    "(?x)a",
    "(?#a)",
    "(a)\\1",
    "\\k<n>",
    "\\p{L}",
    "(?>a)",
    "a++",
    "(a",
    "a)",
    "[a",
    "[z-a]",
    "*a",
    "a{5,2}",
    "a{2000}",
    "^*",
    "[[:alpha:]]",
    "\\",
    "((((a{99}){99}){99}){99})",
    "(((((){999}){999}){999}){999})",
    "a".repeat(2000),
    `${"(".repeat(40)}a${")".repeat(40)}`,
    `(${"a{500}".repeat(20)})`,
  ])("refuses %.60s", (source) => {
    expect(compileRegex(source, PLAIN).refusal).toBeTruthy();
  });
});
