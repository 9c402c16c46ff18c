import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine, SEVERITIES } from "@auditsieve/detect";
import type { Detection, Finding, Severity } from "@auditsieve/detect";
import { Pipeline } from "@auditsieve/ingest";
import type { Delivery, LineAlarm, PipelineTally, Sink, Source } from "@auditsieve/ingest";
import { randomBytes } from "node:crypto";
import { CoverageCount } from "./coverage.ts";
import type { LogCoverage } from "./coverage.ts";
import { EventInHand } from "./replayed-event.ts";
import type { ReplayVisitor } from "./replayed-event.ts";
import { isSelected } from "./selection.ts";
import type { Selection } from "./selection.ts";

/** What is replayed, through what, and which findings are asked for. */
export interface ReplayOptions {
  readonly source: Source;
  readonly detections: readonly Detection[];
  readonly redactor: Redactor;
  readonly selection?: Selection;
  /** Told of lines that are no event. */
  readonly onLineAlarm?: (alarm: LineAlarm) => void;
  /** Shown every event and finding, whatever the selection. */
  readonly visitors?: readonly ReplayVisitor[];
  readonly signal?: AbortSignal;
}

/** What a replay gives. */
export interface Replayed {
  /** The findings asked for, in order of time: the timeline. */
  readonly findings: readonly Finding[];
  readonly summary: ReplaySummary;
}

/** What a reader should see before the findings. */
export interface ReplaySummary {
  readonly log: LogCoverage;
  /** Lines that are no event; they are in no finding. */
  readonly undecidable: number;
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
  readonly byActor: readonly { readonly actor: string; readonly findings: number }[];
  /** Requests about which the log does not say enough: no finding, and no proof that there was nothing. */
  readonly couldNotDecide: readonly { readonly id: string; readonly title: string; readonly requests: number }[];
}

/**
 * Leads logs through the same pipeline as the daemon, into a sink that gathers findings: live and replay find the same.
 *
 * @example
 * const source = archiveSource({ logs: ["audit.log.gz"] });
 * const { findings, summary } = await replayLogs({ source, detections, redactor: createRedactor({ key }) });
 */
export async function replayLogs(options: ReplayOptions): Promise<Replayed> {
  const { source, detections, redactor, selection = {}, visitors = [], onLineAlarm } = options;
  const eventVisitors = visitors.filter((visitor) => visitor.event !== undefined);
  let inHand: EventInHand | undefined;
  const gathered = gatheringSink();
  const coverage = new CoverageCount();
  const pipeline = new Pipeline({
    source,
    feeds: [{ sink: gathered.sink, feed: "findings" }],
    sideLogs: NO_SIDE_LOGS,
    // Ids of lines are used within this run only: nothing that is stored depends on them.
    cluster: "replay",
    idKey: randomBytes(32),
    redactor,
    detections: new DetectionEngine(detections),
    onEvent: (scan) => {
      coverage.add(scan);
      if (eventVisitors.length > 0) {
        const event = (inHand ??= new EventInHand(scan, redactor));
        event.next("", 0);
        eventVisitors.forEach((visitor) => visitor.event?.(event));
      }
    },
    ...(onLineAlarm === undefined ? {} : { onLineAlarm }),
  });
  await pipeline.run(options.signal ?? new AbortController().signal);
  for (const finding of gathered.findings) {
    visitors.forEach((visitor) => visitor.finding?.(finding));
  }
  const found = gathered.findings.toSorted(byTime);
  const findings = found.filter((finding) => isSelected(finding, selection));
  return { findings, summary: summarise(findings, found.length, coverage.total(), pipeline.tally(), detections) };
}

/** Nothing is refused here and nothing is kept beside: the logs themselves are the archive. */
const NO_SIDE_LOGS = {
  deadLetter: (): Promise<void> => Promise.resolve(),
  quarantine: (): Promise<void> => Promise.resolve(),
  close: (): Promise<void> => Promise.resolve(),
};

function gatheringSink(): { readonly sink: Sink; readonly findings: Finding[] } {
  const findings: Finding[] = [];
  const take = (delivery: Delivery): void => {
    if (delivery.kind === "finding") {
      findings.push(JSON.parse(delivery.document.toString("utf8")) as Finding);
    }
  };
  const sink: Sink = {
    name: "replay",
    write: (batch) => {
      batch.forEach(take);
      return Promise.resolve(batch.map(() => ({ status: "stored" })));
    },
    close: () => Promise.resolve(),
  };
  return { sink, findings };
}

/** Times all have the same form, so text order is time order; the id keeps equal times in one order. */
function byTime(a: Finding, b: Finding): number {
  const [x, y] = a.time === b.time ? [a.id, b.id] : [a.time, b.time];
  return x < y ? -1 : x > y ? 1 : 0;
}

function summarise(
  findings: readonly Finding[],
  found: number,
  log: LogCoverage,
  tally: PipelineTally,
  detections: readonly Detection[],
): ReplaySummary {
  const severityOf = new Map(detections.map(({ id, severity, title }) => [id, { severity, title }]));
  const bySeverity = countBy(findings.map(({ detection }) => detection.level));
  return {
    log,
    undecidable: tally.undecidable,
    findings: findings.length,
    notSelected: found - findings.length,
    bySeverity: Object.fromEntries(SEVERITIES.map((severity) => [severity, bySeverity.get(severity) ?? 0])) as Record<
      Severity,
      number
    >,
    byDetection: mostFirst(countBy(findings.map(({ detection }) => detection.id))).map(([id, count]) => ({
      id,
      title: severityOf.get(id)?.title ?? id,
      severity: severityOf.get(id)?.severity ?? "informational",
      findings: count,
    })),
    byActor: mostFirst(countBy(findings.map(({ actor }) => actor ?? "(not authenticated)"))).map(([actor, count]) => ({
      actor,
      findings: count,
    })),
    couldNotDecide: mostFirst(new Map(Object.entries(tally.undecided))).map(([id, requests]) => ({
      id,
      title: severityOf.get(id)?.title ?? id,
      requests,
    })),
  };
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
