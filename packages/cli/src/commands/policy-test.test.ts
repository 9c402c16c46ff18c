import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const profile = file(
  "team.profile.yaml",
  `name: team
summary: Everything at one level
parameters:
  level: { type: level, default: Metadata, allowed: [Metadata, Request], help: how much }
notices: []
rules:
  - { id: all, reason: nothing is missed, source: none, level: { set: level } }
`,
);
const cases = file(
  "team.cases.yaml",
  `cases:
  - { request: get /livez, user: ann, level: Metadata, rule: all, why: a probe }
  - { request: list /api/v1/secrets, user: ann, set: { level: Request }, level: Request, why: as set }
`,
);
const failing = file(
  "failing.cases.yaml",
  `cases:
  - { request: get /livez, user: ann, level: Metadata, why: right }
  - { request: list /api/v1/secrets, user: ann, level: None, why: "a wish\\e[2J" }
`,
);
const policy = file("policy.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n");

describe.concurrent("auditsieve policy test", () => {
  test.each([
    ["a profile", [profile], [profile]],
    ["its cases", [cases], [cases]],
    ["a shipped profile", ["minimal"], ["minimal"]],
    ["several", [profile, join(ROOT, "profiles/policies/tiered.profile.yaml")], [profile]],
  ])("passes %s", async (_name, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "test", ...args]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of said) {
      expect(stdout).toMatch(new RegExp(`${name.replaceAll(".", "\\.")}: (\\d+) of \\1 cases pass\n`));
    }
  });

  test("names the place, the reason and the purpose of a case that fails, and exits 1", async () => {
    const { code, stdout } = await auditsieve(["policy", "test", profile, "--cases", failing]);
    expect(code).toBe(1);
    expect(stdout).toBe(
      `${failing}:3:5: failed: list /api/v1/secrets is Metadata by all: None by any rule is wanted\n` +
        `  why: a wish\\u001b[2J\n${profile}: 1 of 2 cases pass\n`,
    );
  });

  test("runs cases against a policy, and says which it cannot run", async () => {
    const { code, stdout } = await auditsieve(["policy", "test", policy, "--cases", cases, "--output", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      {
        file: policy,
        cases,
        passed: 1,
        failed: 0,
        skipped: 1,
        results: [
          { request: "get /livez", why: "a probe", line: 2, outcome: "passed", reason: null },
          {
            request: "list /api/v1/secrets",
            why: "as set",
            line: 3,
            outcome: "skipped",
            reason: "it sets level, which a policy has not",
          },
        ],
      },
    ]);
    const text = await auditsieve(["policy", "test", policy, "--cases", cases]);
    expect(text.stdout).toContain("1 of 2 cases pass, 1 skipped (they set parameters of a profile)");
  });

  test.each<[string, readonly string[], RegExp]>([
    ["a policy without cases", [policy], /it is no profile, and a policy has no cases beside it/],
    ["a profile that is not there", [join(folder, "no.profile.yaml")], /no.profile.yaml": no such file/],
    [
      "a profile without cases",
      [file("lone.profile.yaml", "name: lone\n")],
      /Cannot read the profile at .*lone.profile.yaml:1:1: .*"summary" is missing \(and \d more\)/,
    ],
    [
      "cases of another shape",
      [profile, "--cases", file("bad.cases.yaml", "cases:\n  - { request: get /x, level: metadata, why: y }\n")],
      /Cannot read the cases at .*bad.cases.yaml:2:31: .*one of None, Metadata/,
    ],
    ["an empty cases file", [profile, "--cases", file("empty.cases.yaml", "")], /Cannot read the cases at/],
    [
      "a policy that no apiserver loads",
      [file("bad.yaml", "rules: []\n"), "--cases", cases],
      /would not start with it/,
    ],
  ])("refuses %s with the place, a hint and 2", async (_name, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "test", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("does the rest where one file cannot be read", async () => {
    const { code, stdout } = await auditsieve(["policy", "test", join(folder, "no.profile.yaml"), profile]);
    expect([code, stdout]).toEqual([2, `${profile}: 2 of 2 cases pass\n`]);
  });

  test("shows options and examples by --help", async () => {
    const { code, stdout } = await auditsieve(["policy", "test", "--help"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/--cases[^]*Examples:[^]*team.profile.yaml/)]);
  });
});
