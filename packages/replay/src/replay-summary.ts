import { SEVERITIES } from "@auditsieve/detect";
import type { Detection, Finding, Severity } from "@auditsieve/detect";
import type { LogCoverage } from "./coverage.ts";
import type { ReplayedLog, ReplayRun } from "./replay-run.ts";

/** What a reader should see before the findings. */
export interface ReplaySummary {
  readonly log: LogCoverage;
  /** The logs that were read, each with what became of its lines. */
  readonly logs: readonly ReplayedLog[];
  /** Lines that are no event; they are in no finding. */
  readonly undecidable: number;
  /** Lines that stood in the logs before, byte for byte. */
  readonly duplicates: number;
  readonly findings: number;
  /** Findings that the selection left out. */
  readonly notSelected: number;
  readonly bySeverity: Readonly<Record<Severity, number>>;
  /** Most findings first. */
  readonly byDetection: readonly {
    readonly id: string;
    readonly title: string;
    readonly severity: Severity;
    readonly findings: number;
  }[];
  /** Most findings first; techniques as ATT&CK numbers them. */
  readonly byTechnique: readonly { readonly technique: string; readonly findings: number }[];
  readonly byActor: readonly { readonly actor: string; readonly findings: number }[];
  /** Requests about which the log does not say enough: no finding, and no proof that there was nothing. */
  readonly couldNotDecide: readonly { readonly id: string; readonly title: string; readonly requests: number }[];
  /** What the detections forgot to stay within their bounds; all zero in ordinary logs. */
  readonly forgotten: { readonly requests: number; readonly late: number; readonly correlationHits: number };
}

/** Sums a run up: the findings selected, out of so many. */
export function summarise(
  findings: readonly Finding[],
  found: number,
  run: ReplayRun,
  detections: readonly Detection[],
): ReplaySummary {
  const known = new Map(detections.map(({ id, severity, title }) => [id, { severity, title }]));
  const bySeverity = countBy(findings.map(({ detection }) => detection.level));
  const counts = run.judge.counts();
  const logs = run.logs();
  return {
    log: run.coverage.total(),
    logs,
    undecidable: sum(logs.flatMap(({ undecidable }) => Object.values(undecidable))),
    duplicates: sum(logs.map(({ duplicates }) => duplicates)),
    findings: findings.length,
    notSelected: found - findings.length,
    bySeverity: Object.fromEntries(SEVERITIES.map((severity) => [severity, bySeverity.get(severity) ?? 0])) as Record<
      Severity,
      number
    >,
    byDetection: mostFirst(countBy(findings.map(({ detection }) => detection.id))).map(([id, count]) => ({
      id,
      title: known.get(id)?.title ?? id,
      severity: known.get(id)?.severity ?? "informational",
      findings: count,
    })),
    byTechnique: mostFirst(countBy(findings.flatMap(({ detection }) => detection.techniques))).map(
      ([technique, count]) => ({ technique, findings: count }),
    ),
    byActor: mostFirst(countBy(findings.map(({ actor }) => actor ?? "(not authenticated)"))).map(([actor, count]) => ({
      actor,
      findings: count,
    })),
    couldNotDecide: mostFirst(new Map(Object.entries(counts.undecided))).map(([id, requests]) => ({
      id,
      title: known.get(id)?.title ?? id,
      requests,
    })),
    forgotten: { requests: counts.evicted, late: counts.late, correlationHits: counts.correlationEvicted },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function countBy<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

function mostFirst<T>(counts: ReadonlyMap<T, number>): (readonly [T, number])[] {
  return [...counts].sort((a, b) => b[1] - a[1]);
}
