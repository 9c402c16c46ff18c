import { findingJson, safeJson, safeText } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import type { FindingChange } from "./compare/compare-findings.ts";
import type { TimelineFormat } from "./timeline-formats.ts";

const MAX_CELL = 32_000;
const LONGEST_TIME = 64;
const COLUMNS = [
  "severity",
  "detection",
  "detection_id",
  "techniques",
  "actor",
  "impersonated",
  "outcome",
  "code",
  "namespace",
  "object",
  "source_ips",
  "user_agent",
  "verb",
  "request_uri",
  "audit_ids",
  "finding_id",
] as const;

type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;

/**
 * Findings as text, in the order given; the header line comes with the first of them.
 *
 * `timesketch` is a JSON object a line with message, datetime and timestamp_desc; its file name must end in .jsonl.
 *
 * @see https://timesketch.org/guides/user/import-from-json-csv/
 * @example
 * for (const text of timelineText(findings, "csv")) process.stdout.write(text);
 */
export function* timelineText(findings: Iterable<Finding>, format: TimelineFormat): Generator<string, void> {
  if (format === "csv") {
    yield csvLine(["time", ...COLUMNS, "summary"]);
  } else if (format === "timesketch-csv") {
    yield csvLine(["message", "datetime", "timestamp_desc", ...COLUMNS]);
  }
  for (const finding of findings) {
    yield writeOne(finding, format);
  }
}

/** Changes between two readings as a Timesketch timeline: the message begins with the change, which is a field and a tag too. */
export function* changesTimeline(
  changes: Iterable<FindingChange>,
  format: "timesketch" | "timesketch-csv",
): Generator<string, void> {
  if (format === "timesketch-csv") {
    yield csvLine(["message", "datetime", "timestamp_desc", "change", ...COLUMNS]);
  }
  for (const { change, finding } of changes) {
    const message = `${change}: ${messageOf(finding)}`;
    if (format === "timesketch-csv") {
      const row = rowOf(finding);
      yield csvLine([
        message,
        safeText(finding.time, LONGEST_TIME),
        TIMESTAMP,
        change,
        ...COLUMNS.map((column) => row[column]),
      ]);
    } else {
      const { tag, ...entry } = timesketchEntry(finding);
      yield `${safeJson(JSON.stringify({ ...entry, message, change, tag: [change, ...tag] }))}\n`;
    }
  }
}

function writeOne(finding: Finding, format: TimelineFormat): string {
  const { summary } = finding;
  const time = safeText(finding.time, LONGEST_TIME);
  switch (format) {
    case "ndjson":
      return `${safeJson(findingJson(finding))}\n`;
    case "csv": {
      const row = rowOf(finding);
      return csvLine([time, ...COLUMNS.map((column) => row[column]), summary]);
    }
    case "timesketch":
      return `${safeJson(JSON.stringify(timesketchEntry(finding)))}\n`;
    case "timesketch-csv": {
      const row = rowOf(finding);
      return csvLine([messageOf(finding), time, TIMESTAMP, ...COLUMNS.map((column) => row[column])]);
    }
    default:
      return format satisfies never;
  }
}

const TIMESTAMP = "Request received";

interface TimesketchEntry extends Readonly<Record<string, unknown>> {
  readonly tag: readonly string[];
}

function timesketchEntry(finding: Finding): TimesketchEntry {
  const { techniques, source_ips, audit_ids, ...row } = rowOf(finding);
  const lists = { techniques: words(techniques), source_ips: words(source_ips), audit_ids: words(audit_ids) };
  const fields = { ...row, ...lists, tag: [row.severity, ...lists.techniques] };
  return { message: messageOf(finding), datetime: finding.time, timestamp_desc: TIMESTAMP, ...fields };
}

function words(text: string): readonly string[] {
  return text === "" ? [] : text.split(" ");
}

/** Of a correlation the summary begins with its title. */
function messageOf({ detection, summary }: Finding): string {
  const title = `${safeText(detection.title)}: `;
  return summary.startsWith(title) ? summary : `${title}${summary}`;
}

/** Texts of the log come out fit for one line: they go to terminals and spreadsheets. */
function rowOf(finding: Finding): Row {
  const { detection, events } = finding;
  const [event] = events;
  const texts: Row = {
    severity: detection.level,
    detection: detection.title,
    detection_id: detection.id,
    techniques: detection.techniques.join(" "),
    actor: finding.actor ?? "",
    impersonated: finding.impersonated ?? "",
    outcome: finding.outcome,
    code: finding.code === undefined ? "" : String(finding.code),
    namespace: finding.namespace ?? "",
    object: finding.object ?? "",
    source_ips: (event?.sourceIPs ?? []).join(" "),
    user_agent: event?.userAgent ?? "",
    verb: event?.verb ?? "",
    request_uri: event?.requestURI ?? "",
    audit_ids: finding.auditIDs.join(" "),
    finding_id: finding.id,
  };
  return Object.fromEntries(Object.entries(texts).map(([column, text]) => [column, safeText(text, MAX_CELL)])) as Row;
}

/**
 * One line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe before it: also in full width, as
 * Japanese and Chinese settings read it.
 *
 * @example
 * assert.equal(csvLine(["a", "=1+1"]), `a,"'=1+1"\r\n`);
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(text: string): string {
  const cell = /^[\s]*[=+\-@|%\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(cell) || cell !== cell.trim() ? `"${cell.replaceAll('"', '""')}"` : cell;
}
