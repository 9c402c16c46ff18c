import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-minimise-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, ["apiVersion: audit.k8s.io/v1", "kind: Policy", ...lines, ""].join("\n"));
  return path;
}

const long = file(
  "long.yaml",
  'metadata: {name: mine, annotations: {"lint.auditsieve.io/secret-values": wanted}}',
  "omitStages: [RequestReceived]",
  "rules:",
  '- {level: None, users: [ann], resources: [{group: "", resources: [pods, "pods/*"]}]}',
  '- {level: None, users: [bob], resources: [{group: "", resources: ["pods/*"]}]}',
  "- {level: Metadata, verbs: [get], omitStages: [RequestReceived]}",
  "- {level: Metadata}",
  "- {level: Request, verbs: [create]}",
);

describe.concurrent("auditsieve policy minimise", () => {
  test("prints the policy, and says on stderr what was left out", async ({ expect }) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "minimise", long]);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "apiVersion: audit.k8s.io/v1
      kind: Policy
      metadata: {"annotations":{"lint.auditsieve.io/secret-values":"wanted"},"name":"mine"}
      omitStages: ["RequestReceived"]
      rules:
        # Was rules[0], rules[1]
        - level: None
          users: ["ann", "bob"]
          resources:
            - group: ""
              resources: ["pods/*"]
        # Was rules[3]
        - level: Metadata
      "
    `);
    expect(stderr).toMatchInlineSnapshot(`
      "auditsieve: rules[4] (line 10) is left out: it decides no request
      auditsieve: rules[2] (line 8) is left out: later rules decide the same
      auditsieve: rules[0] (line 6): "pods" of resources[0].resources is left out: it makes no difference
      auditsieve: rules[1] (line 7) is joined with rules[0]
      auditsieve: 5 rules before, 2 now: every request is decided alike
      "
    `);
  });

  test("prints what policy diff finds no change in, and what it would not shorten again", async () => {
    const { stdout } = await auditsieve(["policy", "minimise", long]);
    const diff = await auditsieve(["policy", "diff", long, "-"], stdout);
    expect(diff.stdout).toBe(`${long} -> standard input: no changes\n`);
    const again = await auditsieve(["policy", "minimise", "-"], stdout);
    expect(again.stderr).toBe("auditsieve: 2 rules before, 2 now: every request is decided alike\n");
  });

  test("gives the same as JSON", async () => {
    const { code, stdout } = await auditsieve(["policy", "minimise", long, "--output", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      policy: expect.stringContaining("kind: Policy"),
      rules: { before: 5, after: 2 },
      omissions: expect.arrayContaining([{ kind: "unreachable", rule: 4, line: 10 }]),
    });
  });

  test.each<[string, readonly string[], RegExp]>([
    ["a policy that is not there", [join(folder, "absent.yaml")], /absent.yaml": no such file/],
    [
      "a policy that no apiserver loads",
      [file("bad.yaml", "rules:", "- level: x")],
      /bad.yaml:4:10: an apiserver would not/,
    ],
    [
      "a stream policy",
      [file("stream.yaml", "rules:", "- level: None", "  stream: {codes: [200]}", "- level: Metadata")],
      /it has conditions on the stream, which would be lost/,
    ],
  ])("refuses %s with the place, a hint and 2", async (_name, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "minimise", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("shows options and examples by --help", async () => {
    const { code, stdout } = await auditsieve(["policy", "minimise", "--help"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/--output[^]*Examples:[^]*shorter.yaml/)]);
  });
});
