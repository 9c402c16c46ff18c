import { attributesOfScan, EventScan } from "@auditsieve/audit";
import { CandidateCounter, generatePolicy, ruleMatches, tunePolicy, withProposals } from "@auditsieve/policy";
import type { Policy } from "@auditsieve/policy";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { shippedDetections } from "../shipped.ts";
import { coverDetection } from "./policy-coverage.ts";
import { loadNamedProfile } from "../named-profile.ts";
import { toTuned } from "./policy-tune.ts";

/** Holds what tuning the named profiles to the recorded attack proposes against its labels and the shipped detections. */
export function describeTuning(names: readonly string[]): void {
  const attack = sample("attack.log.zst");
  const labelled = new Set(
    readFileSync(join(ROOT, "samples/attack-labels.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly auditID: string }).auditID),
  );
  const detections = shippedDetections();

  describe.each(names)("tuning %s to the attack log", (name) => {
    test("proposes no rule that matches a labelled line, and blinds no detection", async () => {
      const base = await policyOf(name);
      const counter = new CandidateCounter(base, []);
      counter.write(attack);
      counter.end();
      const { proposals } = tunePolicy(base, counter.result(), { detections: detections.map(toTuned), leastShare: 0 });
      expect(proposals.length).toBeGreaterThan(0);
      const matched: string[] = [];
      let seen = 0;
      eachEvent(attack, (scan) => {
        if (labelled.has(scan.text("auditID") ?? "")) {
          seen++;
          const request = attributesOfScan(scan);
          const hit = proposals.find(({ rule }) => ruleMatches(rule, request));
          matched.push(...(hit === undefined ? [] : [`${request.verb} ${request.path} by ${hit.title}`]));
        }
      });
      expect(seen).toBeGreaterThan(labelled.size);
      expect(matched).toEqual([]);

      const tuned = withProposals(base, proposals);
      const worse = detections.filter((detection) => {
        const isOfEverything = detection.needs.some(
          ({ request: { verbs, resources, apiGroups } }) =>
            verbs === undefined && resources === undefined && apiGroups === undefined,
        );
        return !isOfEverything && coverDetection(base, detection).answer !== coverDetection(tuned, detection).answer;
      });
      expect(worse.map(({ title }) => title)).toEqual([]);
    });
  });
}

/** A sample's log. */
export function sample(name: string): Buffer {
  return zstdDecompressSync(readFileSync(join(ROOT, "samples", name)));
}

/** The policy of a shipped profile. */
export async function policyOf(name: string): Promise<Policy> {
  const loaded = await loadNamedProfile(name);
  const generated = loaded.outcome === "loaded" ? generatePolicy(loaded.profile) : loaded;
  if (generated.outcome === "refused") {
    throw new Error(generated.problems.map(({ message }) => message).join("; "));
  }
  return generated.policy;
}

/** Each event of a log that holds nothing else. */
export function eachEvent(log: Buffer, visit: (scan: EventScan) => void): void {
  const scan = new EventScan();
  for (let start = 0; start < log.length;) {
    const newline = log.indexOf(10, start);
    const end = newline === -1 ? log.length : newline;
    if (!scan.scan(log, start, end)) {
      throw new Error(`Cannot read the event at ${start}: ${scan.reason}`);
    }
    visit(scan);
    start = end + 1;
  }
}
