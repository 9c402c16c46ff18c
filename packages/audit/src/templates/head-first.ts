import type { Field } from "../scan-fields.ts";
import { slotOf } from "../scan.ts";
import type { EventScan } from "../scan.ts";

const COMMA = 44;
const SPACE = 32;

/** What an apiserver writes first behind everything that a decision looks at. */
const AFTER_HEAD = ["requestObject", "responseObject", "requestReceivedTimestamp"] as const;

/** Fields that something rests on, as a line that is learned is asked for them: by slots, because an object that is asked for one key after another takes longer. */
export interface Deciding {
  /** All but the annotations, which may stand in a tail. */
  readonly slots: readonly number[];
  readonly areAnnotations: boolean;
  /** Whether one of them stands behind every head. */
  readonly isBehindHead: boolean;
}

const DECIDING = new WeakMap<readonly Field[], Deciding>();

export function decidingOf(fields: readonly Field[]): Deciding {
  let deciding = DECIDING.get(fields);
  if (deciding === undefined) {
    deciding = {
      slots: fields.filter((field) => field !== "annotations").map(slotOf),
      areAnnotations: fields.includes("annotations"),
      isBehindHead: fields.some((field) => BEHIND_HEAD.includes(field)),
    };
    DECIDING.set(fields, deciding);
  }
  return deciding;
}

/** Where the value of the first field behind the head begins; undefined where something that decides stands behind it, but in a tail. */
export function headEndOf(scan: EventScan, { slots, areAnnotations, isBehindHead }: Deciding): number | undefined {
  const first = firstBehindHead(scan);
  // Whether a line has annotations is not known from its head.
  if (first === undefined || isBehindHead || (areAnnotations && !areAnnotationsInTail(scan))) {
    return undefined;
  }
  const key = scan.slotKeyStart(first);
  return areBefore(scan, slots, key) && areBefore(scan, BEFORE_BODIES, key) ? scan.slotStart(first) : undefined;
}

function firstBehindHead(scan: EventScan): number | undefined {
  for (let i = 0; i < AFTER_SLOTS.length; i++) {
    const slot = AFTER_SLOTS[i] as number;
    if (scan.slotEnd(slot) !== 0) {
      return slot;
    }
  }
  return undefined;
}

/** An absent field's key is where the line begins. */
function areBefore(scan: EventScan, slots: readonly number[], key: number): boolean {
  for (let i = 0; i < slots.length; i++) {
    if (scan.slotKeyStart(slots[i] as number) >= key) {
      return false;
    }
  }
  return true;
}

/** Whether bodies are followed by a tail in which annotations stand, if there are any. */
function areAnnotationsInTail(scan: EventScan): boolean {
  const [request, response] = AFTER_SLOTS;
  if (scan.slotEnd(request) === 0 && scan.slotEnd(response) === 0) {
    return false;
  }
  const tail = tailStartOf(scan);
  return tail <= scan.end && (scan.slotEnd(ANNOTATIONS) === 0 || scan.slotKeyStart(ANNOTATIONS) > tail);
}

/** Where the comma stands behind which a line ends as an apiserver lets it end; the line's end where it does not. */
export function tailStartOf(scan: EventScan): number {
  const [request, response, received] = AFTER_SLOTS;
  if (scan.slotEnd(received) === 0) {
    return scan.end + 1;
  }
  const key = scan.slotKeyStart(received);
  const comma = scan.bytes[key - 1] === SPACE ? key - 2 : key - 1;
  const isBehind = scan.slotEnd(request) <= comma && scan.slotEnd(response) <= comma;
  return isBehind && scan.bytes[comma] === COMMA ? comma : scan.end + 1;
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
const BEFORE_BODIES = slots("impersonatedUser", "responseStatus", "objectRef", "userAgent", "sourceIPs");
/** In an apiserver's order; what stands in one of them stands where that does. */
const IN_HEAD = [
  ...slots("kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "user"),
  ...BEFORE_BODIES,
];

function slots(...fields: readonly Field[]): readonly number[] {
  return fields.map(slotOf);
}
