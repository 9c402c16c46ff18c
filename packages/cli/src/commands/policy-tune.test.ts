import { attributesOfScan } from "@auditsieve/audit";
import { CandidateCounter, evaluate, loadPolicy, tunePolicy, withProposals } from "@auditsieve/policy";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";
import { describeTuning, eachEvent, policyOf, sample } from "./policy-tune.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-tune-"));
afterAll(() => rmSync(folder, { recursive: true }));

// The slow tier has the other profiles.
describeTuning(["tiered"]);

describe("tuning tiered to the quiet log", () => {
  test("decides nothing anew but what it says that it drops, and saves what it says", async () => {
    const base = await policyOf("nsa-ctr");
    const log = sample("quiet.log.zst");
    const counter = new CandidateCounter(base, []);
    counter.write(log);
    counter.end();
    const counts = counter.result();
    const { proposals } = tunePolicy(base, counts, { detections: [], leastShare: 0 });
    const tuned = withProposals(base, proposals);
    let dropped = 0;
    eachEvent(log, (scan) => {
      const request = attributesOfScan(scan);
      const before = evaluate(base, request);
      const after = evaluate(tuned, request);
      if (before.level !== after.level) {
        dropped += before.omitStages.includes(scan.stage) ? 0 : 1;
        expect(after.level).toBe("None");
        expect(request.user?.name).toMatch(/^system:/);
      }
    });
    expect(dropped).toBe(proposals.reduce((sum, { saves }) => sum + saves.events, 0));
    expect(dropped).toBeGreaterThan(0.7 * counts.base.events);
  });
});

describe.concurrent("auditsieve policy tune", () => {
  test("prints a policy that an apiserver loads, with reasons, and the table on stderr", async () => {
    const { code, stdout, stderr } = await auditsieve([
      "policy",
      "tune",
      "samples/working-day.log.zst",
      "--profile",
      "nsa-ctr",
    ]);
    const loaded = loadPolicy(stdout);
    expect([code, loaded.outcome]).toEqual([0, "accepted"]);
    expect(stdout).toMatch(/# tuned-1: status of .+\n.* Saved \d+ events/);
    expect(stdout).toContain("Source: k8s.io/kubernetes@v");
    expect(stderr).toMatch(/rules proposed: they save/);
    expect(stderr).toMatch(/delete pods by system:nodes .* more than bookkeeping/);
    const checked = await auditsieve(["policy", "check", "-", "--output", "json"], stdout);
    expect(checked.code).toBe(0);
  });

  test("prints one JSON document, and writes the policy to a file", async () => {
    const out = join(folder, "tuned.yaml");
    const { code, stdout } = await auditsieve([
      "policy",
      "tune",
      "samples/quiet.log.zst",
      "--profile",
      "minimal",
      "--output",
      "json",
      "-o",
      out,
      "--identity",
      "system:serviceaccount:monitoring:prometheus",
    ]);
    const result = JSON.parse(stdout) as {
      readonly policy: string;
      readonly base: { readonly bytes: number };
      readonly saves: { readonly bytes: number };
      readonly proposals: readonly { readonly before: string; readonly saves: { readonly bytes: number } }[];
      readonly refusals: readonly { readonly why: string; readonly message: string }[];
    };
    expect(code).toBe(0);
    expect(readFileSync(out, "utf8")).toBe(result.policy);
    expect(result.saves.bytes).toBe(result.proposals.reduce((sum, { saves }) => sum + saves.bytes, 0));
    expect(result.saves.bytes).toBeLessThan(result.base.bytes);
    expect(result.refusals.every(({ message }) => message !== "")).toBe(true);
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["a profile that is not there", ["samples/small.log", "--profile", "nope"], /Cannot find a profile called "nope"/],
    [
      "a wildcard for an identity",
      ["samples/small.log", "--identity", "system:serviceaccount:ci:*"],
      /it must be the whole name/,
    ],
    ["a share that is none", ["samples/small.log", "--least-share", "200"], /a percentage from 0 to 100/],
    ["a log without events", ["package.json"], /not one audit event/],
    ["a log that is not there", ["absent.log"], /absent.log/],
    ["a file that cannot be written", ["samples/small.log", "-o", "absent/tuned.yaml"], /Cannot write the policy to/],
  ];
  test.each(refusals)("refuses %s with place, cure and 2", async (_what, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "tune", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("shows its options and examples", async () => {
    const { code, stdout } = await auditsieve(["policy", "tune", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:");
  });
});
