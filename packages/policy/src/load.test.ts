import { describe, expect, test } from "vitest";
import { loadPolicy } from "./load.ts";

const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
const json = (rest: string): string => `{"apiVersion":"audit.k8s.io/v1","kind":"Policy",${rest}}`;

const refusals: readonly (readonly [string, string, string])[] = [
  ["an empty file", "", "unknown group version field audit.k8s.io/__internal, Kind=Policy in policy"],
  ["no rules", `${head}rules: []`, "loaded illegal policy with 0 rules"],
  ["a rule without level", `${head}rules: [{}]`, "rules[0].level: Required value"],
  ["a null rule", `${head}rules: [null]`, "rules[0].level: Required value"],
  ["a key in the wrong case", `${head}rules: [{Level: None}]`, "rules[0].level: Required value"],
  [
    "a YAML 1.1 word where text belongs",
    `${head}rules: [{level: None, users: [yes]}]`,
    "failed decoding: json: cannot unmarshal bool into Go struct field PolicyRule.rules.users of type string",
  ],
  [
    "a number where text belongs",
    `${head}rules: [{level: None, users: [0x1f]}]`,
    "failed decoding: json: cannot unmarshal number into Go struct field PolicyRule.rules.users of type string",
  ],
  [
    "a list where an object belongs",
    `${head}rules: [{level: None, resources: [pods]}]`,
    "failed decoding: json: cannot unmarshal string into Go struct field PolicyRule.rules.resources of type v1.GroupResources",
  ],
  [
    "another kind",
    "apiVersion: audit.k8s.io/v1\nkind: PolicyList",
    "failed decoding: converting (v1.PolicyList) to (audit.Policy): unknown conversion",
  ],
  [
    "a version that is gone",
    "apiVersion: audit.k8s.io/v1beta1\nkind: Policy",
    'failed decoding: no kind "Policy" is registered for version "audit.k8s.io/v1beta1" in scheme "pkg/runtime/scheme.go:111"',
  ],
  ["three-part apiVersion", "apiVersion: a/b/c", "failed decoding: unexpected GroupVersion string: a/b/c"],
  [
    "apiVersion without version",
    "apiVersion: foo/",
    "failed decoding: Object 'apiVersion' is missing in 'apiVersion: foo/'",
  ],
  [
    "broken JSON",
    json('"rules":[{"level":"None"}],'),
    "failed decoding: couldn't get version/kind; json parse error: invalid character '}' looking for beginning of object key string",
  ],
  [
    "a wrong type in metadata",
    json('"metadata":{"labels":{"a":1}},"rules":[{"level":"None"}]'),
    "failed decoding: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
  ],
  ["a complex key", "? [a]\n: b", 'failed decoding: yaml: invalid map key: []interface {}{"a"}'],
  ["an unknown anchor", "a: *x", "failed decoding: yaml: unknown anchor 'x' referenced"],
  [
    "several errors",
    `${head}omitStages: [x]\nrules: [{level: metadata}]`,
    '[omitStages[0]: Invalid value: "x": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic, ' +
      'rules[0].level: Unsupported value: "metadata": supported values: "None", "Metadata", "Request", "RequestResponse"]',
  ],
];

test.each(refusals)("loadPolicy() refuses %s verbatim", (_what, text, error) => {
  expect(loadPolicy(text)).toMatchObject({ outcome: "refused", error });
});

const warnings: readonly (readonly [string, string, string])[] = [
  ["an unknown field", `${head}rules: [{level: None, verb: [get]}]`, 'unknown field "rules[0].verb"'],
  [
    "a nested unknown field",
    `${head}rules: [{level: None, resources: [{verbs: [get]}]}]`,
    'unknown field "rules[0].resources[0].verbs"',
  ],
  ["a stream key", `${head}stream: {}\nrules: [{level: None}]`, 'unknown field "stream"'],
  [
    "a repeated YAML key",
    `${head}rules:\n- level: None\n  level: Metadata`,
    'yaml: unmarshal errors:\n  line 5: key "level" already set in map',
  ],
  ["a repeated JSON key", json('"rules":[{"level":"None","level":"Metadata"}]'), 'duplicate field "rules[0].level"'],
];

test.each(warnings)("loadPolicy() accepts %s with the apiserver's warning", (_what, text, warning) => {
  const loaded = loadPolicy(text);
  expect(loaded.outcome).toBe("accepted");
  expect(loaded.strict?.strictError).toBe(`strict decoding error: ${warning}`);
  expect(loaded.strict?.warning).toMatch(/^Audit policy contains errors, falling back to lenient decoding: strict/);
});

describe("loadPolicy()", () => {
  test("reads only the first document", () => {
    const loaded = loadPolicy(`---\n${head}rules: [{level: None}]\n---\nnonsense: [\n`);
    expect(loaded).toMatchObject({ outcome: "accepted", strict: undefined, policy: { rules: [{ level: "None" }] } });
  });

  test("takes the last of two equal keys", () => {
    const loaded = loadPolicy(`${head}rules: [{level: None, level: Metadata}]`);
    expect(loaded).toMatchObject({ policy: { rules: [{ level: "Metadata" }] } });
  });

  test("decodes a repeated JSON list into the first, as Go does", () => {
    const loaded = loadPolicy(json('"rules":[{"level":"None","verbs":["a","b"]}],"rules":[{"verbs":["c"]}]'));
    expect(loaded).toMatchObject({ policy: { rules: [{ level: "None", verbs: ["c"] }] } });
  });

  test("follows merge keys and aliases", () => {
    const loaded = loadPolicy(`${head}rules:\n- &a {level: None, verbs: [get]}\n- {<<: *a, level: Metadata}\n`);
    expect(loaded.strict?.strictError).toContain('key "level" already set in map');
    expect(loaded).toMatchObject({ policy: { rules: [{ verbs: ["get"] }, { level: "Metadata", verbs: ["get"] }] } });
  });

  test("accepts group * from 1.36 on only", () => {
    const text = `${head}rules: [{level: None, resources: [{group: "*", resources: [pods]}]}]`;
    expect(loadPolicy(text, { kubernetesVersion: "1.36" }).outcome).toBe("accepted");
    expect(loadPolicy(text, { kubernetesVersion: "v1.35.4" })).toMatchObject({
      error: expect.stringMatching(/^rules\[0\]\.resources\.group: Invalid value: "\*": a lowercase RFC 1123/),
    });
  });

  test("gives stream values without a warning, if asked", () => {
    const text = `${head}stream: {a: 1}\nrules: [{level: None}, {level: None, stream: {b: [x]}}]`;
    expect(loadPolicy(text, { allowStream: true })).toMatchObject({
      strict: undefined,
      stream: { policy: { a: 1 }, rules: [undefined, { b: ["x"] }] },
    });
  });

  test("complains of a stream key anywhere else, even if asked", () => {
    const text = `${head}rules: [{level: None, resources: [{stream: {}}]}]`;
    expect(loadPolicy(text, { allowStream: true }).strict?.fields).toMatchObject([
      { path: "rules[0].resources[0].stream" },
    ]);
  });

  test("locates values, keys, and what is not there by its nearest ancestor", () => {
    const loaded = loadPolicy(`${head}rules:\n- level: None\n  verbs: [get]\n`);
    if (loaded.outcome === "refused") {
      throw new Error(loaded.error);
    }
    expect(loaded.source.locate(["rules", 0, "verbs", 0])).toEqual({ line: 5, column: 11 });
    expect(loaded.source.locateKey(["rules", 0, "verbs"])).toEqual({ line: 5, column: 3 });
    expect(loaded.source.locate(["rules", 0, "users"])).toEqual({ line: 4, column: 3 });
  });

  test("bounds aliases as go-yaml does", () => {
    const bomb = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(",")}]`);
    expect(loadPolicy(`a0: &a0 x\n${bomb.join("\n")}`)).toMatchObject({
      error: "failed decoding: yaml: document contains excessive aliasing",
    });
  });

  test("survives nesting that a recursive reader would not", () => {
    expect(loadPolicy(`{"a":${"[".repeat(20_000)}`)).toMatchObject({
      error: expect.stringContaining("exceeded max depth"),
    });
    expect(loadPolicy("[".repeat(200_000)).outcome).toBe("refused");
  });
});
