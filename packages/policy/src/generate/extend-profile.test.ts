import { describe, expect, test } from "vitest";
import { generatePolicy } from "./generate-policy.ts";
import { loadProfile } from "./load-profile.ts";
import type { LoadedProfile } from "./load-profile.ts";

const BASE = `
name: base
summary: For tests
omitStages: [RequestReceived]
parameters:
  depth: { type: level, default: Metadata, allowed: [Metadata, Request], help: h }
  robots: { type: list, of: user, default: [robot], help: h }
notices:
  - { when: { parameter: depth, is: [Request] }, text: Deep. }
rules:
  - { id: a, reason: r, source: s, level: { set: depth }, verbs: [create] }
  - { id: b, reason: r, source: s, level: None, users: [{ set: robots }], verbs: [get] }
  - { id: c, reason: r, source: s, level: Metadata }
`;

const head = "name: own\nsummary: Own\nextends: base\n";
const rule = (id: string): string => `{ id: ${id}, reason: r, source: s, level: Request, verbs: [patch] }`;

function load(text: string, files: Readonly<Record<string, string>> = { base: BASE }): LoadedProfile {
  return loadProfile(text, {
    origin: "own",
    find: (name) => (files[name] === undefined ? undefined : { text: files[name], origin: name }),
  });
}

function idsAfter(changes: string): readonly string[] {
  const loaded = load(`${head}changes:\n${changes}`);
  expect(loaded).toMatchObject({ outcome: "loaded" });
  return loaded.outcome === "loaded" ? loaded.profile.rules.map(({ id }) => id) : [];
}

describe("loadProfile() of an extension", () => {
  test("keeps what is not mentioned", () => {
    const base = loadProfile(BASE);
    expect(load(head)).toEqual({
      outcome: "loaded",
      profile: { ...(base.outcome === "loaded" && base.profile), name: "own", summary: "Own" },
    });
  });

  test.each([
    ["before", `  - { before: b, insert: [${rule("x")}, ${rule("y")}] }`, ["a", "x", "y", "b", "c"]],
    ["after", `  - { after: b, insert: [${rule("x")}] }`, ["a", "b", "x", "c"]],
    [
      "before one just inserted",
      `  - { after: a, insert: [${rule("x")}] }\n  - { before: x, insert: [${rule("y")}] }`,
      ["a", "y", "x", "b", "c"],
    ],
  ])("inserts rules %s", (_name, changes, ids) => {
    expect(idsAfter(changes)).toEqual(ids);
  });

  test("overrides fields of a rule, and takes those away that are null", () => {
    const loaded = load(`${head}changes:\n  - { override: b, with: { reason: n, verbs: null, level: Metadata } }`);
    expect(loaded).toMatchObject({ outcome: "loaded" });
    expect(loaded.outcome === "loaded" && loaded.profile.rules[1]).toEqual({
      id: "b",
      reason: "n",
      source: "s",
      level: "Metadata",
      users: [{ set: "robots" }],
    });
  });

  test("alters, adds and takes away parameters, and drops notices that can no longer be", () => {
    const loaded = load(
      `${head}parameters:\n  depth: { allowed: [Metadata], default: Metadata }\n  robots: null\nchanges: [{ remove: b, reason: none here }]`,
    );
    expect(loaded).toMatchObject({
      outcome: "loaded",
      profile: { parameters: { depth: { type: "level", allowed: ["Metadata"], help: "h" } }, notices: [] },
    });
    expect(loaded.outcome === "loaded" && Object.keys(loaded.profile.parameters)).toEqual(["depth"]);
  });

  test("extends an extension", () => {
    const middle = `name: middle\nsummary: M\nextends: base\nchanges: [{ after: c, insert: [${rule("m")}] }]`;
    const loaded = load(`name: own\nsummary: O\nextends: middle\nchanges: [{ remove: m, reason: r }]`, {
      base: BASE,
      middle,
    });
    expect(loaded.outcome === "loaded" && loaded.profile.rules.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  test.each([
    [
      "a base that is not there",
      "name: own\nsummary: O\nextends: nope",
      'Cannot extend "nope": there is no such profile',
      3,
    ],
    [
      "an unknown rule",
      `${head}changes:\n  - { override: z, with: { reason: r } }`,
      'Cannot change the rule "z": base has no such rule',
      5,
    ],
    [
      "a rule already removed",
      `${head}changes:\n  - { remove: a, reason: r }\n  - { before: a, insert: [${rule("x")}] }`,
      'Cannot change the rule "a": base has no such rule',
      6,
    ],
    [
      "an unknown parameter",
      `${head}parameters:\n  nope: { default: None }`,
      'Cannot change the parameter "nope": base has no such parameter',
      5,
    ],
    [
      "a parameter of the wrong kind",
      `${head}parameters:\n  depth: { default: [x] }`,
      'Cannot use parameters.depth.default: one of None, Metadata, Request, RequestResponse is wanted, ["x"] is given',
      5,
    ],
    [
      "a default that is not allowed",
      `${head}parameters:\n  depth: { allowed: [Request] }`,
      'Cannot use Metadata as the default of "depth": it allows Request',
      5,
    ],
    ["an id twice", `${head}changes:\n  - { after: a, insert: [${rule("b")}] }`, 'Two rules have the id "b"', 5],
    [
      "a parameter that no rule uses",
      `${head}changes:\n  - { remove: b, reason: r }`,
      'Cannot set the parameter "robots": no rule uses it',
      undefined,
    ],
    [
      "an override without a reason",
      `${head}changes:\n  - { override: a, with: { level: None } }`,
      'Cannot use changes[0].with: the key "reason" is missing',
      5,
    ],
    [
      "an unknown reference",
      `${head}changes:\n  - { override: a, with: { reason: r, level: { set: nope } } }`,
      'Cannot use the parameter "nope" where a level is wanted: there is no such parameter',
      5,
    ],
    ["no kind of change", `${head}changes:\n  - { befor: a }`, "Cannot use changes[0].befor: no such key", 5],
  ])("refuses %s with its place", (_name, text, message, line) => {
    const loaded = load(text);
    expect(loaded.outcome).toBe("refused");
    expect(loaded.outcome === "refused" && loaded.problems[0]).toMatchObject({ message, ...(line && { line }) });
  });

  test("refuses a circle, and names it", () => {
    const other = "name: other\nsummary: O\nextends: own";
    const own = "name: own\nsummary: O\nextends: other";
    expect(load(own, { own, other })).toMatchObject({
      outcome: "refused",
      problems: [
        {
          message:
            'Cannot load "other", which own extends, line 3: Cannot extend "own": it extends this one in turn (own -> other -> own)',
        },
      ],
    });
  });

  test("says in which file a mistake of the base is", () => {
    const loaded = load(head, { base: BASE.replace("level: None", "level: none") });
    expect(loaded).toMatchObject({ outcome: "refused", problems: [{ path: "rules[1].level" }] });
    expect(loaded.outcome === "refused" && loaded.problems[0]).not.toHaveProperty("line");
    expect(loaded.outcome === "refused" && loaded.problems[0]?.message).toMatch(
      /^Cannot load "base", which own extends, line 12: /,
    );
  });
});

describe("generatePolicy() tells of levels above what is safe", () => {
  const conflicts = (rules: string): readonly string[] => {
    const loaded = loadProfile(`name: x\nsummary: s\nparameters: {}\nnotices: []\nrules:\n${rules}`);
    const generated = loaded.outcome === "loaded" ? generatePolicy(loaded.profile) : undefined;
    return generated?.outcome === "generated"
      ? generated.conflicts.map((one) => `${one.class}: ${one.level} by ${one.ruleId}, ${one.safe} is safe`)
      : ["refused"];
  };
  const all = "  - { id: all, reason: r, source: s, level: RequestResponse }";
  const guard = (resource: string, level: string, group = ""): string =>
    `  - { id: g-${resource.replace("/", "-")}, reason: r, source: s, level: ${level}, resources: [{ group: "${group}", resources: [${resource}] }] }\n`;

  test("everything whole", () => {
    expect(conflicts(all)).toEqual([
      "secrets, written: RequestResponse by all, Metadata is safe",
      "secrets, read or deleted: RequestResponse by all, Request is safe",
      "token reviews: RequestResponse by all, Metadata is safe",
      "tokens of service accounts: RequestResponse by all, Request is safe",
      "configmaps, written: RequestResponse by all, Metadata is safe",
      "configmaps, read or deleted: RequestResponse by all, Request is safe",
    ]);
  });

  test("nothing behind guards", () => {
    const guards = [
      guard("secrets", "Metadata"),
      guard("configmaps", "Metadata"),
      guard("serviceaccounts/token", "Request"),
      guard("tokenreviews", "Metadata", "authentication.k8s.io"),
    ];
    expect(conflicts(guards.join("") + all)).toEqual([]);
  });

  test("configmaps that are named one by one are meant", () => {
    const named = (resource: string): string =>
      `  - { id: n, reason: r, source: s, level: Request, verbs: [patch], resources: [{ group: "", resources: [${resource}], resourceNames: [x] }] }\n`;
    const rest = "  - { id: rest, reason: r, source: s, level: Metadata }";
    expect(conflicts(named("configmaps") + rest)).toEqual([]);
    expect(conflicts(named("secrets") + rest)).toEqual(["secrets, written: Request by n, Metadata is safe"]);
  });
});
