import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const RULE = `title: Nodes deleted
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: medium
logsource: { product: kubernetes, service: audit }
detection:
  selection: { verb: delete, objectRef.resource: nodes }
  condition: selection
`;
const EXCEPTION = `title: The autoscaler deletes nodes
id: 0e0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
description: It scales down at night
author: platform team
logsource: { product: kubernetes, service: audit }
auditsieve: { expires: 2999-12-31 }
filter:
  rules: [nodes]
  autoscaler: { user.username: autoscaler }
  condition: not autoscaler
---
title: Nodes are cattle here
id: 1e0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
description: Every node is replaced weekly
author: platform team
auditsieve: { override: { rules: [nodes], level: low, status: stable } }
`;
const event = (username: string): object => ({
  level: "Metadata",
  auditID: username,
  stage: "ResponseComplete",
  requestURI: "/api/v1/nodes/n",
  verb: "delete",
  user: { username },
  objectRef: { resource: "nodes", name: "n" },
  responseStatus: { code: 200 },
  requestReceivedTimestamp: "2026-11-24T01:00:00.000000Z",
  stageTimestamp: "2026-11-24T01:00:00.010000Z",
});
const caseLine = (expected: string, username: string): string =>
  `${JSON.stringify({ expect: expected, why: "because", event: event(username) })}\n`;

describe("auditsieve --exceptions", () => {
  let folder = "";
  let rule = "";
  let exceptions = "";
  let log = "";
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "auditsieve-exceptions-"));
    rule = put("nodes.yml", RULE);
    put("nodes.cases.ndjson", caseLine("hit", "eve"));
    exceptions = put("exceptions.yml", EXCEPTION);
    put("exceptions.cases.ndjson", caseLine("suppressed", "autoscaler") + caseLine("found", "autoscaler-2"));
    log = put("audit.log", ["eve", "autoscaler"].map((user) => `${JSON.stringify(event(user))}\n`).join(""));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("the example of docs/exceptions.md is sound, for the shipped detections", async () => {
    const page = readFileSync(join(ROOT, "docs/exceptions.md"), "utf8");
    const example = put("example.yml", /```yaml\n(# exceptions\.yml\n[^`]*)```/.exec(page)?.[1] ?? "");
    const now = Date.now;
    Date.now = () => Date.parse("2026-11-24T00:00:00Z");
    try {
      const { code, stdout } = await auditsieve(["detections", "check", "--exceptions", example, "--strict"]);
      expect([code, stdout]).toEqual([0, expect.stringContaining("1 exception")]);
    } finally {
      Date.now = now;
    }
  });

  test("check: says how many there are, and every problem with its line", async () => {
    const sound = await auditsieve(["detections", "check", rule, "--exceptions", exceptions, "--strict"]);
    expect(sound).toMatchObject({ code: 0, stderr: "" });
    expect(sound.stdout).toContain("0 warnings, 1 exception");
    const ended = put("ended.yml", EXCEPTION.replace("2999", "2025"));
    const late = await auditsieve(["detections", "check", rule, "--exceptions", ended, "--strict"]);
    expect(late.code).toBe(1);
    expect(late.stderr).toMatch(/ended\.yml:6:\d+: warning: .*it has ended on 2025-12-31/);
    const wrong = put("wrong.yml", EXCEPTION.replace(/author.*\n/g, ""));
    const refused = await auditsieve(["detections", "check", rule, "--exceptions", wrong]);
    expect(refused.code).toBe(1);
    expect(refused.stderr.match(/it has no author: who answers for it/g)).toHaveLength(2);
    const missing = await auditsieve(["detections", "check", rule, "--exceptions", join(folder, "no.yml")]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/no\.yml": no such file\n {2}hint: /);
  });

  test("list: another severity and maturity, and what is excused", async () => {
    const args = ["detections", "list", rule, "--exceptions", exceptions];
    expect((await auditsieve(args)).stdout).toMatch(/low +Metadata +Nodes deleted \(1 exceptions\)/);
    expect(JSON.parse((await auditsieve([...args, "--output", "json"])).stdout)).toMatchObject([
      { level: "low", status: "stable", exceptions: [{ owner: "platform team", expires: "2999-12-31", line: 8 }] },
    ]);
  });

  test("test: the cases beside exceptions, and those of detections that they hide", async () => {
    const args = ["detections", "test", rule, "--exceptions"];
    const sound = await auditsieve([...args, exceptions]);
    expect(sound).toMatchObject({ code: 0 });
    expect(sound.stdout).toContain("3 of 3 cases pass, 1 file with detections and 1 with exceptions");
    const wide = put("wide.yml", EXCEPTION.replace("autoscaler }", "'*' }"));
    put("wide.cases.ndjson", caseLine("found", "autoscaler-2"));
    const hides = await auditsieve([...args, wide]);
    expect(hides.code).toBe(1);
    expect(hides.stdout).toContain(
      'nodes.cases.ndjson:1: failed: the exception "The autoscaler deletes nodes" hides it',
    );
    expect(hides.stdout).toContain("wide.cases.ndjson:1: failed: suppressed, not found");
  });

  test("explain: which exception keeps a hit from being a finding", async () => {
    const nodes = put("explain.yml", EXCEPTION.split("---\n")[0]?.replace("rules: [nodes]", "rules: any") ?? "");
    const { code, stdout } = await auditsieve(["explain", "autoscaler", log, "--exceptions", nodes]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/hits: Node .*\n +excused by the exception "The autoscaler deletes nodes"/);
    expect(stdout).not.toMatch(/^ {2}finding/m);
  });

  test("ingest: with a configuration they stand there, and nothing is ignored in silence", async () => {
    const { code, stderr } = await auditsieve(["ingest", "-c", join(folder, "none.yaml"), "--exceptions", exceptions]);
    expect(code).toBe(2);
    expect(stderr).toContain("hint: Write exceptions: [FILE] in the configuration");
  });

  test("replay: what is excused is counted beside the findings, and is part of the evidence", async () => {
    const args = ["replay", log, "--detections", rule, "--exceptions", exceptions];
    const { code, stdout } = await auditsieve([...args, "--output", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      summary: {
        findings: 1,
        bySeverity: { low: 1, medium: 0 },
        suppressed: [{ title: "The autoscaler deletes nodes", owner: "platform team", findings: 1 }],
      },
      findings: [{ actor: "eve", detection: { level: "low" } }],
    });
    expect((await auditsieve(args)).stdout).toContain(
      "Kept out by an exception until 2999-12-31: 1 finding: The autoscaler deletes nodes",
    );
    const wrong = put("broken.yml", "title: x\n");
    const refused = await auditsieve(["replay", log, "--detections", rule, "--exceptions", wrong]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("neither a filter nor an override");
  });
});
