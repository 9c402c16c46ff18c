import type { AuditEvent } from "@auditsieve/audit";
import { evaluateCase, explainCase, safeText } from "@auditsieve/detect";
import type { Detection, Outcome } from "@auditsieve/detect";
import { count, counted } from "../table.ts";

/** What a case's outcome rests on: a selection, or a part of a correlation. */
export type CaseReason =
  | { readonly selection: string; readonly outcome: Outcome; readonly by: readonly string[] }
  | { readonly part: string; readonly hits: number; readonly events: number };

const WORDS: Readonly<Record<Outcome, string>> = {
  hit: "holds",
  miss: "does not hold",
  unknown: "cannot be told from the event",
};
const MAX_NAMED = 6;

/**
 * Why a detection says of these events what it says: its selections; of a correlation how many of the events each of its parts hits, and of one
 * that hits none its selections, all of them about the last event.
 */
export function caseReasons(detection: Detection, events: readonly AuditEvent[]): readonly CaseReason[] {
  const [last] = events.slice(-1);
  if (last === undefined) {
    return [];
  }
  const hits = new Map(
    (detection.restsOn ?? []).map((part) => [
      part,
      events.filter((event, index) => evaluateCase(part, event, events.slice(0, index)) === "hit").length,
    ]),
  );
  const selections = explainCase(detection, last, events.slice(0, -1));
  return [
    ...[...hits].map(([{ name, title }, found]) => ({ part: name ?? title, hits: found, events: events.length })),
    ...selections
      .filter((one) => (hits.get(one.detection) ?? 0) === 0)
      .map(({ name, outcome, by }) => ({ selection: name, outcome, by })),
  ];
}

/** The same in words: `selection: does not hold, by verb`. */
export function reasonText(reason: CaseReason): string {
  if ("part" in reason) {
    return `${safeText(reason.part, 100)}: hits ${count(reason.hits)} of ${counted(reason.events, "event")}`;
  }
  const { selection, outcome, by } = reason;
  const named = by.slice(0, MAX_NAMED).map((field) => safeText(field, 100));
  const rest = by.length > MAX_NAMED ? [`${count(by.length - MAX_NAMED)} more`] : [];
  const fields = by.length === 0 ? "" : `, by ${[...named, ...rest].join(", ")}`;
  return `${safeText(selection, 100)}: ${WORDS[outcome]}${fields}`;
}
