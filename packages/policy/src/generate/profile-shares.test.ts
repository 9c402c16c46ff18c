import { EventScan, stripLine } from "@auditsieve/audit";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { zstdDecompressSync } from "node:zlib";
import { loadStreamPolicy } from "../stream-policy/load-stream-policy.ts";
import { StreamPolicy } from "../stream-policy/stream-policy.ts";

const root = new URL("../../../../", import.meta.url);

/** Share of the bytes of a log in which everything is at RequestResponse, and the requests that are left. */
interface Written {
  readonly share: number;
  readonly auditIDs: ReadonlySet<string>;
}

const logs = new Map<string, Buffer>();

function written(profile: string, sample: string): Written {
  const log = logs.get(sample) ?? zstdDecompressSync(readFileSync(new URL(`samples/${sample}.log.zst`, root)));
  logs.set(sample, log);
  const loaded = loadStreamPolicy(readFileSync(new URL(`profiles/policies/${profile}.policy.yaml`, root), "utf8"));
  if (loaded.outcome === "refused") {
    throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  }
  const policy = new StreamPolicy(loaded.rules);
  const scan = new EventScan();
  const auditIDs = new Set<string>();
  let bytes = 0;
  for (let start = 0, end = log.indexOf(10); end !== -1; start = end + 1, end = log.indexOf(10, start)) {
    if (!scan.scan(log, start, end)) {
      throw new Error(`Cannot read the event at ${start} of ${sample}: ${scan.reason}`);
    }
    const decision = policy.decide(scan);
    if (decision.action !== "drop") {
      bytes += decision.action === "keep" ? end - start : stripLine(scan, decision).length;
      auditIDs.add(scan.text("auditID") ?? "");
    }
  }
  return { share: bytes / log.length, auditIDs };
}

describe("the shipped profiles", () => {
  // The two minutes of the sample are the busiest of the working day, of which the whole is within 8 %.
  test.each([
    ["tiered", 0.02, 0.11],
    ["hardened", 0.02, 0.1],
    ["cost", 0.01, 0.03],
  ])("%s costs at most its share on a quiet cluster and on a working day", (profile, quiet, busy) => {
    expect(written(profile, "quiet").share).toBeLessThanOrEqual(quiet);
    expect(written(profile, "working-day").share).toBeLessThanOrEqual(busy);
  });

  test.each(["tiered", "hardened", "forensic", "cost", "cis", "stig", "nsa-ctr"])(
    "%s writes something of every labelled request of the attack",
    (profile) => {
      const { auditIDs } = written(profile, "attack");
      const labelled = readFileSync(new URL("samples/attack-labels.jsonl", root), "utf8")
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { readonly auditID: string }).auditID);
      expect(labelled.length).toBeGreaterThan(100);
      expect(labelled.filter((id) => !auditIDs.has(id))).toEqual([]);
    },
  );
});
