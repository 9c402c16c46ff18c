import type { Field } from "../scan-fields.ts";
import { slotOf } from "../scan.ts";
import type { EventScan } from "../scan.ts";

const COMMA = 44;
const SPACE = 32;

/** What an apiserver writes first behind everything that a decision looks at. */
const AFTER_HEAD = ["requestObject", "responseObject", "requestReceivedTimestamp"] as const;

/** Where the value of the first field behind the head begins; undefined where something that decides stands behind it, but in a tail. */
export function headEndOf(scan: EventScan, fields: readonly Field[]): number | undefined {
  const first = AFTER_HEAD.find((field) => scan.has(field));
  if (first === undefined || fields.some((field) => BEHIND_HEAD.includes(field))) {
    return undefined;
  }
  // Whether a line has annotations is not known from its head.
  if (fields.includes("annotations") && !areAnnotationsInTail(scan)) {
    return undefined;
  }
  const key = scan.keyStart(first);
  const isBefore = (field: Field): boolean => !scan.has(field) || scan.keyStart(field) < key;
  return fields.every((field) => field === "annotations" || isBefore(field)) && BEFORE_BODIES.every(isBefore)
    ? scan.valueStart(first)
    : undefined;
}

/** Whether bodies are followed by a tail in which annotations stand, if there are any. */
function areAnnotationsInTail(scan: EventScan): boolean {
  const tail = tailStartOf(scan);
  return (
    (scan.has("requestObject") || scan.has("responseObject")) &&
    tail <= scan.end &&
    (!scan.has("annotations") || scan.keyStart("annotations") > tail)
  );
}

/** Where the comma stands behind which a line ends as an apiserver lets it end; the line's end where it does not. */
export function tailStartOf(scan: EventScan): number {
  if (!scan.has("requestReceivedTimestamp")) {
    return scan.end + 1;
  }
  const key = scan.keyStart("requestReceivedTimestamp");
  const comma = scan.bytes[key - 1] === SPACE ? key - 2 : key - 1;
  const isBehind = (body: "requestObject" | "responseObject"): boolean =>
    !scan.has(body) || scan.valueEnd(body) <= comma;
  return isBehind("requestObject") && isBehind("responseObject") && scan.bytes[comma] === COMMA ? comma : scan.end + 1;
}

/**
 * Whether the event that `scan` holds is written as a template of a head supposes: what it begins with is followed by the bodies and times, and
 * these by the annotations. So none of its fields can stand behind a head that is like another one, where they would not be seen.
 */
export function isHeadFirst(scan: EventScan): boolean {
  // Asked of every line, so by slots: an object that is asked for one key after another costs more than the rest.
  const [request, response, received] = AFTER_SLOTS;
  let behind = scan.end;
  for (let i = 0; i < AFTER_SLOTS.length; i++) {
    const slot = AFTER_SLOTS[i] as number;
    behind = scan.slotEnd(slot) === 0 ? behind : Math.min(behind, scan.slotKeyStart(slot));
  }
  for (let i = 0; i < IN_HEAD.length; i++) {
    if (scan.slotStart(IN_HEAD[i] as number) > behind) {
      return false;
    }
  }
  const key = scan.slotKeyStart(ANNOTATIONS);
  return (
    scan.slotEnd(ANNOTATIONS) === 0 ||
    (scan.slotEnd(received) !== 0 &&
      key > scan.slotKeyStart(received) &&
      key > scan.slotEnd(request) &&
      key > scan.slotEnd(response))
  );
}

const AFTER_SLOTS = AFTER_HEAD.map(slotOf) as [number, number, number];
const ANNOTATIONS = slotOf("annotations");
const BEHIND_HEAD: readonly Field[] = [...AFTER_HEAD, "stageTimestamp"];
/** What might decide, were it not absent. */
const BEFORE_BODIES: readonly Field[] = ["impersonatedUser", "responseStatus", "objectRef", "userAgent", "sourceIPs"];
/** In an apiserver's order; what stands in one of them stands where that does. */
const IN_HEAD: readonly number[] = (
  ["kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "user", ...BEFORE_BODIES] as const
).map(slotOf);
