import { describe, expect, test } from "vitest";
import { generatePolicy } from "./generate-policy.ts";
import { loadProfile } from "./load-profile.ts";
import type { Profile } from "./profile.ts";

const profile: Profile = {
  name: "test",
  summary: "A profile for tests.",
  parameters: {
    secrets: { type: "level", default: "RequestResponse", allowed: ["Metadata", "RequestResponse"], help: "Secrets" },
    kinds: { type: "list", of: "resource", default: [], help: "Kinds" },
    robots: { type: "list", of: "user", default: ["robot"], help: "Robots" },
    places: { type: "list", of: "namespace", default: [], help: "Places" },
  },
  notices: [
    {
      when: { parameter: "secrets", is: ["RequestResponse"] },
      declares: "secret-values",
      text: "Secret values will stand in the log.",
    },
  ],
  rules: [
    { id: "kinds", reason: "r", source: "s", level: "Request", resources: [{ set: "kinds" }] },
    { id: "places", reason: "r", source: "s", level: "Request", namespaces: [{ set: "places" }] },
    {
      id: "secrets",
      reason: "r",
      source: "s",
      level: { set: "secrets" },
      resources: [{ group: "", resources: ["secrets"] }],
    },
    { id: "robots", reason: "r", source: "s", level: "None", users: [{ set: "robots" }], verbs: ["watch"] },
    { id: "rest", reason: "Why it is there", source: "Where from", level: "Metadata" },
  ],
};

describe("generatePolicy()", () => {
  test("leaves out a rule whose list came out empty: it would match everything", () => {
    expect(generatePolicy(profile)).toMatchObject({ ruleIds: ["secrets", "robots", "rest"] });
    expect(generatePolicy(profile, { set: { robots: "" } })).toMatchObject({ outcome: "refused" });
  });

  test("groups resources that are given as kubectl writes them", () => {
    const generated = generatePolicy(profile, { set: { kinds: "configmaps, deployments.apps,pods/log,jobs.batch" } });
    expect(generated).toMatchObject({
      policy: {
        rules: [
          {
            resources: [
              { group: "", resources: ["configmaps", "pods/log"] },
              { group: "apps", resources: ["deployments"] },
              { group: "batch", resources: ["jobs"] },
            ],
          },
          {},
          {},
          {},
        ],
      },
    });
  });

  test("gives notices only for the values that they are about, and declares them in the policy", () => {
    const loud = generatePolicy(profile);
    const quiet = generatePolicy(profile, { set: { secrets: "Metadata" } });
    expect(loud).toMatchObject({ notices: ["Secret values will stand in the log."] });
    expect(loud.outcome === "generated" && loud.text).toContain('"lint.auditsieve.io/secret-values": "Secret values');
    expect(quiet).toMatchObject({ notices: [] });
    expect(quiet.outcome === "generated" && quiet.text).not.toContain("annotations");
  });

  test("writes reason and source above each rule", () => {
    const generated = generatePolicy(profile);
    expect(generated.outcome === "generated" && generated.text).toContain(
      "\n  # rest: Why it is there\n  # Source: Where from\n  - level: Metadata\n",
    );
  });

  test.each([
    [{ nope: "1" }, 'Cannot set "nope": the profile test has no such parameter'],
    [{ secrets: "Request" }, 'Cannot set "secrets" to "Request": not one of its levels'],
    [{ robots: "system:*" }, 'Cannot set "robots" to "system:*": no name of a user'],
    [{ places: "Prod" }, 'Cannot set "places" to "Prod": no name of a namespace'],
    [{ kinds: "*" }, 'Cannot set "kinds" to "*": no name of a resource'],
    [{ constructor: "1" }, 'Cannot set "constructor": the profile test has no such parameter'],
  ])("refuses %j", (set, message) => {
    expect(generatePolicy(profile, { set })).toMatchObject({ outcome: "refused", problems: [{ message }] });
  });
});

const head = "name: x\nsummary: y\nparameters: {}\nnotices: []\n";
const rule = "id: a, reason: b, source: c, level: Metadata";

test.each([
  ["an empty file", "", "Cannot read the profile: the file is empty", undefined],
  [
    "a missing key",
    `${head}rules: [{id: a, source: c, level: None}]`,
    'Cannot use rules[0]: the key "reason" is missing',
    5,
  ],
  ["an unknown key", `${head}rules:\n  - {${rule}, verb: [get]}`, "Cannot use rules[0].verb: no such key", 6],
  [
    "an empty list",
    `${head}rules:\n  - {${rule}, verbs: []}`,
    "Cannot use rules[0].verbs: an empty list restricts nothing",
    6,
  ],
  [
    "an unknown parameter",
    `${head}rules:\n  - {${rule}, users: [{set: u}]}`,
    'Cannot use the parameter "u" where a user is wanted: there is no such parameter',
    6,
  ],
  ["two rules of one id", `${head}rules:\n  - {${rule}}\n  - {${rule}}`, 'Two rules have the id "a"', 7],
  ["no YAML", "a: [", undefined, undefined],
])("loadProfile() refuses %s with its place", (_what, text, message, line) => {
  const loaded = loadProfile(text);
  expect(loaded.outcome).toBe("refused");
  expect(loaded).toMatchObject({ problems: [{ ...(message && { message }), ...(line && { line }) }] });
});
