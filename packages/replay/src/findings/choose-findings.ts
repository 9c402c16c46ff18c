import { SEVERITIES } from "@auditsieve/detect";
import type { Finding, Severity } from "@auditsieve/detect";
import { boundedText } from "../bounded-text.ts";
import { actorKey, FindingKinds, headOfFinding } from "./finding-kinds.ts";
import type { Before } from "./finding-kinds.ts";

/** The findings that are looked at as a whole: for ranking identities, for stories and for a report. */
export interface ChosenFindings {
  /** In order of time; all of them where they are few. */
  readonly findings: readonly Finding[];
  /** How many there are of this detection and actor, where some of the actor's are chosen. */
  readonly countOf: (actor: string | undefined, detection: string) => number;
}

/** Of each severity, as JSON. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Of one detection and actor: a hundred times the same is one habit. */
const MOST_ALIKE = 50;
/** A report shows no more of an event. */
const MOST_BYTES_A_FINDING = 48 * 1024;

/**
 * Chooses of findings that are too many to be held, each as its line of JSON: the first of each detection and actor, severity by severity. Where
 * even these are too many, those of the actors against whom most detections speak, and the first one of each before others like it: else whoever
 * acts under a thousand names before the deed would hide who did it. `lines` are read twice unless they are few.
 */
export function chooseFindings(
  lines: () => Iterable<string>,
  { isSmall, mostBytes = MOST_BYTES }: { readonly isSmall: boolean; readonly mostBytes?: number },
): ChosenFindings {
  const kinds = new FindingKinds();
  const countOf = (actor: string | undefined, detection: string): number => kinds.of(actor, detection);
  if (isSmall) {
    const findings = Array.from(lines(), (line) => JSON.parse(line) as Finding);
    findings.forEach((finding) => kinds.count(finding));
    return { findings, countOf };
  }
  const rooms = roomsOf(lines(), mostBytes);
  const counts = new FindingKinds(Number.POSITIVE_INFINITY);
  const findings: Finding[] = [];
  for (const line of lines()) {
    const head = headOfFinding(line);
    const room = rooms.get(actorKey(head.actor));
    if (room === undefined) {
      continue;
    }
    const before = counts.count(head);
    if (before.count >= MOST_ALIKE) {
      continue;
    }
    const share = shareOf(head.detection.level, before);
    const { shown, bytes } = bounded(JSON.parse(line) as Finding, line.length);
    const left = (room.get(share) ?? 0) - bytes;
    if (left >= 0) {
      room.set(share, left);
      findings.push(shown);
    }
  }
  return { findings, countOf: (actor, detection) => counts.of(actor, detection) };
}

/** How many bytes of each share may be held of whom: who weighs most comes first, and the first findings of everybody before others like them. */
function roomsOf(lines: Iterable<string>, mostBytes: number): ReadonlyMap<string, Map<string, number>> {
  const kinds = new FindingKinds();
  for (const line of lines) {
    const head = headOfFinding(line);
    const before = kinds.count(head);
    if (before.count < MOST_ALIKE) {
      const isLarge = line.length > MOST_BYTES_A_FINDING;
      const bytes = isLarge ? bounded(JSON.parse(line) as Finding, line.length).bytes : line.length;
      kinds.note(head, shareOf(head.detection.level, before), bytes);
    }
  }
  const heaviest = kinds.heaviest();
  const rooms = new Map<string, Map<string, number>>();
  for (const severity of SEVERITIES) {
    let left = mostBytes;
    for (const share of [firstOf(severity), severity]) {
      for (const { name, bytes } of heaviest) {
        const given = Math.min(bytes.get(share) ?? 0, left);
        if (given > 0) {
          left -= given;
          rooms.set(name, (rooms.get(name) ?? new Map<string, number>()).set(share, given));
        }
      }
    }
  }
  return rooms;
}

/** Of a severity the first findings of each detection, refused or not, or the others. */
function shareOf(severity: Severity, { isFirst }: Before): string {
  return isFirst ? firstOf(severity) : severity;
}

function firstOf(severity: Severity): string {
  return `first ${severity}`;
}

/** A finding with large events goes without their bodies, and with long names cut. */
function bounded(finding: Finding, bytes: number): { readonly shown: Finding; readonly bytes: number } {
  if (bytes <= MOST_BYTES_A_FINDING) {
    return { shown: finding, bytes };
  }
  const events = finding.events.map(({ requestObject: _asked, responseObject: _answer, ...head }) => head);
  const text = JSON.stringify({ ...finding, events }, (_key, value: unknown) =>
    typeof value === "string" ? boundedText(value) : value,
  );
  return { shown: JSON.parse(text) as Finding, bytes: text.length };
}
