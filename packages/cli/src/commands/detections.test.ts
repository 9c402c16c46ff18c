import { linkCorrelations } from "@auditsieve/detect";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";
import { shippedDetections } from "../shipped.ts";
import { detectionsPage } from "./detections-page.ts";

describe("detectionsPage()", () => {
  const file = join(ROOT, "docs/detections.md");
  const detections = shippedDetections();
  const { silent } = linkCorrelations(detections);

  test("is what stands in docs/detections.md", () => {
    const page = detectionsPage(detections.filter((one) => !silent.has(one)));
    if (process.env["UPDATE_GOLDEN"] !== undefined) {
      writeFileSync(file, page);
    }
    expect(readFileSync(file, "utf8"), "regenerate with UPDATE_GOLDEN=1").toBe(page);
  });
});

const RULE = `title: Nodes deleted
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: medium
tags: [attack.t1485]
logsource: { product: kubernetes, service: audit }
detection:
  selection: { verb: delete, objectRef.resource: nodes, responseStatus.code: 200 }
  condition: selection
`;
const WINDOWS = RULE.replace("product: kubernetes, service: audit", "product: windows").replace("5f0d8a3c", "6f0d8a3c");
const EVENT = {
  level: "Metadata",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/api/v1/nodes/n",
  verb: "delete",
  user: { username: "eve" },
  objectRef: { resource: "nodes", name: "n" },
  responseStatus: { code: 200 },
};
const caseLine = (expected: string, change: object = {}): string =>
  `${JSON.stringify({ expect: expected, why: "because", event: { ...EVENT, ...change } })}\n`;

describe("auditsieve detections", () => {
  let folder = "";
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "auditsieve-detections-"));
    for (const name of ["sound", "broken", "nocases"]) {
      mkdirSync(join(folder, name));
    }
    put("sound/nodes.yml", RULE);
    put("sound/windows.yml", WINDOWS);
    put("sound/nodes.cases.ndjson", caseLine("hit") + caseLine("miss", { verb: "get" }));
    put("nocases/nodes.yml", RULE);
    put("broken/field.yml", RULE.replace("objectRef.resource", "objectRef.resorce"));
    put("broken/level.yml", RULE.replace("level: medium", "level: grave").replace("5f0d", "7f0d"));
    put("windows.yml", WINDOWS);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("list: a folder of rules, with those about other logs counted", async () => {
    const { code, stdout } = await auditsieve(["detections", "list", join(folder, "sound")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/medium +Metadata +T1485 +Nodes deleted/);
    expect(stdout).toContain("1 detection; about other logs: 1 file");
  });

  test("list: ours by their name, beside others", async () => {
    const [named, both] = await Promise.all(
      [["shipped"], ["shipped", join(folder, "sound")]].map(async (paths) => {
        const { stdout } = await auditsieve(["detections", "list", ...paths, "--output", "json"]);
        return JSON.parse(stdout) as readonly object[];
      }),
    );
    expect(named).toHaveLength(shippedDetections().length - linkCorrelations(shippedDetections()).silent.size);
    expect(both).toHaveLength((named?.length ?? 0) + 1);
  });

  test("list: what is no file and no folder of Sigma files", async () => {
    const none = await auditsieve(["detections", "list", join(folder, "none")]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("no such file or folder")]);
    mkdirSync(join(folder, "empty"));
    const empty = await auditsieve(["detections", "list", join(folder, "empty")]);
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining("it holds no .yml file")]);
  });

  test("check, replay and the daemon say of a faulty rule of a folder how to go on without it, and do", async () => {
    const faulty = join(folder, "broken/level.yml");
    const left = `!${faulty}`;
    const config = put(
      "auditsieve.yaml",
      `cluster: c\nstateFolder: ${folder}/state\nsources: [{ type: stdin }]\nsinks: [{ type: stdout }]\ndetections: ["${join(folder, "broken")}", "LEFT"]\n`,
    );
    const log = put("audit.log", `${JSON.stringify(EVENT)}\n`);
    const without = readFileSync(config, "utf8").replace(', "LEFT"', "");
    const runs: readonly (readonly [readonly string[], number])[] = [
      [["detections", "check", join(folder, "broken")], 1],
      [["detections", "list", join(folder, "broken")], 2],
      [["replay", log, "--detections", join(folder, "broken")], 2],
      [["ingest", "--check", "-c", put("without.yaml", without)], 2],
    ];
    for (const [args, expected] of runs) {
      const { code, stderr } = await auditsieve(args);
      expect([args[0], code, stderr]).toEqual([args[0], expected, expect.stringContaining(left)]);
    }
    put("auditsieve.yaml", readFileSync(config, "utf8").replace("LEFT", left));
    const going: readonly (readonly string[])[] = [
      ["detections", "check", join(folder, "broken"), left],
      ["detections", "list", left, join(folder, "broken")],
      ["replay", log, "--detections", join(folder, "broken"), "--detections", left],
      ["ingest", "--check", "-c", config],
    ];
    for (const args of going) {
      const { code, stderr } = await auditsieve(args);
      expect([args[0], code, stderr]).toEqual([args[0], 0, expect.not.stringContaining("level.yml")]);
    }
  });

  test("list --output json: what programs need, of ours", async () => {
    const { code, stdout } = await auditsieve(
      "detections list --min-level high --technique t1552 --output json".split(" "),
    );
    expect(code).toBe(0);
    const listed = JSON.parse(stdout) as { id: string; level: string; techniques: string[]; needs: object[] }[];
    expect(listed.length).toBeGreaterThan(0);
    for (const one of listed) {
      expect(["high", "critical"]).toContain(one.level);
      expect(one.techniques.some((technique) => technique.startsWith("T1552"))).toBe(true);
      expect(one.needs).not.toEqual([]);
    }
  });

  test("check: every problem with file, line and cure, and the exit code", async () => {
    const { code, stdout, stderr } = await auditsieve(["detections", "check", join(folder, "broken")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/field\.yml:7:\d+: warning: .*no audit event has a field "objectRef\.resorce"/);
    expect(stderr).toContain('hint: Did you mean "objectRef.resource"?');
    expect(stderr).toMatch(/level\.yml:3:\d+: Cannot load detection "Nodes deleted": its level "grave"/);
    expect(stdout).toContain("1 sound detection in 2 files, 1 error, 1 warning");
  });

  test("check: warnings count with --strict, and a file that is named must be ours", async () => {
    const typo = join(folder, "broken/field.yml");
    expect((await auditsieve(["detections", "check", typo])).code).toBe(0);
    expect((await auditsieve(["detections", "check", typo, "--strict"])).code).toBe(1);
    expect((await auditsieve(["detections", "check", join(folder, "windows.yml")])).code).toBe(1);
    expect((await auditsieve(["detections", "check", join(folder, "nothing.yml")])).code).toBe(2);
    const { code, stdout } = await auditsieve(["detections", "check", join(folder, "broken"), "--output", "json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ files: 2, detections: 1, problems: [{ line: 7 }, { line: 3 }] });
  });

  test("check --pipeline: other field names", async () => {
    const pipeline = put(
      "fields.yml",
      "name: t\npriority: 1\ntransformations:\n  - type: field_name_mapping\n    mapping: { objectRef.resorce: objectRef.resource }\n",
    );
    const args = ["detections", "check", join(folder, "broken/field.yml"), "--strict", "--pipeline", pipeline];
    expect((await auditsieve(args)).code).toBe(0);
  });

  test("check -, check --pipeline -: standard input is called that", async () => {
    const input = "- nothing\n";
    const check = await auditsieve(["detections", "check", "-"], input);
    expect([check.code, check.stderr]).toEqual([1, expect.stringMatching(/^standard input:1:1: Cannot load/)]);
    const pipeline = await auditsieve(["detections", "check", "--pipeline", "-"], input);
    expect([pipeline.code, pipeline.stderr]).toEqual([2, expect.stringMatching(/^standard input:1:1: Cannot load/)]);
  });

  test("check --pipeline: every problem of pipelines with its place", async () => {
    const one = put("one.yml", "transformations:\n  - { type: foo }\n  - { type: bar }\n");
    const other = put("other.yml", "vars: [1]\n");
    const args = ["detections", "check", "--pipeline", one, "--pipeline", other];
    const { code, stderr } = await auditsieve(args);
    expect(code).toBe(2);
    expect(stderr.split("\n").filter((line) => !line.startsWith("  hint"))).toEqual([
      `${one}:2:13: Cannot load pipeline "${one}": its type "foo" is not known`,
      `${one}:3:13: Cannot load pipeline "${one}": its type "bar" is not known`,
      `${other}:1:7: Cannot load pipeline "${other}": its vars are no map of texts or lists of texts`,
      "auditsieve: Cannot use the pipelines: 3 problems",
      "",
    ]);
  });

  test("test: the cases beside, and what fails with its line", async () => {
    expect(await auditsieve(["detections", "test", join(folder, "sound")])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("2 of 2 cases pass") as string,
    });
    copyFileSync(join(folder, "sound/nodes.yml"), join(folder, "wrong.yml"));
    put("wrong.cases.ndjson", caseLine("hit") + caseLine("hit", { verb: "get" }));
    const failed = await auditsieve(["detections", "test", join(folder, "wrong.yml")]);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(
      /wrong\.cases\.ndjson:2: failed: miss, not hit\n {2}why: because\n {2}selection: does not hold, by verb\n/,
    );
    const none = await auditsieve(["detections", "test", join(folder, "nocases")]);
    expect(none.code).toBe(1);
    expect(none.stdout).toContain("it has no case");
  });

  test("test --output json: of a case that fails, what each selection says", async () => {
    put(
      "reasons.yml",
      RULE.replace("condition: selection", "eve: { user.username: [eve, adam] }\n  condition: selection and not eve"),
    );
    put(
      "reasons.cases.ndjson",
      caseLine("hit", { stage: "RequestReceived", responseStatus: undefined }) + caseLine("miss"),
    );
    const { code, stdout } = await auditsieve(["detections", "test", join(folder, "reasons.yml"), "--output", "json"]);
    expect(code).toBe(1);
    const [{ results }] = JSON.parse(stdout) as [{ results: readonly object[] }];
    expect(results).toMatchObject([
      {
        line: 1,
        reasons: [
          { selection: "selection", outcome: "unknown", by: ["responseStatus.code"] },
          { selection: "eve", outcome: "hit", by: ["user.username"] },
        ],
      },
      { line: 2 },
    ]);
    expect(results[1]).not.toHaveProperty("reasons");
  });

  test("test: of a correlation that fails, what its parts found, and of those that found nothing why", async () => {
    const part = (name: string, verb: string): string =>
      RULE.replace("title", `name: ${name}\ntitle`).replace("verb: delete", `verb: ${verb}`);
    const correlation =
      "title: Both\nid: 8f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: high\ncorrelation: { type: temporal, rules: [one, two], group-by: [user.username], timespan: 5m }\n";
    put("both.yml", [correlation, part("one", "delete"), part("two", "patch").replace("5f0d", "9f0d")].join("---\n"));
    const time = { requestReceivedTimestamp: "2026-01-01T00:00:00Z" };
    const events = [
      { ...EVENT, ...time },
      { ...EVENT, ...time, auditID: "b", verb: "get" },
    ];
    put("both.cases.ndjson", `${JSON.stringify({ expect: "hit", why: "because", events })}\n`);
    const { code, stdout } = await auditsieve(["detections", "test", join(folder, "both.yml")]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "  why: because\n  one: hits 1 of 2 events\n  two: hits 0 of 2 events\n  selection: does not hold, by verb\n",
    );
  });

  test("test: each case that is none is named, with what is wrong with it", async () => {
    copyFileSync(join(folder, "sound/nodes.yml"), join(folder, "unread.yml"));
    const event = { ...EVENT, level: undefined };
    const several = `${JSON.stringify({ expect: "miss", why: "", events: [EVENT, event] })}\n`;
    const wrong = caseLine("hut", { stage: "ResponseCompleted" });
    put("unread.cases.ndjson", `{"expect": "hit"}\n${caseLine("hit")}${wrong}${several}no case\n`);
    const { code, stderr } = await auditsieve(["detections", "test", join(folder, "unread.yml")]);
    expect(code).toBe(2);
    const cannot = `auditsieve: Cannot read the case at ${join(folder, "unread.cases.ndjson")}`;
    expect(stderr).toBe(
      [
        `${cannot}:1: it holds no audit event`,
        `${cannot}:3: "expect" is neither "hit" nor "miss"`,
        `${cannot}:3: event.stage is not one of RequestReceived, ResponseStarted, ResponseComplete, Panic`,
        `${cannot}:4: events[1].level is missing: it must be one of None, Metadata, Request, RequestResponse`,
        `${cannot}:5: it is no JSON`,
        '  hint: Write {"expect": "hit" or "miss", "why": "…", "event": {an audit event}}',
        "",
      ].join("\n"),
    );
    put("unread.cases.ndjson", "no case\n".repeat(1021));
    const { stderr: many } = await auditsieve(["detections", "test", join(folder, "unread.yml")]);
    expect(many).toContain(":20: it is no JSON\nauditsieve: Cannot read the cases: 1,001 more problems\n");
  });

  test("test: the example of a detection by a list of addresses is sound", async () => {
    const example = join(ROOT, "docs/examples/listed-address.yml");
    expect((await auditsieve(["detections", "check", example, "--strict"])).code).toBe(0);
    const { code, stdout } = await auditsieve(["detections", "test", example]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("2 of 2 cases pass")]);
  });

  test("coverage: through a policy of one's own", async () => {
    const policy = put(
      "policy.yaml",
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  verbs: [delete]\n- level: Metadata\n",
    );
    const args = ["detections", "coverage", join(folder, "sound"), "--policies", policy];
    const { code, stdout } = await auditsieve([...args, "--output", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      detections: [{ title: "Nodes deleted", coverage: { [policy]: "blind" } }],
    });
    expect((await auditsieve([...args, "--fail-on-blind"])).code).toBe(1);
  });
});
