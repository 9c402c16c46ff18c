import type { AuditEvent } from "@auditsieve/audit";
import { evaluate } from "../condition/evaluate.ts";
import type { FieldReader } from "../condition/evaluate.ts";
import type { Expression } from "../condition/expression.ts";
import { readsSome } from "./fields-read.ts";

/** What a detection is excused from: a Sigma filter. What it takes out of the findings is counted under its id. */
export interface DetectionException {
  readonly id: string;
  readonly title: string;
  /** Why; Sigma's key for it is `description`. */
  readonly reason?: string;
  /** Who answers for it; Sigma's key for it is `author`. */
  readonly owner?: string;
  /** The last day, UTC, of events that it excuses: `2027-03-31`. Absent: it has no end. */
  readonly expires?: string;
  /** Ids, names or file names of the detections; "any" is all of them. */
  readonly rules: readonly string[] | "any";
  /** Sigma's condition of a filter: what an event must meet to be found nevertheless. */
  readonly condition: Expression;
  readonly file: string;
  /** Where the detections are named. */
  readonly line?: number;
}

const DAY_MS = 86_400_000;
const ADDRESSES = "sourceIPs";
/** With more somebody has written them himself. */
const MAX_ADDRESSES = 32;

/**
 * The first exception that is proven to excuse this event. What the log does not say excuses nothing: an exception that
 * asks about a body would otherwise widen when a body is cut off. Its end counts in the event's own time, so that a
 * replay finds what the daemon found.
 */
export function exceptionFor(
  exceptions: readonly DetectionException[] | undefined,
  event: AuditEvent,
  reader: FieldReader,
): DetectionException | undefined {
  return exceptions?.find(
    (exception) =>
      isInForce(exception, event) &&
      evaluate(exception.condition, reader) === false &&
      isFromExcused(exception.condition, event, reader),
  );
}

/** Whether each address of several is one that is excused: all but the last a client may have written, so that one is not enough. */
function isFromExcused(condition: Expression, { sourceIPs }: AuditEvent, reader: FieldReader): boolean {
  const addresses = new Set(Array.isArray(sourceIPs) ? (sourceIPs as readonly string[]) : []);
  if (addresses.size < 2 || !readsSome(condition, (field) => field === ADDRESSES)) {
    return true;
  }
  return (
    addresses.size <= MAX_ADDRESSES &&
    [...addresses].every((address) => evaluate(condition, withAddress(reader, address)) === false)
  );
}

function withAddress(reader: FieldReader, address: string): FieldReader {
  const one = { present: true, values: [address] };
  return {
    read: (path) => (path.text === ADDRESSES ? one : reader.read(path)),
    search: (tests, every) => reader.search(tests, every),
  };
}

/**
 * When an exception ends, in ms; infinite without an end.
 *
 * @example
 * assert.equal(new Date(endOf({ expires: "2026-12-31" })).toISOString(), "2027-01-01T00:00:00.000Z");
 */
export function endOf({ expires }: Pick<DetectionException, "expires">): number {
  return expires === undefined ? Infinity : Date.parse(`${expires}T00:00:00Z`) + DAY_MS;
}

function isInForce(exception: DetectionException, event: AuditEvent): boolean {
  const end = endOf(exception);
  return end === Infinity || Date.parse(event.requestReceivedTimestamp ?? event.stageTimestamp ?? "") < end;
}
