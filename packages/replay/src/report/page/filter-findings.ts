import type { ReportFinding } from "../report-data.ts";

/** What a reader looks for; an empty field asks for nothing. */
export interface FindingFilter {
  readonly text: string;
  readonly severities: ReadonlySet<string>;
  /** Index, or -1 for all. */
  readonly actor: number;
  readonly technique: string;
  readonly outcome: string;
  readonly namespace: string;
  /** Milliseconds; the range that the timeline shows. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** The findings that are looked for, by their indexes. */
export function filterFindings(
  findings: readonly ReportFinding[],
  filter: FindingFilter,
  nameOf: (actor: number) => string,
): readonly number[] {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return findings.flatMap((finding, i) => (isWanted(finding, filter, words, nameOf) ? [i] : []));
}

function isWanted(
  finding: ReportFinding,
  filter: FindingFilter,
  words: readonly string[],
  nameOf: (actor: number) => string,
): boolean {
  const ms = Date.parse(finding.time);
  if (!filter.severities.has(finding.severity) || ms < filter.fromMs || ms > filter.toMs) {
    return false;
  }
  if (
    (filter.actor !== -1 && finding.actor !== filter.actor) ||
    (filter.technique !== "" && !finding.techniques.includes(filter.technique)) ||
    (filter.outcome !== "" && finding.outcome !== filter.outcome) ||
    (filter.namespace !== "" && finding.namespace !== filter.namespace)
  ) {
    return false;
  }
  if (words.length === 0) {
    return true;
  }
  const { title, summary, techniques, auditIDs, impersonated } = finding;
  const text = [title, summary, nameOf(finding.actor), impersonated, ...techniques, ...auditIDs]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
