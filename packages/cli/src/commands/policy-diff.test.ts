import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-diff-"));
afterAll(() => rmSync(folder, { recursive: true }));

function policy(name: string, ...rules: readonly string[]): string {
  const path = join(folder, name);
  const lines = ["apiVersion: audit.k8s.io/v1", "kind: Policy", "rules:", ...rules.map((rule) => `- {${rule}}`)];
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

const older = policy("older.yaml", "level: None, users: [robot], verbs: [watch]", "level: Metadata");
const newer = policy(
  "newer.yaml",
  'level: RequestResponse, resources: [{group: "", resources: [secrets]}]',
  "level: None, nonResourceURLs: [/healthz*]",
  "level: Metadata, omitStages: [RequestReceived], namespaces: [kube-system]",
  "level: Metadata",
);

describe.concurrent("auditsieve policy diff", () => {
  test("prints the classes that change, what can be seen less first", async ({ expect }) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "diff", older, newer]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.replaceAll(`${folder}/`, "")).toMatchInlineSnapshot(`
      "older.yaml -> newer.yaml: 6 changes (less can be seen: 2, secrets come into the log: 1)

      Metadata -> None, less can be seen
        /healthz*
          old rules[1] (line 5); new rules[1] (line 5)
          but for what earlier rules decide: old rules[0]
          for example: kubectl get --raw /healthz as jane (system:authenticated)

      Metadata -> Metadata without RequestReceived, less can be seen
        every resource in the namespace kube-system
          old rules[1] (line 5); new rules[2] (line 6)
          but for what earlier rules decide: old rules[0], new rules[0]
          for example: kubectl get pods example -n kube-system as jane (system:authenticated)

      None -> RequestResponse
        watch of secrets of the core group by robot
          old rules[0] (line 4); new rules[0] (line 4)
          for example: kubectl get secrets -n default --watch-only as robot (system:authenticated)

      None -> Metadata without RequestReceived
        watch of every resource in the namespace kube-system by robot
          old rules[0] (line 4); new rules[2] (line 6)
          but for what earlier rules decide: new rules[0]
          for example: kubectl get pods -n kube-system --watch-only as robot (system:authenticated)

      None -> Metadata
        watch of every request, resources and URLs alike by robot
          old rules[0] (line 4); new rules[3] (line 7)
          but for what earlier rules decide: new rules[0-2]
          for example: kubectl get pods -n default --watch-only as robot (system:authenticated)

      Metadata -> RequestResponse
        secrets of the core group
          old rules[1] (line 5); new rules[0] (line 4)
          but for what earlier rules decide: old rules[0]
          for example: kubectl get secrets example -n default as jane (system:authenticated)
          secrets come into the log by: kubectl create secret generic example -n default as jane (system:authenticated)
      "
    `);
  });

  test("gives the same as JSON", async () => {
    const { code, stdout } = await auditsieve(["policy", "diff", older, newer, "--output", "json"]);
    const { changes, withoutEffect } = JSON.parse(stdout) as {
      readonly changes: readonly Record<string, unknown>[];
      readonly withoutEffect: readonly unknown[];
    };
    expect([code, withoutEffect]).toEqual([0, []]);
    expect(changes[0]).toEqual({
      from: { level: "Metadata", omitStages: [], omitManagedFields: false },
      to: { level: "None", omitStages: [], omitManagedFields: false },
      lessVisibility: true,
      moreSecrets: false,
      usual: true,
      summary: "/healthz*",
      requests: { nonResourceURLs: ["/healthz*"] },
      rules: { old: [1], new: [1] },
      except: { old: [0], new: [] },
      witness: {
        request: {
          user: "jane",
          groups: ["system:authenticated"],
          verb: "get",
          isResourceRequest: false,
          apiGroup: "",
          apiVersion: "",
          resource: "",
          subresource: "",
          namespace: "",
          name: "",
          path: "/healthz",
        },
        http: "GET /healthz",
        kubectl: "kubectl get --raw /healthz",
      },
      secrets: [],
    });
  });

  test("has nothing to say of a policy and itself", async () => {
    const { code, stdout } = await auditsieve(["policy", "diff", older, older, "--fail-on", "less-visibility"]);
    expect([code, stdout]).toEqual([0, `${older} -> ${older}: no changes\n`]);
  });

  test.each([
    [older, newer, "less-visibility", 1],
    [older, newer, "more-secrets", 1],
    [older, newer, "less-visibility, more-secrets", 1],
    [newer, older, "more-secrets", 0],
  ])("%s %s --fail-on %s exits by what is asked", async (from, to, failOn, expected) => {
    const { code, stderr } = await auditsieve(["policy", "diff", from, to, "--fail-on", failOn]);
    expect(code).toBe(expected);
    expect(stderr.includes("changes are what --fail-on names")).toBe(expected === 1);
  });

  test.each<[string, readonly string[], RegExp]>([
    ["a file that is not there", [older, join(folder, "absent.yaml")], /policy ".*absent.yaml": no such file/],
    [
      "a policy that no apiserver loads",
      [older, policy("bad.yaml", "level: metadata")],
      /bad.yaml:4:11: an apiserver would not start with it: rules\[0\].level: Unsupported value/,
    ],
    ["an unknown kind of change", [older, newer, "--fail-on", "noise"], /Cannot use --fail-on "noise"/],
    ["two standard inputs", ["-", "-"], /both policies are to be read from standard input/],
    ["one policy", [older], /Cannot run policy diff: <new> is missing/],
  ])("refuses %s with the place, a hint and 2", async (_name, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "diff", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("warns of what an apiserver ignores", async () => {
    const typo = policy("typo.yaml", "level: Metadata, verb: [get]");
    const { code, stderr } = await auditsieve(["policy", "diff", typo, older]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/typo.yaml:4:21: warning: .*unknown field "rules\[0\].verb"/);
  });

  test("prints nothing of a policy that acts on a terminal", async () => {
    const hostile = policy("hostile.yaml", 'level: None, users: ["\\e]0;x\\a\\e[2J"]', "level: Metadata");
    const { stdout } = await auditsieve(["policy", "diff", older, hostile]);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).not.toContain("\u0007");
    expect(stdout).toContain("\\u001b[2J");
  });

  test("shows options and examples by --help", async () => {
    const { code, stdout } = await auditsieve(["policy", "diff", "--help"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/--fail-on[^]*Examples:[^]*policy diff current.yaml/)]);
  });
});
