import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { evaluateDetection } from "../detection-engine.ts";
import { linkCorrelations } from "../definition/link-correlations.ts";
import { loadDetectionFiles, loadDetections } from "../load-detections.ts";

const HEAD = `title: T
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
`;

const EVENT: AuditEvent = {
  auditID: "a",
  level: "Metadata",
  stage: "ResponseComplete",
  requestURI: "/",
  verb: "get",
  user: {},
};

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

const waysBy = (field: string, count: number): string =>
  Array.from({ length: count }, (_, n) => `    - { ${field}: v${n}, requestObject.${field}${n}: 1 }\n`).join("");

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
      "a large selection that is named again and again",
      `${HEAD}detection:\n  s: { ${Array.from({ length: 9000 }, (_, n) => `requestObject.g${n}: 1`).join(", ")} }\n  condition: ${Array.from({ length: 500 }, () => "s").join(" and ")}\n`,
      /^error sigma-too-many 7: .*makes 9000000 tests, at most 50000/,
    ],
    [
      "very many conditions",
      `${HEAD}detection:\n  s: { verb: get }\n  condition: [${"s, ".repeat(300)}s]\n`,
      /^error sigma-too-many 7: .*301 conditions, at most 256/,
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
    [
      "regular expressions that are large together",
      detection(`{ userAgent|re: [${Array.from({ length: 200 }, () => "'(x?){600}(y*){600}$'").join(", ")}] }`),
      /^error sigma-too-many 6: .*unfold to more than 200000 steps[^\n]*$/,
    ],
    [
      "very many small regular expressions",
      detection(`{ userAgent|re: [${Array.from({ length: 9000 }, (_, n) => `'a${n}'`).join(", ")}] }`),
      /^error sigma-too-many 6: .*unfold to more than 200000 steps[^\n]*$/,
    ],
    ["a key twice", detection("{ verb: get, verb: list }"), /error yaml-syntax 6: .*keys must be unique/],
    ["a map for a value", detection("{ verb: { get: 1 } }"), /error sigma-value 6/],
    ["a number for a condition", detection("{ verb: get }", "12"), /error sigma-condition 7/],
    ["a NUL byte", detection("{ verb: 'a\0b' }"), /error yaml-character 6: .*U\+0000/],
    ["UTF-16", Buffer.from(detection("{ verb: get }"), "utf16le").toString("utf8"), /error yaml-character 1/],
    ["another encoding", Buffer.from(detection("{ verb: gét }"), "latin1").toString(), /warning yaml-character 6/],
    ["an object of another language", detection("!!python/object/apply:os.system { verb: get }"), /warning yaml-tag 6/],
    [
      "nested elements",
      detection(`${"{ a|same: ".repeat(30)}{ verb: get }${" }".repeat(30)}`),
      /error sigma-too-deep 6|error sigma-[a-z-]+ 6: .*nested/,
    ],
    [
      "very many aliases",
      `${HEAD}a: &a [[x]]\n${Array.from({ length: 5000 }, (_, n) => `k${n}: *a`).join("\n")}\n${detection("{ verb: get }").slice(HEAD.length)}`,
      /error yaml-alias/,
    ],
    [
      "spellings of spellings",
      detection(`{ userAgent|windash|base64offset|contains: '${" -a".repeat(30)}' }`),
      /error sigma-value 6: .*more than 625 values/,
    ],
    ["placeholders without values", detection(`{ userAgent|expand: '${"%a%".repeat(400)}' }`), /error sigma-value 6/],
    [
      "very many spellings together",
      detection(
        `{ userAgent|windash|base64offset|contains: [${Array.from({ length: 600 }, (_, n) => `' -a -b -c -d${n}'`).join(", ")}] }`,
      ),
      /^error sigma-too-many 6: .*more than 100000 spellings together$/,
    ],
    [
      "very many fields",
      detection(`{ ${Array.from({ length: 12_000 }, (_, n) => `k${n}: a`).join(", ")} }`),
      /warning sigma-too-many -: .*more problems than these 200[\s\S]*error sigma-too-many 6: .*more than 10000 fields/,
    ],
    [
      "very many wrong selections",
      detection(`[${"{}, ".repeat(3000)}{}]`),
      /error sigma-too-many -: .*more problems than these 200/,
    ],
    [
      "a million values",
      detection(`{ verb: [${"get,".repeat(1_100_000)}get] }`),
      /error yaml-too-large -: .*more than 4194304/,
    ],
    [
      "a very long chain of modifiers",
      detection(`{ "verb${Array.from({ length: 50_000 }, (_, n) => `|m${n}`).join("")}": get }`),
      /^error sigma-modifier 6: .*"m0" is not known$/,
    ],
    [
      "a modifier again and again",
      detection(`{ "verb${"|contains".repeat(100)}": get }`),
      /^error sigma-modifier 6: .*twice$/,
    ],
    [
      "a network of very many digits",
      detection(`{ "sourceIPs|cidr": '${"1".repeat(4000)}/8' }`),
      /^error sigma-value 6: .*not a network$/,
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

  it.each([
    [
      "ways that multiply",
      `${HEAD}detection:\n${Array.from({ length: 19 }, (_, s) => `  s${s}:\n${waysBy(["verb", "objectRef.resource", "stage"][s % 3] ?? "", 250)}`).join("")}  condition: all of s*\n`,
    ],
    [
      "ways that multiply with very many fields",
      `${HEAD}detection:\n  s:\n${waysBy("verb", 250)}  t: { ${Array.from({ length: 9000 }, (_, n) => `requestObject.g${n}: 1`).join(", ")} }\n  condition: s and t\n`,
    ],
    [
      "ways that are named again and again",
      `${HEAD}detection:\n  s:\n${waysBy("verb", 60)}  condition: ${Array.from({ length: 200 }, () => "s").join(" and ")}\n`,
    ],
  ] as const)("%s are put together within bounds", (_what, text) => {
    const started = process.cpuUsage();
    const { detections, problems } = loadDetections(text, "hostile.yml");
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(10);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(detections.map(({ needs }) => needs.map(({ request, level }) => ({ request, level })))).toEqual([
      [{ request: {}, level: "Request" }],
    ]);
  });

  it.each(["^(a+)+$", "^(a|aa)+$", "(x+x+)+y", "^((a*)*)*$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*,(.*)*;(.*)*$"])(
    "%s is matched against a megabyte in linear time",
    (source) => {
      const { detections } = loadDetections(detection(`{ "userAgent|re": '${source}' }`), "hostile.yml");
      const [one] = detections;
      if (!one) throw new Error(`Cannot load ${source}`);
      const cost = (length: number): number => {
        const started = process.cpuUsage();
        for (const userAgent of [`${"a".repeat(length)}!`, "ax".repeat(length / 2)]) {
          evaluateDetection(one, { ...EVENT, userAgent });
        }
        return process.cpuUsage(started).user / 1e6;
      };
      // A matcher that backtracks needs days for thirty characters of it.
      expect(cost(30)).toBeLessThan(5);
      expect(cost(1_000_000)).toBeLessThan(10);
    },
  );

  it.each([
    [
      "of long texts that repeat themselves",
      Array.from({ length: 250 }, (_, n) => `${"a".repeat(n + 1)}b${"a".repeat(3800)}`),
    ],
    [
      "with single characters between stars",
      Array.from({ length: 20 }, (_, n) => `${"a".repeat(2000)}?${"a".repeat(1900)}b${n}`),
    ],
  ] as const)("values %s are looked for in a long text in a time that grows with it alone", (_what, values) => {
    const { detections, problems } = loadDetections(
      detection(`{ "userAgent|contains": [${values.map((value) => `"*x*${value}"`).join(", ")}] }`),
      "hostile.yml",
    );
    expect(problems).toEqual([]);
    const started = process.cpuUsage();
    for (const one of detections) {
      expect(evaluateDetection(one, { ...EVENT, userAgent: `x${"a".repeat(60_000)}` })).toBe("miss");
    }
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(5);
  });

  it.each([
    ["of itself", [["c0", "c0"]], [5]],
    [
      "in a circle",
      [
        ["c0", "c1"],
        ["c1", "c2"],
        ["c2", "c0"],
      ],
      [5, 11, 17],
    ],
    ["of a long chain", Array.from({ length: 50 }, (_, n) => [`c${n}`, n === 49 ? "leaf" : `c${n + 1}`]), [203]],
    [
      "of a long chain, the last first",
      Array.from({ length: 50 }, (_, n) => [`c${n}`, n === 0 ? "leaf" : `c${n - 1}`]),
      [101],
    ],
  ] as const)("a correlation %s is refused with its line", (_what, links, lines) => {
    const correlations = links.map(
      ([name, rule], n) =>
        `title: ${name}\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e${20 + n}\nname: ${name}\nlevel: low\n` +
        `correlation: { type: event_count, rules: [${rule}], timespan: 1m, condition: { gte: 1 } }\n`,
    );
    const leaf = `${HEAD}name: leaf\ndetection: { s: { verb: get }, condition: s }\n`;
    const { detections, problems } = loadDetections([...correlations, leaf].join("---\n"), "hostile.yml");
    expect(problems).toEqual([]);
    const { problems: found, correlations: linked } = linkCorrelations(detections);
    expect(linked.length).toBeLessThanOrEqual(16);
    expect(found.filter(({ message }) => message.includes("it builds on")).map(({ line }) => line)).toEqual(lines);
    expect(found.every(({ file, line }) => file === "hostile.yml" && line !== undefined)).toBe(true);
  });

  it("names very many detections in filters, which are looked for soon", () => {
    const rules = Array.from(
      { length: 490 },
      (_, n) =>
        `{title: r${n}, id: r${n}, level: low, logsource: {product: kubernetes}, detection: {s: {verb: get}, condition: s}}`,
    );
    const names = Array.from({ length: 600 }, (_, n) => `n${n}`).join(",");
    const filters = Array.from(
      { length: 150 },
      (_, n) =>
        `{title: f${n}, logsource: {product: kubernetes}, filter: {rules: [${names}], s: {verb: get}, condition: s}}`,
    );
    const started = process.cpuUsage();
    const { detections, problems } = loadDetectionFiles(
      [rules, filters].map((texts, index) => ({ file: `${index}.yml`, text: texts.join("\n---\n") })),
    );
    const { user } = process.cpuUsage(started);
    expect(detections.filter(({ exceptions }) => exceptions !== undefined)).toEqual([]);
    expect(problems.filter(({ id }) => id === "sigma-filter")).toHaveLength(150 * 200);
    expect(user / 1e6).toBeLessThan(10);
  });
});
