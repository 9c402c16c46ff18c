import { SEVERITIES } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import { actorKey, FindingKinds, headOfFinding } from "./finding-kinds.ts";

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
 * even these are too many, those of the actors against whom most detections speak: else whoever acts under a thousand names before
 * the deed would hide who did it. `lines` are read twice unless they are few.
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
    if (room === undefined || counts.count(head) >= MOST_ALIKE) {
      continue;
    }
    const { level } = head.detection;
    const { shown, bytes } = bounded(JSON.parse(line) as Finding, line.length);
    const left = (room.get(level) ?? 0) - bytes;
    if (left >= 0) {
      room.set(level, left);
      findings.push(shown);
    }
  }
  return { findings, countOf: (actor, detection) => counts.of(actor, detection) };
}

/** How many bytes of each severity may be held of whom: who weighs most comes first. */
function roomsOf(lines: Iterable<string>, mostBytes: number): ReadonlyMap<string, Map<string, number>> {
  const kinds = new FindingKinds();
  for (const line of lines) {
    const head = headOfFinding(line);
    if (kinds.count(head) < MOST_ALIKE) {
      const isLarge = line.length > MOST_BYTES_A_FINDING;
      kinds.note(head, isLarge ? bounded(JSON.parse(line) as Finding, line.length).bytes : line.length);
    }
  }
  const left = new Map<string, number>(SEVERITIES.map((severity) => [severity, mostBytes]));
  const rooms = new Map<string, Map<string, number>>();
  for (const { name, bytes } of kinds.heaviest()) {
    const room = new Map<string, number>();
    for (const [severity, wanted] of bytes) {
      const given = Math.min(wanted, left.get(severity) ?? 0);
      if (given > 0) {
        left.set(severity, (left.get(severity) ?? 0) - given);
        room.set(severity, given);
      }
    }
    if (room.size > 0) {
      rooms.set(name, room);
    }
  }
  return rooms;
}

/** A finding with large events goes without their bodies. */
function bounded(finding: Finding, bytes: number): { readonly shown: Finding; readonly bytes: number } {
  if (bytes <= MOST_BYTES_A_FINDING) {
    return { shown: finding, bytes };
  }
  const events = finding.events.map(({ requestObject: _asked, responseObject: _answer, ...head }) => head);
  const shown = { ...finding, events };
  return { shown, bytes: JSON.stringify(shown).length };
}
