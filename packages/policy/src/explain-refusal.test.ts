import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { explainRefusal } from "./explain-refusal.ts";
import { loadPolicy } from "./load.ts";

const HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
const problemsOf = (text: string, kubernetesVersion = "1.37"): ReturnType<typeof explainRefusal> => {
  const loaded = loadPolicy(text, { kubernetesVersion });
  return loaded.outcome === "refused" ? explainRefusal(loaded) : [];
};

describe("explainRefusal", () => {
  it.each([
    ["no level", `${HEAD}rules:\n- verbs: [get]\n`, 4, /a level/],
    ["a level in small letters", `${HEAD}rules:\n- level: metadata\n`, 4, /Levels are written/],
    ["a strange stage", `${HEAD}omitStages: [Received]\nrules: [{level: None}]\n`, 3, /Stages are written/],
    [
      "URLs and resources",
      `${HEAD}rules:\n- level: None\n  nonResourceURLs: [/x]\n  resources: [{group: ""}]\n`,
      5,
      /two rules/,
    ],
    ["a URL without a slash", `${HEAD}rules:\n- level: None\n  nonResourceURLs: [healthz]\n`, 5, /with a slash/],
    ["a star in a URL", `${HEAD}rules:\n- level: None\n  nonResourceURLs: ["/a*b"]\n`, 5, /at the end/],
    [
      "a group with its version",
      `${HEAD}rules:\n- level: None\n  resources:\n  - group: apps/v1\n`,
      6,
      /without its version/,
    ],
    [
      "names without a resource",
      `${HEAD}rules:\n- level: None\n  resources:\n  - resourceNames: [a]\n`,
      6,
      /resources beside/,
    ],
    ["no rules", `${HEAD}rules: []\n`, 3, /Add rules/],
    ["no apiVersion", "rules: [{level: None}]\n", 1, /Begin with apiVersion/],
    ["an old version", HEAD.replace("v1\n", "v1beta1\n"), 1, /v1beta1 and v1alpha1 are gone/],
    ["a user called yes", `${HEAD}rules:\n- level: None\n  users: [yes]\n`, undefined, /in quotes/],
    ["a single verb", `${HEAD}rules:\n- level: None\n  verbs: get\n`, undefined, /A list is wanted/],
    ["rules that are a map", `${HEAD}rules: {level: None}\n`, undefined, /with a dash/],
    ["no YAML", `${HEAD}rules: [\n`, expect.any(Number), /no sound YAML/],
  ])("says what to do about %s", (_, text, line, hint) => {
    const [problem] = problemsOf(text);
    expect(problem).toMatchObject({ id: "refused", severity: "error" });
    expect(problem?.line).toEqual(line);
    expect(problem?.hint).toMatch(hint);
  });

  it("knows the first version that takes group *", () => {
    const text = `${HEAD}rules:\n- level: None\n  resources: [{group: "*"}]\n`;
    expect(problemsOf(text)).toEqual([]);
    expect(problemsOf(text, "1.35")[0]?.hint).toMatch(/1\.36 or later/);
  });

  it("names every error, each with its place", () => {
    const text = `${HEAD}rules:\n- verbs: [get]\n- level: None\n  omitStages: [x]\n`;
    expect(problemsOf(text).map(({ path, line }) => [path, line])).toEqual([
      ["rules[0].level", 4],
      ["rules[1].omitStages[0]", 6],
    ]);
  });

  it("has advice of its own for every error that the recorded answers of upstream hold", () => {
    const vectors = zstdDecompressSync(readFileSync(new URL("../fixtures/policy-vectors.jsonl.zst", import.meta.url)));
    const texts = vectors.toString().trim().split("\n");
    const hints = texts.flatMap((line) => problemsOf((JSON.parse(line) as { policy: string }).policy));
    expect(hints.length).toBeGreaterThan(150);
    expect(hints.filter(({ hint }) => hint?.startsWith("Compare it")).map(({ message }) => message)).toEqual([]);
  });
});
