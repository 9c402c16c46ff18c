import { describe, expect, it } from "vitest";
import { loadDetections } from "../load-detections.ts";

const HEAD = `title: T
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
`;

/** What is wrong, with its place, as `detections check` says it. */
function problemsOf(text: string): readonly string[] {
  return loadDetections(text, "hostile.yml").problems.map(
    ({ severity, id, line, message }) => `${severity} ${id} ${line ?? "-"}: ${message.slice(0, 200)}`,
  );
}

const detection = (selection: string, condition = "s"): string =>
  `${HEAD}detection:\n  s: ${selection}\n  condition: ${condition}\n`;
const nested = (depth: number): string => `${"[".repeat(depth)}{verb: get}${"]".repeat(depth)}`;
const laughs = (levels: number): string =>
  Array.from({ length: levels }, (_, n) =>
    n === 0
      ? "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
      : `a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(", ")}]`,
  ).join("\n");

describe("a hostile Sigma file", () => {
  it.each([
    ["billion laughs", `${laughs(9)}\n${detection("{ verb: *a8 }")}`, /error yaml/],
    ["an alias of itself", `${HEAD}detection: &d\n  s: *d\n  condition: s\n`, /error/],
    ["deep YAML", `${HEAD}detection: ${"{a: ".repeat(5000)}1${"}".repeat(5000)}\n`, /error/],
    ["deep selections", detection(nested(200)), /error .*(?:sigma|yaml)/],
    ["deep selections just over the bound", detection(nested(12)), /error sigma-.* 6: .*nested deeper than/],
    [
      "very many values",
      detection(`{ verb: [${Array.from({ length: 20_000 }, (_, n) => `v${n}`).join(", ")}] }`),
      /error sigma-too-many 6: .*more than 10000 values/,
    ],
    ["a very long value", detection(`{ verb: ${"x".repeat(5000)} }`), /error sigma-value 6: .*5000 characters/],
    ["a very long field", detection(`{ ${"x".repeat(600)}: get }`), /error sigma-field 6/],
    [
      "very many selections",
      `${HEAD}detection:\n${Array.from({ length: 300 }, (_, n) => `  s${n}: { verb: get }`).join("\n")}\n  condition: all of s*\n`,
      /error sigma-too-many .*300 selections/,
    ],
    [
      "a very long condition",
      detection("{ verb: get }", `s ${"and s ".repeat(1000)}`),
      /error sigma-condition \d+: .*characters/,
    ],
    [
      "deep parentheses",
      detection("{ verb: get }", `${"(".repeat(100)}s${")".repeat(100)}`),
      /error sigma-condition \d+: .*nested deeper/,
    ],
    [
      "very many documents",
      Array.from({ length: 600 }, () => detection("{ verb: get }")).join("---\n"),
      /error sigma-too-many -: .*600 documents/,
    ],
    ["a back-reference", detection(String.raw`{ verb|re: '(a+)\1' }`), /error sigma-.* 6/],
    ["look-around", detection("{ verb|re: '(?=a+)+b' }"), /error sigma-.* 6/],
    ["repeats of repeats", detection("{ verb|re: '((((a{99}){99}){99}){99})' }"), /error sigma-.* 6: .*repeats itself/],
    ["a document that is a list", "[1, 2]", /error sigma-document 1/],
    [
      "keys of Object",
      `${HEAD}detection:\n  __proto__: { verb: get }\n  condition: constructor\n`,
      /error sigma-condition 7/,
    ],
    [
      "a merge key into the prototype",
      `${HEAD}detection:\n  s: { "__proto__": { verb: get } }\n  condition: s\n`,
      /(?:error|warning)/,
    ],
    ["no YAML at all", "\u0000\u0001{{{", /error/],
    [
      "a huge first-seen",
      `${detection("{ verb: get }")}auditsieve: { first-seen: { fields: [${Array.from({ length: 100 }, (_, n) => `f${n}`).join(", ")}] } }\n`,
      /error sigma-extension 8: .*at most 64/,
    ],
    [
      "a time span without end",
      `${detection("{ verb: get }")}auditsieve: { first-seen: { fields: [verb], learn: 9999999d } }\n`,
      /error sigma-extension 8/,
    ],
  ] as const)("%s is refused, with the place named, and soon", (_what, text, expected) => {
    const started = process.cpuUsage();
    const problems = problemsOf(text);
    const { user } = process.cpuUsage(started);
    expect(problems.join("\n")).toMatch(expected);
    expect(user / 1e6).toBeLessThan(10);
  });

  it("a regular expression that would backtrack is matched in linear time", () => {
    const { detections } = loadDetections(detection("{ verb|re: '^(a+)+$' }"), "hostile.yml");
    expect(detections).toHaveLength(1);
  });
});
