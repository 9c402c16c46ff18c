import type { RotationStatus } from "../source.ts";
import type { PipelineTally, SinkTally } from "../lines/tally.ts";
import { MetricsPage } from "./metrics-page.ts";
import type { Labels } from "./metrics-page.ts";

/** What one source has come to, as metrics show it. */
export interface PipelineSnapshot {
  readonly tally: PipelineTally;
  /** Bytes in the log that are not acknowledged; undefined where the source cannot say. */
  readonly lagBytes: number | undefined;
  /** How old the newest line that was read is, by its own time. */
  readonly lagSeconds: number | undefined;
  /** How the source stands to the rotation of its files; undefined where it has none. */
  readonly rotation?: RotationStatus | undefined;
  /** How long deliveries have waited without any being settled. */
  readonly stalledSeconds: number;
  /** Requests that it has answered, by what became of them; undefined where it is asked by nobody. */
  readonly requests?: Readonly<Record<string, number>> | undefined;
}

export interface MetricsSnapshot {
  readonly version: string;
  readonly pipelines: readonly PipelineSnapshot[];
  /** How often what alarms tell of has happened, by kind. */
  readonly alarms: Readonly<Record<string, number>>;
  /** Failures that were tried again, by code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly residentBytes: number | undefined;
}

/**
 * Metrics in Prometheus' text format, named after Vector's habit: `component_received_events_total`,
 * `component_discarded_events_total{intentional="true"}`. Labels hold names of the configuration and bounded sets only, never
 * anything of a log. Counters go on from `earlier`, where this process has served another configuration before.
 *
 * @see https://vector.dev/docs/reference/configuration/sources/internal_metrics/
 */
export function renderMetrics(snapshot: MetricsSnapshot, earlier?: MetricsPage): MetricsPage {
  const page = new MetricsPage(earlier);
  page.add("build_info", "gauge", "Version of the program", 1, { version: snapshot.version });
  for (const pipeline of snapshot.pipelines) {
    addSource(page, pipeline);
    for (const sink of pipeline.tally.sinks) {
      addSink(page, pipeline.tally.source, sink);
    }
  }
  for (const [kind, count] of Object.entries(snapshot.alarms)) {
    page.add("alarms_total", "counter", "What alarms tell of, by kind, told or not", count, { kind });
  }
  for (const [code, count] of Object.entries(snapshot.failures)) {
    page.add("component_errors_total", "counter", "Failures that were tried again, by code", count, {
      error_type: code,
    });
  }
  page.add("process_resident_memory_bytes", "gauge", "Resident memory", snapshot.residentBytes);
  return page;
}

function addSource(
  page: MetricsPage,
  { tally, lagBytes, lagSeconds, stalledSeconds, rotation, requests = {} }: PipelineSnapshot,
): void {
  const labels = { component_kind: "source", component_id: tally.source };
  page.add("component_received_events_total", "counter", "Lines read", tally.lines, labels);
  page.add("component_received_event_bytes_total", "counter", "Bytes of lines read", tally.bytes, labels);
  page.add("undecidable_lines_total", "counter", "Lines that are no event", tally.undecidable, labels);
  page.add("reduced_lines_total", "counter", "Lines over the limit, delivered reduced", tally.reduced, labels);
  page.add("salvaged_events_total", "counter", "Whole events found in lines that are none", tally.salvaged, labels);
  page.add("findings_total", "counter", "Findings", tally.findings, labels);
  const acknowledged = tally.acknowledged["lines"] ?? 0;
  page.add(
    "acknowledged_lines",
    "gauge",
    "Lines acknowledged over all runs, from the checkpoint",
    acknowledged,
    labels,
  );
  page.add("source_lag_bytes", "gauge", "Bytes of the log that are not acknowledged", lagBytes, labels);
  page.add("source_lag_time_seconds", "gauge", "Age of the newest line read, by its own time", lagSeconds, labels);
  page.add(
    "stalled_seconds",
    "gauge",
    "Time that deliveries have waited without any being settled",
    stalledSeconds,
    labels,
  );
  if (rotation !== undefined) {
    addRotation(page, rotation, labels);
  }
  for (const [reason, count] of Object.entries(requests)) {
    page.add("webhook_requests_total", "counter", "Requests by what became of them", count, { ...labels, reason });
  }
  for (const [exception, count] of Object.entries(tally.suppressed)) {
    page.add("suppressed_findings_total", "counter", "Findings that an exception kept out", count, {
      ...labels,
      exception,
    });
  }
  addForgotten(page, tally.forgotten, labels);
  for (const [detection, count] of Object.entries(tally.undecided)) {
    const reason = { ...labels, detection };
    page.add(
      "undecided_requests_total",
      "counter",
      "Requests that the log does not let a detection decide",
      count,
      reason,
    );
  }
}

function addForgotten(page: MetricsPage, forgotten: Readonly<Record<string, number>>, labels: Labels): void {
  const help = "What detections forgot to stay within bounds, by what it is";
  for (const [what, count] of Object.entries(forgotten)) {
    page.add("detections_forgotten_total", "counter", help, count, { ...labels, what });
  }
}

function addRotation(page: MetricsPage, rotation: RotationStatus, labels: Labels): void {
  const { deadlineSeconds, unreadFiles, lostBytes, lostFiles } = rotation;
  page.add("unread_rotated_files", "gauge", "Rotated files that are not read to their end", unreadFiles, labels);
  page.add(
    "rotation_deadline_seconds",
    "gauge",
    "Time until the oldest of them will be deleted, if the log grows as it does",
    deadlineSeconds,
    labels,
  );
  page.add(
    "lost_files_total",
    "lasting counter",
    "Files that were gone before they were read, over all runs",
    lostFiles,
    labels,
  );
  page.add("lost_bytes_total", "lasting counter", "Bytes of them, as far as known", lostBytes, labels);
}

function addSink(page: MetricsPage, source: string, tally: SinkTally): void {
  const labels = { component_kind: "sink", component_id: tally.sink, source };
  const discarded = "component_discarded_events_total";
  const kinds = { event: tally, finding: tally.findings, receipt: tally.receipts, salvaged: tally.salvaged };
  for (const [kind, { delivered, pending }] of Object.entries(kinds)) {
    page.add("component_sent_events_total", "counter", "Deliveries stored, by kind", delivered, { ...labels, kind });
    page.add("buffer_events", "gauge", "Deliveries under way, by kind", pending, { ...labels, kind });
  }
  page.add("stripped_events_total", "counter", "Events delivered with bodies cut out", tally.stripped, labels);
  for (const { rule, events } of tally.droppedByRule) {
    const reason = rule === "feed" ? "feed" : `rule-${rule ?? "none"}`;
    page.add(discarded, "counter", "Events not delivered", events, { ...labels, intentional: "true", reason });
  }
  for (const [reason, count] of Object.entries(tally.deadLetteredByReason)) {
    page.add(discarded, "counter", "Events not delivered", count, { ...labels, intentional: "false", reason });
  }
}
