import { readdirSync, readFileSync } from "node:fs";
import type { Problem } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { loadPolicy } from "../load.ts";
import { LINT_RULES, lintPolicy } from "./index.ts";
import type { LintOptions } from "./index.ts";

/** Rules that say what could be better in nearly every policy. */
const ADVICE = ["rbac-bodies", "read-bodies", "credential-bodies", "stig-or-cis", "modern-noise"];

const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";

describe.each(LINT_RULES.map((rule) => [rule.id, rule] as const))("lint rule %s", (id, rule) => {
  test("complains of its bad example, with place and cure", () => {
    const found = lint(rule.bad).filter((problem) => problem.id === id);
    expect(found).not.toEqual([]);
    for (const problem of found) {
      expect(problem).toMatchObject({ line: expect.any(Number), column: expect.any(Number), hint: expect.any(String) });
      expect(problem.message).toMatch(/^Cannot .*[^.]$/);
    }
  });

  test("does not complain of its good example, which has no error of any rule", () => {
    expect(lint(rule.good).filter((problem) => problem.id === id || problem.severity === "error")).toEqual([]);
  });
});

test("LINT_RULES has every file that holds a rule, and each id once", () => {
  const files = readdirSync(new URL(".", import.meta.url)).filter((name) => {
    const text = readFileSync(new URL(name, import.meta.url), "utf8");
    return /^export const \w+: LintRule = /m.test(text) && !name.endsWith(".test.ts");
  });
  const ids = LINT_RULES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(files.filter((name) => !ids.includes(name.replace(/\.ts$/, "")))).toEqual([]);
});

describe("lintPolicy()", () => {
  const profiles = new URL("../../../../profiles/policies/", import.meta.url);
  test.each(readdirSync(profiles).filter((name) => name.endsWith(".policy.yaml")))(
    "finds no error in our own %s",
    (name) => {
      const text = readFileSync(new URL(name, profiles), "utf8");
      expect(lintText(text).filter(({ severity }) => severity === "error")).toEqual([]);
    },
  );

  test("says what a rule matches without its misspelt field, and what was meant", () => {
    const found = lint("- level: None\n  nonResourceUrls: [/healthz]\n- level: Metadata");
    const mistakes = found.filter(({ severity }) => severity === "error");
    expect(mistakes).toMatchObject([{ id: "failed-login-lost" }, { id: "unknown-field" }, { id: "shadowed-rule" }]);
    expect(mistakes[1]).toEqual({
      id: "unknown-field",
      severity: "error",
      path: "rules[0].nonResourceUrls",
      line: 5,
      column: 3,
      message:
        "Cannot use the field rules[0].nonResourceUrls: the apiserver ignores it; " +
        "rules[0] (None) now matches every request, resources and URLs alike",
      hint: "Did you mean nonResourceURLs?",
    });
  });

  test("knows where a misplaced field belongs", () => {
    const found = lint(
      '- level: Request\n  resources:\n  - group: ""\n    resources: [pods]\n    verbs: [create]\n- level: Metadata',
    );
    expect(found).toContainEqual(
      expect.objectContaining({ path: "rules[0].resources[0].verbs", hint: "Move it to the rule itself" }),
    );
  });

  test("takes a declared finding for a warning, from options or annotations", () => {
    const rules = '- level: RequestResponse\n  resources: [{group: "", resources: [secrets]}]\n- level: Metadata';
    const meant = { severity: "warning", message: expect.stringContaining("(declared: because)") };
    const found = (text: string, options: LintOptions = {}): readonly Problem[] =>
      lintText(text, options).filter(({ id }) => id === "secret-values");
    expect(found(`${head}rules:\n${rules}`)).toMatchObject([{ severity: "error" }]);
    expect(found(`${head}rules:\n${rules}`, { declared: { "secret-values": "because" } })).toMatchObject([meant]);
    const annotation = "metadata: {annotations: {lint.auditsieve.io/secret-values: because}}\n";
    expect(found(`${head}${annotation}rules:\n${rules}`)).toMatchObject([meant]);
  });

  test("cannot be told to be silent about what is no matter of taste", () => {
    const found = lint("- level: None\n  verb: [get]\n- level: Metadata", { declared: { "unknown-field": "because" } });
    expect(found).toContainEqual(expect.objectContaining({ id: "unknown-field", severity: "error" }));
  });

  test.each([
    ["values of secrets by a catch-all", "- level: RequestResponse", ["secret-values", "token-values", "token-values"]],
    ["nothing at all written", "- level: None", ["failed-login-lost", "logs-nothing", "sensitive-hidden"]],
    [
      "a rule for one user only",
      '- {level: Request, users: [ann], resources: [{group: "", resources: [secrets]}]}\n- level: Metadata',
      ["secret-values"],
    ],
    [
      "secrets under a wildcard of the core group",
      '- {level: Request, verbs: [patch], resources: [{group: "", resources: ["*"]}]}\n- level: Metadata',
      ["secret-values"],
    ],
    [
      "secrets safe behind an earlier rule",
      '- {level: Metadata, resources: [{group: "", resources: [secrets, serviceaccounts/token]}]}\n- {level: RequestResponse, resources: [{group: ""}]}\n- level: Metadata',
      [],
    ],
    [
      "exec among all verbs of changes",
      "- {level: Metadata, verbs: [create, update, patch, delete, deletecollection]}\n- {level: None, users: [ann], verbs: [get]}\n- level: None",
      ["websocket-missed", "failed-login-lost", "identity-only-drop", "sensitive-hidden", "sensitive-hidden"],
    ],
    [
      "a resource that is none",
      '- {level: Request, resources: [{group: "", resources: [pod]}]}\n- level: Metadata',
      ["wrong-group"],
    ],
    [
      "a custom group",
      "- {level: Request, resources: [{group: cert-manager.io, resources: [certificates]}]}\n- level: Metadata",
      [],
    ],
    [
      "a rule behind two that only together cover it",
      "- {level: Metadata, verbs: [get], users: [ann]}\n- {level: Metadata, verbs: [list], users: [ann]}\n- {level: Request, verbs: [get, list], users: [ann]}\n- level: Metadata",
      [],
    ],
  ])("finds in %s", (_what, rules, ids) => {
    expect(
      lint(rules)
        .map(({ id }) => id)
        .filter((id) => !ADVICE.includes(id))
        .sort(),
    ).toEqual([...ids].sort());
  });
});

function lint(rules: string, options: LintOptions = {}): readonly Problem[] {
  return lintText(`${head}rules:\n${rules}\n`, options);
}

function lintText(text: string, options: LintOptions = {}): readonly Problem[] {
  const loaded = loadPolicy(text);
  if (loaded.outcome === "refused") {
    throw new Error(loaded.error);
  }
  return lintPolicy(loaded, options);
}
