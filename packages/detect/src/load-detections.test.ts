import { describe, expect, test } from "vitest";
import type { Detection } from "./definition/detection.ts";
import { evaluateDetection } from "./detection-engine.ts";
import { linkCorrelations } from "./definition/link-correlations.ts";
import { loadDetectionFiles, loadDetections } from "./load-detections.ts";

test("loadDetectionFiles: documents that are given are taken; a problem in them has its place in the text", () => {
  const text = "title: T\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: low\nlogsource: { product: kubernetes }\n";
  const file = "t.yml";
  const document = {
    title: "T",
    id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
    level: "low",
    logsource: { product: "kubernetes" },
  };
  const detection = { s: { verb: "delete" }, condition: "s" };
  const sound = loadDetectionFiles([{ file, text: "never: read", documents: [{ ...document, detection }] }]);
  expect(sound.problems).toEqual([]);
  expect(sound.detections.map(({ title }) => title)).toEqual(["T"]);
  const [problem] = loadDetectionFiles([{ file, text, documents: [document] }]).problems;
  expect(problem).toMatchObject({ severity: "error", line: 1 });
  expect(problem).toEqual(loadDetectionFiles([{ file, text }]).problems[0]);
});

const RULE =
  "{title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, logsource: {product: kubernetes}, detection: {s: {verb: get}, condition: s}}";
const WINDOWS =
  "{title: W, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11, level: low, logsource: {product: windows}, detection: {s: {Image|windash|no: x}, condition: s}}";

test("loadDetectionFiles: of a folder what is about another log is left out and named, of a file that is named it is an error", () => {
  const rule = (product: string): string =>
    `{title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, logsource: {product: ${product}}, detection: {s: {verb: delete}, condition: s}}`;
  const files = [
    { file: "ours.yml", text: rule("kubernetes") },
    { file: "windows.yml", text: rule("windows") },
  ];
  const ofFolder = loadDetectionFiles(files.map((each) => ({ ...each, isOfFolder: true })));
  expect([ofFolder.problems, ofFolder.others]).toEqual([[], ["windows.yml"]]);
  expect(ofFolder.detections.map(({ file }) => file)).toEqual(["ours.yml"]);
  const named = loadDetectionFiles(files);
  expect(named.problems).toMatchObject([{ file: "windows.yml", severity: "error" }]);
  expect(named.others).toEqual([]);
});

test.each([
  ["a file of several documents, some about other logs", `${RULE}\n---\n${WINDOWS}`, ["T"], [], true],
  [
    "one whose document about this log is wrong",
    `${RULE.replace("verb:", "verb|no:")}\n---\n${WINDOWS}`,
    [],
    [1],
    true,
  ],
  ["one that forgot its log", RULE.replace("logsource", "logsuorce"), [], [1], false],
  ["what is no Sigma", "name: CI\non: push\njobs: {}", [], [], true],
  [
    "old rules for this log",
    "action: global\nlogsource: {product: kubernetes}\n---\ndetection: {s: {verb: get}, condition: s}",
    [],
    [1, 4, 4, 4, 4],
    false,
  ],
  [
    "old rules for another log",
    `action: global\nlogsource: {product: windows}\n---\ndetection: {s: {a|no: x}}`,
    [],
    [],
    true,
  ],
  ["a correlation beside rules for another log", `${WINDOWS}\n---\n{title: C, correlation: {}}`, [], [], true],
] as const)(
  "loadDetectionFiles: of a folder %s is left out or complained of as it deserves",
  (_what, text, titles, lines, isOther) => {
    const { detections, problems, others } = loadDetectionFiles([{ file: "f.yml", text, isOfFolder: true }]);
    expect(detections.map(({ title }) => title)).toEqual(titles);
    expect(problems.map(({ line }) => line)).toEqual(lines);
    expect(others).toEqual(isOther ? ["f.yml"] : []);
  },
);

test("loadDetectionFiles: an id that another detection has is an error with both places; what is loaded twice is taken once", () => {
  const rule = (title: string, verb: string): string =>
    `title: ${title}\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: low\nlogsource: { product: kubernetes }\ndetection: { s: { verb: ${verb} }, condition: s }\n`;
  const files = [
    { file: "a.yml", text: rule("A", "get") },
    { file: "copy-of-a.yml", text: rule("A", "get") },
    { file: "b.yml", text: rule("B", "list") },
  ];
  const { detections, problems } = loadDetectionFiles(files);
  expect(detections.map(({ file }) => file)).toEqual(["a.yml"]);
  expect(problems).toMatchObject([
    {
      severity: "error",
      file: "b.yml",
      line: 2,
      message: 'Cannot load detection "B": its id is that of "A" in a.yml:2',
    },
  ]);
});

test("linkCorrelations: a name means the detection of the same file, else the only one that has it", () => {
  const rule = (n: number, name: string, verb: string): string =>
    `title: ${verb}\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${n}\nname: ${name}\nlevel: low\nlogsource: { product: kubernetes }\n` +
    `detection: { s: { verb: ${verb} }, condition: s }\n`;
  const count = (n: number, name: string): string =>
    `title: C${n}\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e2${n}\nlevel: low\ncorrelation:\n  type: event_count\n  rules: [${name}]\n` +
    "  group-by: [user.username]\n  timespan: 1m\n  condition: { gte: 1 }\n";
  const files = [
    { file: "a.yml", text: [rule(1, "base", "get"), count(1, "base")].join("---\n") },
    { file: "b.yml", text: [rule(2, "base", "list"), count(2, "base")].join("---\n") },
    { file: "c.yml", text: [rule(3, "other", "watch"), count(3, "base")].join("---\n") },
    { file: "d.yml", text: count(4, "other") },
  ];
  const { correlations, problems } = linkCorrelations(loadDetectionFiles(files).detections);
  expect(
    correlations.map(({ detection, detections }) => [detection.title, ...detections.map(({ title }) => title)]),
  ).toEqual([
    ["C1", "get"],
    ["C2", "list"],
    ["C4", "watch"],
  ]);
  expect(problems).toMatchObject([
    {
      severity: "error",
      file: "c.yml",
      message: 'Cannot link correlation "C3": the name "base" is that of several detections, in a.yml and b.yml',
      hint: "Name the one that is meant by its id",
    },
  ]);
});

test("loadDetectionFiles: a processing pipeline among the files rewrites the detections of all of them, and gives placeholders their values", () => {
  const rule = `title: T
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes }
detection:
  s: { "actor|expand": "%admins%" }
  condition: s
`;
  const pipeline = `name: ours
vars: { admins: [alice, bob] }
transformations:
  - { type: field_name_mapping, mapping: { actor: user.username } }
  - { type: value_placeholders }
`;
  const event = { level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/", verb: "get" } as const;
  for (const files of [
    [
      { file: "t.yml", text: rule },
      { file: "fields.yml", text: pipeline },
    ],
    [
      { file: "fields.yml", text: pipeline, isOfFolder: true },
      { file: "t.yml", text: rule, isOfFolder: true },
    ],
  ]) {
    const { detections, problems, others } = loadDetectionFiles(files);
    expect([problems, others]).toEqual([[], []]);
    const [detection] = detections as [Detection];
    expect(evaluateDetection(detection, { ...event, user: { username: "bob" } })).toBe("hit");
    expect(evaluateDetection(detection, { ...event, user: { username: "eve" } })).toBe("miss");
  }
  const renamed = pipeline.replace("user.username", "user.uid");
  const fingerprints = [pipeline, renamed].map(
    (text) =>
      loadDetectionFiles([
        { file: "t.yml", text: rule },
        { file: "p.yml", text },
      ]).detections[0]?.fingerprint,
  );
  expect(fingerprints[0]).not.toBe(fingerprints[1]);
  const broken = loadDetectionFiles([{ file: "p.yml", text: "transformations:\n  - type: nope\n" }]);
  expect(broken.problems).toMatchObject([{ file: "p.yml", severity: "error", line: 2 }]);
  const missing = loadDetectionFiles([{ file: "t.yml", text: rule }]).problems.filter(
    ({ severity }) => severity === "error",
  );
  expect(missing).toMatchObject([{ hint: expect.stringContaining("vars: { name: [value] }") as unknown }]);
});

test("linkCorrelations warns of an alias that leaves out a rule, whose events have no group then", () => {
  const rule = (n: number): string =>
    `title: R${n}\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${n}\nname: r${n}\nlevel: low\nlogsource: { product: kubernetes }\n` +
    "detection: { s: { verb: get }, condition: s }\n";
  const correlation = (aliases: string): string =>
    "title: C\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e19\nlevel: low\ncorrelation:\n  type: temporal\n  rules: [r1, r2]\n" +
    `  group-by: [who]\n  timespan: 1m\n  aliases: { who: { ${aliases} } }\n`;
  const problemsWith = (aliases: string): readonly unknown[] =>
    linkCorrelations(
      loadDetectionFiles([{ file: "c.yml", text: [rule(1), rule(2), correlation(aliases)].join("---\n") }]).detections,
    ).problems;
  expect(problemsWith("r1: user.username, r2: impersonatedUser.username")).toEqual([]);
  expect(problemsWith("r1: user.username, r3: impersonatedUser.username")).toMatchObject([
    {
      severity: "warning",
      file: "c.yml",
      message: expect.stringContaining('alias "who" says nothing of "R2"') as unknown,
    },
  ]);
});

describe("loadDetectionFiles: of a folder a correlation in a file of its own", () => {
  const correlation = (n: number, rules: readonly string[], more: object = {}): string =>
    JSON.stringify({
      title: `C${n}`,
      name: `c${n}`,
      id: `5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e2${n}`,
      level: "low",
      correlation: { type: "temporal", rules, timespan: "5m", "group-by": ["User"], ...more },
    });
  const windows = WINDOWS.replace("title: W", "title: W, name: w");
  const load = (
    ...texts: readonly string[]
  ): { readonly problems: readonly string[]; readonly others: readonly string[] } => {
    const files = texts.map((text, index) => ({ file: `${index}.yml`, text, isOfFolder: true }));
    const { detections, problems, others } = loadDetectionFiles(files);
    const all = [...problems, ...linkCorrelations(detections).problems].filter(({ severity }) => severity === "error");
    return { problems: all.map(({ file, message }) => `${file}: ${message}`), others };
  };

  test("is left out with what it is about, also over other correlations and whatever else is wrong with it", () => {
    const files = [correlation(1, ["c2", "w"]), correlation(2, ["w"], { type: "value_median" }), RULE, windows];
    expect(load(...files)).toEqual({ problems: [], others: ["0.yml", "1.yml", "3.yml"] });
    const beside = `${RULE}\n---\n${correlation(1, ["5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11"])}`;
    expect(load(beside, windows)).toEqual({ problems: [], others: ["0.yml", "1.yml"] });
  });

  test.each([
    ["what it is about is nowhere", ["x"]],
    ["a part of it is about this log", ["w", "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10"]],
    ["a workflow has that name", ["CI"]],
    ["it is about itself", ["c1"]],
  ])("is complained of where %s", (_what, rules) => {
    const { problems, others } = load(correlation(1, rules), RULE, windows, "{name: CI, jobs: {}}");
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^0\.yml: Cannot link correlation "C1": /);
    expect(others).toEqual(["2.yml", "3.yml"]);
  });

  test("is linked where a detection of this log has the same name as one that is left out", () => {
    const ours = RULE.replace("title: T", "title: T, name: w");
    expect(load(correlation(1, ["w"]), ours, windows)).toEqual({ problems: [], others: ["2.yml"] });
  });
});

test("loadDetectionFiles: a processing pipeline is one with a byte order mark, too", () => {
  const pipeline = "\ufefftransformations: [{type: field_name_mapping, mapping: {who: user.username}}]";
  const rule = RULE.replace("verb: get", "who: ann");
  const { problems } = loadDetectionFiles(
    [
      { file: "fields.yml", text: pipeline },
      { file: "rule.yml", text: rule },
    ].map((each) => ({ ...each, isOfFolder: true })),
  );
  expect(problems).toEqual([]);
});

test("linkCorrelations refuses correlations that would count each event of a detection very often, over layers of which each names all below it", () => {
  const rule = (name: string): object => ({
    title: name,
    name,
    id: name,
    level: "low",
    logsource: { product: "kubernetes" },
    detection: { s: { verb: "get" }, condition: "s" },
  });
  const layers = (width: number): readonly object[] => {
    const names = (layer: number): readonly string[] => Array.from({ length: width }, (_, n) => `${layer}-${n}`);
    return Array.from({ length: 8 }, (_, layer) => layer).flatMap((layer) =>
      names(layer).map((name) => ({
        title: name,
        name,
        id: name,
        level: "low",
        correlation: { type: "temporal", rules: layer === 0 ? ["base"] : names(layer - 1), timespan: "5m" },
      })),
    );
  };
  const link = (width: number): ReturnType<typeof linkCorrelations> => {
    const documents = [rule("base"), rule("aside"), ...layers(width)];
    return linkCorrelations(
      loadDetections(documents.map((one) => JSON.stringify(one)).join("\n---\n"), "f.yml").detections,
    );
  };
  // 11 + 7 x 121 are within the bound, 12 + 7 x 144 are not.
  expect(link(11)).toMatchObject({ problems: [], correlations: { length: 88 } });
  expect(link(30).problems).toHaveLength(201);
  const { correlations, problems } = link(12);
  expect(correlations).toEqual([]);
  expect(problems).toHaveLength(96);
  expect(problems[0]).toMatchObject({
    file: "f.yml",
    line: 5,
    message:
      'Cannot link correlation "0-0": each event of "base" would be counted more than 1000 times, directly and over other correlations',
  });
});
