import { existsSync, globSync, readFileSync } from "node:fs";
import type { AuditEvent } from "@auditsieve/audit";
import type { Detection } from "./definition/detection.ts";
import { DetectionEngine } from "./detection-engine.ts";
import { FindingStream } from "./stream/finding-stream.ts";
import { linkCorrelations } from "./definition/link-correlations.ts";
import { loadDetectionFiles } from "./load-detections.ts";

/** One line of a `.cases.ndjson` file. */
export interface DetectionCase {
  readonly expect: "hit" | "miss";
  readonly why: string;
  readonly source: CaseSource;
  /** Of the event, or of the last one. */
  readonly auditID: string;
  /** One event, or where it matters what the log held before, the events in their order. */
  readonly events: readonly AuditEvent[];
}

/** Where the events of a case are from. */
export type CaseSource = (typeof CASE_SOURCES)[number];
export const CASE_SOURCES = [
  "attack.log",
  "baseline.log",
  "lineage.log",
  "held-out.log",
  "reported.log",
  "tricks.log",
  "variants.log",
  "near-misses.log",
  "synthetic",
] as const;

/** A detection of profiles/ with its cases. */
export interface ShippedDetection {
  /** `<tactic>/<id>` */
  readonly name: string;
  readonly detection: Detection;
  /** Documents of the same file that only count for it. */
  readonly parts: readonly Detection[];
  readonly cases: readonly DetectionCase[];
}

const folder = new URL("../../../profiles/detections/", import.meta.url);
const files = globSync("*/*.yml", { cwd: folder }).sort();
const loaded = loadDetectionFiles(files.map((file) => ({ file, text: readFileSync(new URL(file, folder), "utf8") })));
const { silent, problems: unlinked } = linkCorrelations(loaded.detections);

/** Every document of profiles/detections, as a daemon loads them. */
export const shippedDocuments: readonly Detection[] = loaded.detections;

/** Every detection of profiles/detections; throws when a file does not load without a problem. */
export const shippedDetections: readonly ShippedDetection[] = files.map((file) => {
  const problems = [...loaded.problems, ...unlinked].filter((problem) => problem.file === file);
  const documents = loaded.detections.filter((one) => one.file === file);
  const [detection, ...others] = documents.filter((one) => !silent.has(one));
  if (problems.length > 0 || !detection || others.length > 0) {
    throw new Error(`profiles/detections/${file} must hold one sound detection: ${JSON.stringify(problems)}`);
  }
  const name = file.replace(/\.yml$/, "");
  return { name, detection, parts: documents.filter((one) => silent.has(one)), cases: readCases(name) };
});

function readCases(name: string): readonly DetectionCase[] {
  const casesFile = new URL(`${name}.cases.ndjson`, folder);
  const lines = existsSync(casesFile) ? readFileSync(casesFile, "utf8").split("\n") : [];
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const { event, ...rest } = JSON.parse(line) as DetectionCase & { readonly event?: AuditEvent };
      return { ...rest, events: event ? [event] : rest.events };
    });
}

/** Names of case files that stand alone. */
export const casesWithoutDetection: readonly string[] = globSync("*/*.cases.ndjson", { cwd: folder }).filter(
  (file) => !existsSync(new URL(file.replace(/\.cases\.ndjson$/, ".yml"), folder)),
);

/** Whether the events make a finding of the correlation `detection`, which may name any of `documents`. */
export function isCorrelationHit(
  detection: Detection,
  documents: readonly Detection[],
  events: readonly AuditEvent[],
): boolean {
  const stream = new FindingStream(new DetectionEngine(documents));
  const findings = [...events.flatMap((event) => stream.push(event)), ...stream.flush()];
  return findings.some((finding) => finding.detection.id === detection.id);
}

/** The detection and all that it builds on, over any number of correlations. */
export function closureOf(detection: Detection, documents: readonly Detection[]): readonly Detection[] {
  const rules = (detection.correlation?.rules ?? []).flatMap((rule) =>
    documents.filter(({ id, name }) => id === rule || name === rule),
  );
  return [...new Set([detection, ...rules.flatMap((rule) => closureOf(rule, documents))])];
}
