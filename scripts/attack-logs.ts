/** The recorded logs of samples/ and what the shipped detections find in them: what docs/attack.md is made of. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { attributesOfEvent, EventScan, readYaml, stripLine } from "../packages/audit/src/index.ts";
import type { AuditEvent } from "../packages/audit/src/index.ts";
import { DetectionEngine, FindingStream, linkCorrelations, loadDetectionFiles } from "../packages/detect/src/index.ts";
import type { Detection, Finding } from "../packages/detect/src/index.ts";
import { evaluate, loadPolicy } from "../packages/policy/src/index.ts";
import type { Policy } from "../packages/policy/src/index.ts";

export const ROOT: string = join(import.meta.dirname, "..");

/** The startup of the attack log: an administrator sets the cluster up until here. */
const STARTED = "2026-11-24T00:26:45Z";

/** The shipped detections by the names of their files; parts of correlations are not among the names. */
export interface Pack {
  readonly documents: readonly Detection[];
  readonly byName: ReadonlyMap<string, Detection>;
  readonly nameOf: ReadonlyMap<string, string>;
}

/** A labelled step and the audit ids of its deeds. */
export interface Step {
  readonly label: string;
  readonly technique: string;
  readonly ids: ReadonlySet<string>;
  /** Ids of what the same command did beside it. */
  readonly incidental: ReadonlySet<string>;
}

/** What a step should be found by, or why by nothing. */
export type Meant = readonly string[] | string;

export function loadPack(): Pack {
  const folder = join(ROOT, "profiles/detections");
  const files = globSync("*/*.yml", { cwd: folder }).sort();
  const { detections } = loadDetectionFiles(
    files.map((file) => ({ file, text: readFileSync(join(folder, file), "utf8") })),
  );
  const { silent } = linkCorrelations(detections);
  const shown = detections.filter((detection) => !silent.has(detection));
  const names = shown.map((detection) => [nameOfFile(detection.file), detection] as const);
  return {
    documents: detections,
    byName: new Map(names),
    nameOf: new Map(names.map(([name, { id }]) => [id, name])),
  };
}

export function readLog(name: string): readonly AuditEvent[] {
  return zstdDecompressSync(readFileSync(join(ROOT, "samples", `${name}.log.zst`)))
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEvent);
}

export function readData(name: string): Record<string, unknown> {
  const { documents } = readYaml(readFileSync(join(ROOT, "docs/data", `${name}.yml`), "utf8"));
  return documents[0]?.value as Record<string, unknown>;
}

export function findIn(events: readonly AuditEvent[], documents: readonly Detection[]): readonly Finding[] {
  const stream = new FindingStream(new DetectionEngine(documents));
  return [...events.flatMap((event) => stream.push(event)), ...stream.flush()];
}

export function attackSteps(): readonly Step[] {
  const labels = readLines("attack-labels.jsonl") as readonly {
    readonly auditID: string;
    readonly label: string;
    readonly stepLabel: string;
    readonly technique: string;
    readonly primary: boolean;
  }[];
  const steps = readLines("attack-steps.jsonl") as readonly { readonly label: string; readonly technique: string }[];
  return steps.map(({ label, technique }) => {
    const own = labels.filter((one) => one.stepLabel === label);
    return {
      label,
      technique,
      ids: new Set(own.filter(({ primary }) => primary).map(({ auditID }) => auditID)),
      incidental: new Set(own.filter(({ primary }) => !primary).map(({ auditID }) => auditID)),
    };
  });
}

export function lineageSteps(): readonly Step[] {
  const steps = readLines("lineage-steps.jsonl") as readonly {
    readonly label: string;
    readonly technique: string;
    readonly auditIDs: readonly string[];
    readonly incidental: readonly string[];
  }[];
  return steps.map(({ label, technique, auditIDs, incidental }) => ({
    label,
    technique,
    ids: new Set(auditIDs),
    incidental: new Set(incidental),
  }));
}

/** Names of the detections that found a deed of the step. */
export function foundBy(step: Step, findings: readonly Finding[], pack: Pack): ReadonlySet<string> {
  return new Set(
    findings
      .filter(({ auditIDs }) => auditIDs.some((id) => step.ids.has(id)))
      .map(({ detection }) => pack.nameOf.get(detection.id) ?? detection.id),
  );
}

/** Findings that rest on no labelled request, of the startup or of what came after it. */
export function unlabelled(
  findings: readonly Finding[],
  steps: readonly Step[],
  part: "startup" | "rest",
): readonly Finding[] {
  const labelled = new Set(steps.flatMap(({ ids, incidental }) => [...ids, ...incidental]));
  return findings.filter(
    ({ auditIDs, time }) => !auditIDs.some((id) => labelled.has(id)) && time < STARTED === (part === "startup"),
  );
}

export function readPolicy(name: string): Policy {
  const loaded = loadPolicy(readFileSync(join(ROOT, "profiles/policies", `${name}.policy.yaml`), "utf8"));
  if (loaded.outcome === "refused") {
    throw new Error(loaded.error);
  }
  return loaded.policy;
}

/** The log as the apiserver would have written it under the policy. */
export function writtenUnder(policy: Policy, events: readonly AuditEvent[]): readonly AuditEvent[] {
  const scan = new EventScan();
  return events.flatMap((event) => {
    const { level, omitStages, omitManagedFields } = evaluate(policy, attributesOfEvent(event));
    if (level === "None" || omitStages.includes(event.stage)) {
      return [];
    }
    const line = Buffer.from(JSON.stringify(event));
    scan.scan(line, 0, line.length);
    return [JSON.parse(stripLine(scan, { level, omitManagedFields }).toString("utf8")) as AuditEvent];
  });
}

function nameOfFile(file: string): string {
  return file.replace(/^.*\//, "").replace(/\.yml$/, "");
}

function readLines(name: string): readonly unknown[] {
  return readFileSync(join(ROOT, "samples", name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}
