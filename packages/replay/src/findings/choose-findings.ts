import { SEVERITIES } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";

/** The findings that are looked at as a whole: for ranking identities, for stories and for a report. */
export interface ChosenFindings {
  /** In order of time; all of them where they are few. */
  readonly findings: readonly Finding[];
  /** How many there are of this detection and actor, chosen or not. */
  readonly countOf: (actor: string | undefined, detection: string) => number;
}

/** Of each severity, as JSON. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Of one detection and actor: a hundred times the same is one habit. */
const MOST_ALIKE = 50;
const MOST_KINDS = 200_000;
/** A report shows no more of an event. */
const MOST_BYTES_A_FINDING = 48 * 1024;

/** Chooses of findings that are too many to be held, each as its line of JSON, the first of each detection and actor, severity by severity. */
export function chooseFindings(lines: Iterable<string>, { isSmall }: { readonly isSmall: boolean }): ChosenFindings {
  const counts = new Map<string, Map<string, number>>();
  let kinds = 0;
  const chosen: Finding[] = [];
  const room = new Map(SEVERITIES.map((severity) => [severity, MOST_BYTES]));
  for (const line of lines) {
    const finding = JSON.parse(line) as Finding;
    const { actor, detection } = finding;
    const alike = counts.get(detection.id) ?? new Map<string, number>();
    const name = actor ?? "";
    const count = alike.get(name) ?? 0;
    if (count > 0 || kinds < MOST_KINDS) {
      counts.set(detection.id, alike.set(name, count + 1));
      kinds += count === 0 ? 1 : 0;
    }
    if (isSmall) {
      chosen.push(finding);
    } else if (count < MOST_ALIKE) {
      const { shown, bytes } = bounded(finding, line.length);
      const left = (room.get(detection.level) ?? 0) - bytes;
      if (left >= 0) {
        room.set(detection.level, left);
        chosen.push(shown);
      }
    }
  }
  return { findings: chosen, countOf: (actor, detection) => counts.get(detection)?.get(actor ?? "") ?? 0 };
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
