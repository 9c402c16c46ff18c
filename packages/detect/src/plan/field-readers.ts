import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { leavesOf } from "../condition/evaluate.ts";
import type { FieldReader } from "../condition/evaluate.ts";
import { ABSENT, readField } from "../condition/field-path.ts";
import type { FieldPath, Reading } from "../condition/field-path.ts";
import { objectOfPatch } from "../condition/patched-object.ts";
import type { BodyName } from "../reading/event-parts.ts";
import { asJson, headOf, holdsNone, isMissing, isPartlyParsed, lacksKey, rootOf } from "../reading/event-parts.ts";
import { HEAD_FIELDS, headFieldOf, isInPart, keptOfActor } from "../reading/head-view.ts";
import type { HeadField, HeadPart, HeadView } from "../reading/head-view.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { MEMORY_ROOT } from "../condition/remembered-fields.ts";
import { isBeforeAnswer, isBodyUnknown, isHeadUnknown } from "../reading/recorded.ts";
import type { HeadReader } from "../reading/recorded.ts";

const BODIES = ["requestObject", "responseObject"] as const;
/** The body that may be a JSON patch. */
const PATCHED: BodyName = "requestObject";
/** Fields that stand at one place: what they stand in need not be parsed for them. */
const DIRECT: ReadonlySet<string> = new Set(HEAD_FIELDS.filter((field) => field.split(".").length <= 2));
const LATE_ROOTS = ["responseStatus", "annotations", "impersonatedUser"];

/**
 * Reads a decoded event, telling what it does not have from what was not written down. Fields under `auditsieve.` come
 * from `memory`; without one they are unknown. A JSON patch has its operations, and what they write. Of an event that is parsed as it is read, no more is parsed than is asked for.
 */
export function eventReader(event: AuditEvent, memory?: ClusterMemory): FieldReader {
  const view = headOf(event);
  const head = (field: HeadField): ReturnType<HeadView["get"]> => view.get(field);
  let leaves: readonly JsonValue[] | undefined;
  const unknown: Partial<Record<BodyName, boolean>> = {};
  let patched: JsonValue | undefined;
  let isPatchRead = false;
  /** What a JSON patch writes at the path. */
  const readPatch = (steps: readonly JsonValue[], path: FieldPath): Reading => {
    if (!isPatchRead) {
      isPatchRead = true;
      patched = objectOfPatch(steps);
    }
    return patched === undefined ? ABSENT : readField(patched, path, 1);
  };
  /** Whether nobody knows what a body says that is not in the event. */
  const isUnknownWithout = (body: BodyName): boolean => (unknown[body] ??= isBodyUnknown(body, event, head));
  return {
    read: once((path) => {
      const { root } = path;
      if (isRemembered(path)) {
        return memory?.read(path.text, view, event);
      }
      const body = BODIES.find((name) => name === root);
      // A path to the body itself ends in no key of it.
      if (body && path.text !== body && lacksKey(event, body, path.ending)) {
        return ABSENT;
      }
      const isDirect = isPartlyParsed(event) && DIRECT.has(path.text);
      const value = isDirect ? view.get(path.text as HeadField) : rootOf(event, root);
      const reading = value === undefined ? ABSENT : isDirect ? readField(value, ITSELF) : readField(value, path, 1);
      if (reading.present) {
        return reading;
      }
      if (body === PATCHED && Array.isArray(value)) {
        return readPatch(value as readonly JsonValue[], path);
      }
      const isUnknown = body
        ? (value === undefined || value === null) && isUnknownWithout(body)
        : isHeadUnknown(path.text, head);
      return isUnknown ? undefined : ABSENT;
    }),
    search(test) {
      const needs = test.needs?.();
      if (needs === undefined || !holdsNone(event, needs)) {
        leaves ??= leavesOf(asJson(event));
        if (leaves.some((leaf) => test.test(leaf))) {
          return true;
        }
      }
      const hidden =
        BODIES.some((body) => isUnknownWithout(body) && isMissing(event, body)) ||
        LATE_ROOTS.some((root) => isHeadUnknown(root, head) && isMissing(event, root));
      return hidden ? undefined : false;
    },
  };
}

/**
 * Reads a part of a head; every field outside it is unknown. Such an answer depends on the part alone and can be
 * remembered for it. What is said here stays true once more is known, because Kleene's tables are monotonic. With `isLasting` it reads the
 * event that the view shows at each time.
 */
export function headReader(
  view: HeadView,
  part: HeadPart,
  memory?: ClusterMemory,
  isLasting: boolean = false,
): FieldReader {
  const head = (field: HeadField): ReturnType<HeadView["get"]> => view.get(field);
  const read: FieldReader["read"] = (path) => {
    const field = path.text;
    if (isRemembered(path)) {
      return memory?.read(field, view);
    }
    const held = headFieldOf(field);
    if (held === undefined || !isInPart(held, part)) {
      return undefined;
    }
    if (!isInPart(held, "actor")) {
      return readHeld(path, held, head);
    }
    const ofActor = keptOfActor(view, isBeforeAnswer(head) ? EARLY : LATE, newReadings);
    const before = ofActor.get(field);
    if (before !== undefined) {
      return before ?? undefined;
    }
    const reading = readHeld(path, held, head);
    ofActor.set(field, reading ?? null);
    return reading;
  };
  return { read: isLasting ? read : once(read), search: () => undefined };
}

/** `held` is the field of the head in which that of the path stands, or it itself. */
function readHeld(path: FieldPath, held: HeadField, head: HeadReader): Reading | undefined {
  const value = head(held);
  if (held === path.text && value !== undefined) {
    return readField(value, ITSELF);
  }
  const reading =
    value === undefined
      ? ABSENT
      : readField(held === "annotations" ? { annotations: value } : { user: { extra: value } }, path);
  return reading.present || !isHeadUnknown(path.text, head) ? reading : undefined;
}

/** What was read of an actor before and after the answer: only then it is known whether somebody is impersonated. */
const EARLY = Symbol("early readings");
const LATE = Symbol("late readings");

function newReadings(): Map<string, Reading | null> {
  return new Map();
}

/** Many conditions read the same fields of one event. */
function once(read: FieldReader["read"]): FieldReader["read"] {
  const known = new Map<string, Reading | null>();
  return (path) => {
    const before = known.get(path.text);
    if (before !== undefined) {
      return before ?? undefined;
    }
    const reading = read(path);
    known.set(path.text, reading ?? null);
    return reading;
  };
}

function isRemembered(path: FieldPath): boolean {
  return path.root === MEMORY_ROOT;
}

/** The path that reads a value itself, with its arrays taken apart. */
const ITSELF: FieldPath = { text: "", root: "", ending: "", length: 0, keysAt: () => [] };
