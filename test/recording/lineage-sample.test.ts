import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import type { RecordedStep } from "./join.ts";

interface Event {
  readonly auditID: string;
  readonly user: { readonly username?: string };
  readonly sourceIPs?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly responseObject?: { readonly status?: { readonly certificate?: string } };
}

const SAMPLES = join(import.meta.dirname, "../../samples");
const steps = readFileSync(join(SAMPLES, "lineage-steps.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as RecordedStep);
const wanted = new Set(steps.flatMap(({ auditIDs }) => auditIDs));
const events = new Map<string, Event>();
for (const line of zstdDecompressSync(readFileSync(join(SAMPLES, "lineage.log.zst")))
  .toString()
  .split("\n")) {
  const id = /"auditID":"([^"]+)"/.exec(line)?.[1] ?? "";
  // The last stage, which holds what became of the request.
  if (wanted.has(id)) events.set(id, JSON.parse(line) as Event);
}

function step(label: string): RecordedStep {
  const found = steps.find((each) => each.label === label);
  if (found === undefined) throw new Error(`no step ${label}`);
  return found;
}

function eventsOf(label: string): readonly Event[] {
  return step(label).auditIDs.map((id) => events.get(id) as Event);
}

test("each step of the recording has its events in the log", () => {
  expect(steps.filter(({ auditIDs }) => auditIDs.length === 0 || auditIDs.some((id) => !events.has(id)))).toEqual([]);
  expect(steps.length).toBeGreaterThan(140);
});

test("the chain holds: each credential is issued in one step and used in the next, from other addresses", () => {
  const issued = (label: string): string =>
    eventsOf(label)[0]?.annotations?.["authentication.kubernetes.io/issued-credential-id"] ?? "none";
  expect(step("foothold-exec").credentials).toEqual(step("foothold-deployment").credentials);
  expect(step("stolen-token-recon").credentials).toEqual([issued("foothold-node-token")]);
  expect(step("minted-token-reads-secrets").credentials).toEqual([issued("stolen-token-mints-token")]);
  const fetched = eventsOf("certificate-fetched").at(-1)?.responseObject?.status?.certificate ?? "";
  const certificate = new X509Certificate(Buffer.from(fetched, "base64"));
  const id = `X509SHA256=${createHash("sha256").update(certificate.raw).digest("hex")}`;
  expect(step("certificate-removes-traces").credentials).toEqual([id]);
  const addresses = (label: string): readonly (string | undefined)[] =>
    eventsOf(label).map(({ sourceIPs }) => sourceIPs?.[0]);
  expect(new Set(addresses("stolen-token-recon"))).toEqual(new Set(["203.0.113.77"]));
  expect(new Set(addresses("certificate-first-used"))).toEqual(new Set(["203.0.113.140"]));
});

test("the chain is numbered from the first foothold to the last step", () => {
  const places = steps.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  expect(places).toEqual(Array.from({ length: places.length }, (_, index) => index + 1));
  expect(steps[places.length - 1]?.label).toBe("certificate-removes-traces");
});
