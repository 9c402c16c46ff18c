import { isJsonObject, own, slotOf } from "@auditsieve/audit";
import type { EventScan, JsonValue } from "@auditsieve/audit";
import { ACTOR_FIELDS, HEAD_FIELDS } from "@auditsieve/detect";
import type { HeadField, HeadView } from "@auditsieve/detect";
import { HeadMemo } from "./head-memo.ts";

const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";
const PARSED: ReadonlySet<string> = new Set([
  "user.groups",
  "impersonatedUser.groups",
  "sourceIPs",
  "user.extra",
  "annotations",
]);

const NAMES: ReadonlySet<HeadField> = new Set(["requestURI", "objectRef.name"]);
const OF_ACTOR: ReadonlySet<HeadField> = new Set([...ACTOR_FIELDS, `user.extra.${CREDENTIAL_ID}`]);
const URI = slotOf("requestURI");
const USER = slotOf("user");
/** Who asks, beside the user. */
const ACTOR = (["impersonatedUser", "sourceIPs", "userAgent"] as const).map(slotOf);
/** A longer one is looked at field by field. */
const MAX_ACTOR_BYTES = 1024;
/** A cluster has a few dozen; a log with more than these makes them up. */
const MAX_ACTORS = 2048;
const BACKSLASH = 0x5c;
/** In the place of a field that is known not to be there. */
const ABSENT = Symbol("absent");

/** What is remembered of heads whose actors are the same byte by byte. */
interface Actor {
  readonly values: unknown[];
  readonly kept: Map<unknown, unknown>;
}

/**
 * The head of the line that `scan` holds, as detections ask for it, without parsing the line. Make one per stream: it
 * remembers what was noted for heads of the same bytes, in `memo` where others remember something for them, too.
 *
 * @example
 * const head = scanHead(scan);
 * scan.scan(line, 0, line.length);
 * head.get("verb");
 */
export function scanHead(scan: EventScan, memo: HeadMemo = new HeadMemo(scan)): HeadView {
  const places = new Map(HEAD_FIELDS.map((field, place) => [field, place]));
  let cached = -1;
  const values: unknown[] = [];
  /** A repeated head is decoded once; names are of the event in hand. */
  const valuesOf = (field: HeadField): unknown[] => {
    const entry = NAMES.has(field) ? undefined : memo.unnamed;
    if (entry !== undefined) {
      return entry.values;
    }
    if (cached !== scan.scans) {
      cached = scan.scans;
      values.fill(undefined);
    }
    return values;
  };
  const actors = new Map<string, Actor>();
  let actorBuilt = -1;
  let actorInHand: Actor | undefined;
  const actor = (): Actor | undefined => {
    if (actorBuilt !== scan.scans) {
      actorBuilt = scan.scans;
      const key = actorOf(scan);
      actorInHand = key === undefined ? undefined : actors.get(key);
      if (key !== undefined && actorInHand === undefined) {
        if (actors.size === MAX_ACTORS) {
          actors.clear();
        }
        actorInHand = { values: [], kept: new Map() };
        actors.set(key, actorInHand);
      }
    }
    return actorInHand;
  };
  const decoded = (field: HeadField): unknown => {
    const value = readHead(scan, field);
    return value === undefined ? ABSENT : value;
  };
  return {
    get: (field) => {
      const place = places.get(field) as number;
      const held = valuesOf(field);
      const known = held[place];
      if (known !== undefined) {
        return known === ABSENT ? undefined : (known as JsonValue);
      }
      const ofActor = OF_ACTOR.has(field) ? actor()?.values : undefined;
      const value = ofActor === undefined ? decoded(field) : (ofActor[place] ??= decoded(field));
      held[place] = value;
      return value === ABSENT ? undefined : (value as JsonValue);
    },
    isWithout: (field, characters) => field === "requestURI" && isWithout(scan, URI, characters),
    actor: () => actor()?.kept,
    recall: (part) => memo.recall(part),
    note: (part, value) => memo.note(part, value),
  };
}

/** All from the user to the last of what says who asks, if the user stands first: bytes that are the same say the same. */
function actorOf(scan: EventScan): string | undefined {
  const start = scan.slotStart(USER);
  let end = scan.slotEnd(USER);
  for (let i = 0; i < ACTOR.length; i++) {
    const slot = ACTOR[i] as number;
    const behind = scan.slotEnd(slot);
    if (behind !== 0) {
      if (scan.slotStart(slot) < start) {
        return undefined;
      }
      end = Math.max(end, behind);
    }
  }
  return end - start > MAX_ACTOR_BYTES ? undefined : scan.bytes.toString("latin1", start, end);
}

/** False where an escape may stand for one. */
function isWithout(scan: EventScan, slot: number, characters: readonly string[]): boolean {
  const { bytes } = scan;
  const end = scan.slotEnd(slot);
  if (end === 0 || characters.length > 1) {
    return false;
  }
  const wanted = characters[0]?.charCodeAt(0) ?? BACKSLASH;
  for (let at = scan.slotStart(slot); at < end; at++) {
    const byte = bytes[at];
    if (byte === wanted || byte === BACKSLASH) {
      return false;
    }
  }
  return true;
}

/** A field of the head of the line that `scan` holds. */
export function readHead(scan: EventScan, field: HeadField): JsonValue | undefined {
  if (field === `user.extra.${CREDENTIAL_ID}`) {
    const extra = scan.value("user.extra") as JsonValue | undefined;
    return isJsonObject(extra) ? own(extra, CREDENTIAL_ID) : undefined;
  }
  if (field === "responseStatus.code") {
    return scan.code;
  }
  return PARSED.has(field) ? (scan.value(field) as JsonValue | undefined) : scan.text(field);
}
