import { linkCorrelations } from "@auditsieve/detect";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";
import { shippedDetections } from "../shipped.ts";
import { describeCoverage } from "./policy-coverage.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-coverage-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n";

// Each detection under one policy; the slow tier has all pairs.
describeCoverage((policy, detection) => (policy + detection) % 8 === 0);

const EVERYTHING = file("all.yaml", `${HEAD}- level: RequestResponse\n`);
const NOTHING = file("nothing.yaml", `${HEAD}- level: None\n`);

describe.concurrent("auditsieve policy coverage", () => {
  test("knows that a policy of everything sees all, and one of nothing is blind", async () => {
    const [all, nothing] = await Promise.all([
      auditsieve(["policy", "coverage", EVERYTHING, "--output", "json"]),
      auditsieve(["policy", "coverage", NOTHING, "--output", "json", "--fail-on", "blind"]),
    ]);
    const documents = shippedDetections();
    const shown = documents.length - linkCorrelations(documents).silent.size;
    const counts = (stdout: string): Record<string, number> =>
      (JSON.parse(stdout) as { counts: Record<string, number> }).counts;
    expect([all.code, nothing.code]).toEqual([0, 1]);
    expect(counts(all.stdout)).toEqual({ sees: shown, partly: 0, "without body": 0, blind: 0 });
    expect(counts(nothing.stdout)).toEqual({ sees: 0, partly: 0, "without body": 0, blind: shown });
  });

  test("prints a table with the reason, the witness and the rule", async () => {
    const detection = file(
      "exec.yml",
      "title: Exec\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: high\nlogsource: { product: kubernetes, service: audit }\n" +
        "detection: { selection: { verb: [get, create], objectRef.resource: pods, objectRef.subresource: exec }, condition: selection }\n",
    );
    const policy = file(
      "exec-policy.yaml",
      `${HEAD}- {level: Metadata, verbs: [create]}\n- {level: None, users: [robot]}\n- {level: None, verbs: [get]}\n`,
    );
    const { code, stdout } = await auditsieve(["policy", "coverage", policy, "--detections", detection]);
    expect(code).toBe(0);
    expect(Buffer.from(stdout, "latin1").toString("utf8")).toBe(`              detections    share
sees                   0    0.0 %
partly                 1  100.0 %  ████████████████████
without body           0    0.0 %
blind                  0    0.0 %

answer  severity  detection
partly  high      Exec

partly: Exec
  not written: get pods/exec in default by robot: rules[1] is None
  not written: get pods/exec in default by jane: rules[2] is None
`);
  });

  test("asks of a correlation for the bodies that it measures, though its detection does without", async () => {
    const detection = file(
      "sum.yml",
      `title: Scaled
name: scaled
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: patch, objectRef.resource: deployments }, condition: s }
---
title: Much scaled
id: 6f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
correlation:
  type: value_sum
  rules: [scaled]
  group-by: [user.username]
  timespan: 1m
  condition: { field: requestObject.spec.replicas, gte: 3 }
`,
    );
    const answers = await Promise.all(
      ["Metadata", "Request"].map(async (level) => {
        const policy = file(`${level}.yaml`, `${HEAD}- level: ${level}\n`);
        const { stdout } = await auditsieve([
          "policy",
          "coverage",
          policy,
          "--detections",
          detection,
          "--output",
          "json",
        ]);
        return (JSON.parse(stdout) as { counts: Record<string, number> }).counts;
      }),
    );
    const none = { sees: 0, partly: 0, "without body": 0, blind: 0 };
    expect(answers).toEqual([
      { ...none, "without body": 1 },
      { ...none, sees: 1 },
    ]);
  });

  test("does not count a noise rule against a detection that can never hit on it", async () => {
    const detection = file(
      "anonymous.yml",
      "title: Anonymous\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11\nlevel: high\nlogsource: { product: kubernetes, service: audit }\n" +
        "detection: { selection: { user.username: 'system:anonymous' }, condition: selection }\n",
    );
    const policy = file(
      "noise.yaml",
      `${HEAD}- {level: None, users: ["system:kube-scheduler"], verbs: [watch]}\n- {level: None, userGroups: ["system:nodes"]}\n- level: Metadata\n`,
    );
    const { stdout } = await auditsieve(["policy", "coverage", policy, "--detections", detection]);
    expect(stdout).toMatch(/^sees +1 /m);
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no policy", ["absent.yaml"], /policy "absent.yaml": no such file/],
    ["a policy that is none", ["package.json"], /Cannot load the policy/],
    [
      "a detection that is not there",
      [EVERYTHING, "--detections", "absent.yml"],
      /detections "absent.yml": no such file/,
    ],
    ["a folder without detections", [EVERYTHING, "--detections", "samples"], /Cannot find a detection in "samples"/],
    ["a detection that is none", [EVERYTHING, "--detections", EVERYTHING], /all.yaml:\d+:\d+: /],
  ];
  test.each(refusals)("refuses %s with place, cure and 2", async (_what, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "coverage", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("shows its options and examples", async () => {
    const { code, stdout } = await auditsieve(["policy", "coverage", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:");
  });
});
