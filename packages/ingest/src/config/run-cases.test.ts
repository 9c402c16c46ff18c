import { loadDetections } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import { runCases } from "./run-cases.ts";
import { readConfig } from "./config.ts";

const DETECTION = `
title: Secrets listed
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: high
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: list, objectRef.resource: secrets }, condition: selection }
`;
const POLICY =
  "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, users: [noise] }, { level: Metadata, users: [loud] }, { level: RequestResponse }]";

describe("runCases", () => {
  test("compares what each sink would get and what would be found", () => {
    const config = read(`
tests:
  - name: noise is dropped
    event: { user: { username: noise }, verb: get, requestURI: /api/v1/pods }
    expect: { kept: dropped, found: dropped }
    findings: []
  - name: bodies of the loud are cut
    event: { user: { username: loud }, verb: create, requestURI: /api/v1/pods, level: Request, requestObject: { a: 1 } }
    expect: { kept: stripped }
  - name: a finding brings its event
    event: { user: { username: noise }, verb: list, requestURI: /api/v1/secrets, objectRef: { resource: secrets } }
    expect: { kept: delivered, found: delivered }
    findings: [5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10]
  - name: a line that is no event is kept
    line: "torn {"
    expect: { kept: delivered, found: delivered }
  - name: wrong in every way
    event: { user: { username: noise }, verb: get, requestURI: /api/v1/pods }
    expect: { kept: delivered, found: stripped }
    findings: [nothing]
`);
    expect(loadDetections(DETECTION, "d.yml").problems).toEqual([]);
    const results = runCases(config.config ?? expect.fail(JSON.stringify(config.problems)));
    expect(results.slice(0, 4).flatMap(({ differences }) => differences)).toEqual([]);
    expect(results[4]?.differences).toEqual([
      "kept: expected delivered, it is dropped (rule 0)",
      "found: expected stripped, it is dropped (its feed has only findings)",
      "expected a finding of nothing, there is none",
    ]);
  });

  test("problems of the cases have a place and a cure", () => {
    const { config, problems } = read(`
tests:
  - { name: nothing to test }
  - { name: no such sink, line: x, expect: { nowhere: dropped } }
  - { name: no such outcome, line: x, expect: { kept: eaten } }
`);
    expect(config).toBeUndefined();
    expect(problems.map(({ path, line, hint }) => [path, line, hint])).toEqual([
      ["tests[0]", 10, expect.stringContaining("event:")],
      ["tests[1].expect.nowhere", 11, expect.stringContaining("kept, found")],
      ["tests[2].expect.kept", 12, expect.stringContaining("delivered, stripped, dropped")],
    ]);
  });
});

function read(tests: string): ReturnType<typeof readConfig> {
  return readConfig(
    `cluster: test
stateFolder: /nowhere/state
sources: [{ type: stdin }]
sinks:
  - { type: file, name: kept, folder: /nowhere }
  - { type: stdout, name: found, feed: findings }

${tests}`,
    {
      env: () => undefined,
      readFile: () => "",
      policy: () => POLICY,
      detections: () => [{ file: "secrets.yml", text: DETECTION }],
    },
  );
}
