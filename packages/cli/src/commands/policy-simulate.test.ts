import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-simulate-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const POLICY = file(
  "policy.yaml",
  `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-controller-manager", "system:kube-scheduler"]
  verbs: [get, update]
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: Request
  verbs: [create]
- level: Metadata
`,
);

interface SimulationJson {
  readonly before: { readonly events: number; readonly bytes: number };
  readonly after: { readonly events: number; readonly bytes: number };
  readonly byRule: readonly { readonly rule: number }[];
  readonly cost: { readonly prices: readonly { readonly price: { readonly id: string } }[] };
}

describe.concurrent("auditsieve policy simulate", () => {
  test("prints tables whose golden is the sample's", async () => {
    const { code, stdout, stderr } = await auditsieve(["policy", "simulate", POLICY, "samples/small.log"]);
    expect([code, stderr]).toEqual([0, ""]);
    await expect(Buffer.from(stdout, "latin1").toString("utf8")).toMatchFileSnapshot("policy-simulate.golden.txt");
  });

  test("prints one JSON document whose numbers are those of its events", async () => {
    const [report, events] = await Promise.all([
      auditsieve(["policy", "simulate", POLICY, "samples/small.log", "--output", "json"]),
      auditsieve(["policy", "simulate", POLICY, "samples/small.log", "--events"]),
    ]);
    const result = JSON.parse(report.stdout) as SimulationJson;
    const written = events.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly auditID: string; readonly bytes: number });
    expect([report.code, events.code, events.stderr]).toEqual([0, 0, ""]);
    expect(result.before).toEqual({ events: 40, bytes: readFileSync("samples/small.log").length });
    expect(result.after).toEqual({
      events: written.length,
      bytes: written.reduce((sum, { bytes }) => sum + bytes, 0),
    });
    expect(result.cost.prices.map(({ price }) => price.id)).toContain("google-cloud-logging");
    expect(written[0]).toEqual({
      auditID: expect.any(String),
      stage: expect.any(String),
      level: expect.any(String),
      bodies: expect.any(Array),
      unknownBodies: [],
      rule: expect.any(Number),
      bytes: expect.any(Number),
    });
  });

  test("reads .zst and standard input, several logs, a baseline and prices of one's own", async () => {
    const prices = file(
      "prices.yaml",
      'asOf: "2026-01"\ncurrency: EUR\nprices: [{id: own, name: Our contract, unit: GB, price: 2, source: contract, date: "2026"}]\nunpriced: []\n',
    );
    const { code, stdout } = await auditsieve(
      ["policy", "simulate", POLICY, "--baseline", POLICY, "--prices", prices, "samples/quiet.log.zst", "-"],
      readFileSync("samples/small.log"),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2,502 lines/);
    expect(stdout).toMatch(/Our contract +[\d.]+ EUR/);
    expect(stdout).not.toContain("CloudWatch");
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no policy", ["absent.yaml", "samples/small.log"], /policy "absent.yaml": no such file/],
    ["a policy that is none", ["package.json", "samples/small.log"], /Cannot load the policy at .*\n +hint:/],
    ["a baseline that is none", [POLICY, "--baseline", "package.json", "samples/small.log"], /Cannot load the policy/],
    ["a log that is not there", [POLICY, "absent.log"], /absent.log/],
    ["prices that are none", [POLICY, "--prices", "package.json", "samples/small.log"], /Cannot use/],
    ["a log without events", [POLICY, "package.json"], /Cannot find one audit event/],
  ];
  test.each(refusals)("refuses %s with place, cure and 2", async (_what, args, said) => {
    const { code, stderr } = await auditsieve(["policy", "simulate", ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/\n +at /);
  });

  test("prints nothing raw that a log holds", async () => {
    const evil = file(
      "evil.log",
      `${JSON.stringify({ level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/x\u001b[2J", verb: "get\u001b]0;x", user: { username: "\u001b[31mroot" } })}\n`,
    );
    const { code, stdout } = await auditsieve(["policy", "simulate", POLICY, evil]);
    expect(code).toBe(0);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("\\u001b[31mroot");
  });

  test("shows its options and examples", async () => {
    const { code, stdout } = await auditsieve(["policy", "simulate", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("--baseline");
  });
});
