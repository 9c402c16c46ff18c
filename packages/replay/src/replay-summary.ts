import { SEVERITIES } from "@auditsieve/detect";
import type { Detection, Severity } from "@auditsieve/detect";
import type { LogCoverage } from "./coverage/coverage.ts";
import type { FindingList } from "./findings/finding-store.ts";
import type { ReplayedLog, ReplayRun } from "./replay-run.ts";

/** What a reader should see before the findings. */
export interface ReplaySummary {
  readonly log: LogCoverage;
  /** The logs that were read, each with what became of its lines. */
  readonly logs: readonly ReplayedLog[];
  /** Lines that are no event; they are in no finding, but for what was salvaged of them. */
  readonly undecidable: number;
  /** Whole events that were found in them all the same; they count among the events. */
  readonly salvaged: number;
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
  /** What exceptions kept out of the findings, most first; also what none needed. */
  readonly suppressed: readonly {
    readonly id: string;
    readonly title: string;
    readonly owner: string | null;
    readonly expires: string | null;
    readonly findings: number;
  }[];
  /** What the detections forgot to stay within their bounds; all zero in ordinary logs. */
  readonly forgotten: {
    readonly requests: number;
    readonly late: number;
    readonly correlationHits: number;
    /** Pods, grants, credentials and first-seen values. */
    readonly memory: number;
  };
}

/** Sums a run up: the findings selected, and how many were not. */
export function summarise(
  findings: FindingList,
  notSelected: number,
  run: ReplayRun,
  detections: readonly Detection[],
): ReplaySummary {
  const known = new Map(detections.map(({ id, severity, title }) => [id, { severity, title }]));
  const { bySeverity, byDetection, byTechnique, byActor } = findings.counts();
  const counts = run.judge.counts();
  const logs = run.logs();
  return {
    log: run.coverage.total(),
    logs,
    undecidable: sum(logs.flatMap(({ undecidable }) => Object.values(undecidable))),
    salvaged: sum(logs.map(({ salvaged }) => salvaged)),
    duplicates: sum(logs.map(({ duplicates }) => duplicates)),
    findings: findings.size,
    notSelected,
    bySeverity: Object.fromEntries(SEVERITIES.map((severity) => [severity, bySeverity.get(severity) ?? 0])) as Record<
      Severity,
      number
    >,
    byDetection: mostFirst(byDetection).map(([id, number]) => ({
      id,
      title: known.get(id)?.title ?? id,
      severity: known.get(id)?.severity ?? "informational",
      findings: number,
    })),
    byTechnique: mostFirst(byTechnique).map(([technique, number]) => ({ technique, findings: number })),
    byActor: mostFirst(byActor).map(([actor, number]) => ({ actor, findings: number })),
    couldNotDecide: mostFirst(new Map(Object.entries(counts.undecided))).map(([id, requests]) => ({
      id,
      title: known.get(id)?.title ?? id,
      requests,
    })),
    suppressed: suppressedBy(detections, counts.suppressed),
    forgotten: {
      requests: counts.evicted,
      late: counts.late,
      correlationHits: counts.correlationEvicted,
      memory: counts.memoryEvicted,
    },
  };
}

function suppressedBy(
  detections: readonly Detection[],
  suppressed: Readonly<Record<string, number>>,
): ReplaySummary["suppressed"] {
  const exceptions = new Map(detections.flatMap((one) => (one.exceptions ?? []).map((each) => [each.id, each])));
  return mostFirst(new Map(Object.entries(suppressed))).map(([id, findings]) => {
    const { title = id, owner = null, expires = null } = exceptions.get(id) ?? {};
    return { id, title, owner, expires, findings };
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Equal numbers in the order of the alphabet: never in that of their coming, which a replay in two goes does not know. */
function mostFirst(counts: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
