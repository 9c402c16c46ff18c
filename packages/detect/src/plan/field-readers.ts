import { KeyEndings } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { leavesOf, searchEach } from "../condition/evaluate.ts";
import type { FieldReader, Truth } from "../condition/evaluate.ts";
import type { ValueTest } from "../condition/expression.ts";
import { ABSENT, readField } from "../condition/field-path.ts";
import type { FieldPath, PathKey, Reading } from "../condition/field-path.ts";
import { objectOfPatch } from "../condition/patched-object.ts";
import type { BodyName, PartlyParsed } from "../reading/event-parts.ts";
import {
  asJson,
  hasBody,
  headOf,
  holdsNone,
  isMissing,
  isPartlyParsed,
  lacksKeys,
  rootOf,
} from "../reading/event-parts.ts";
import { HEAD_FIELDS, headFieldOf, isInPart, keptOfActor } from "../reading/head-view.ts";
import type { HeadField, HeadPart, HeadView } from "../reading/head-view.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { MEMORY_ROOT } from "../condition/remembered-fields.ts";
import { isBeforeAnswer, isBodyUnknown, isHeadUnknown } from "../reading/recorded.ts";

const BODIES = ["requestObject", "responseObject"] as const;
/** The body that may be a JSON patch. */
const PATCHED: BodyName = "requestObject";
/** Fields that stand at one place: what they stand in need not be parsed for them. */
const DIRECT: ReadonlySet<string> = new Set(HEAD_FIELDS.filter((field) => field.split(".").length <= 2));
/** Who asks for more has bodies parsed as a whole: then each path is followed in less time. */
const FEW_PARTS = 6;
const LATE_ROOTS = ["responseStatus", "annotations", "impersonatedUser"];

/**
 * Reads a decoded event, telling what it does not have from what was not written down. Fields under `auditsieve.` come
 * from `memory`; without one they are unknown. A JSON patch has its operations, and what they write. Of an event that is parsed as it is read, no more is parsed than is asked for.
 */
export function eventReader(event: AuditEvent, memory?: ClusterMemory): FieldReader {
  return new EventReader(event, memory);
}

/** Many conditions read the same fields of one event. */
abstract class RememberingReader implements FieldReader {
  #known: Map<string, Reading | null> | undefined;

  read(path: FieldPath): Reading | undefined {
    const known = (this.#known ??= new Map());
    const before = known.get(path.text);
    if (before !== undefined) {
      return before ?? undefined;
    }
    const reading = this.readAnew(path);
    known.set(path.text, reading ?? null);
    return reading;
  }

  abstract search(tests: readonly ValueTest[], every: boolean): Truth;

  protected abstract readAnew(path: FieldPath): Reading | undefined;
}

/** One is made for most events that are looked into: it has no functions of its own, which would be made with each. */
class EventReader extends RememberingReader {
  readonly #event: AuditEvent;
  readonly #memory: ClusterMemory | undefined;
  readonly #head: HeadView;
  #leaves: readonly JsonValue[] | undefined;
  #isRequestUnknown: boolean | undefined;
  #isResponseUnknown: boolean | undefined;
  #patched: JsonValue | undefined;
  #isPatchRead = false;
  #parts = 0;

  constructor(event: AuditEvent, memory: ClusterMemory | undefined) {
    super();
    this.#event = event;
    this.#memory = memory;
    this.#head = headOf(event);
  }

  protected readAnew(path: FieldPath): Reading | undefined {
    const { root } = path;
    const event = this.#event;
    if (isRemembered(path)) {
      return this.#memory?.read(path.text, this.#head, event);
    }
    const body = bodyOf(root);
    // A path to the body itself ends in no key of it.
    if (body && path.text !== body) {
      if (!hasBody(event, body)) {
        return this.#isUnknownWithout(body) ? undefined : ABSENT;
      }
      if (lacksKeys(event, body, path.endings)) {
        return ABSENT;
      }
      if (this.#parts < FEW_PARTS && isPartlyParsed(event) && event.isObject(body)) {
        this.#parts++;
        return readMember(event, body, path);
      }
    }
    const isDirect = isPartlyParsed(event) && DIRECT.has(path.text);
    const value = isDirect ? this.#head.get(path.text as HeadField) : rootOf(event, root);
    const reading = value === undefined ? ABSENT : isDirect ? readField(value, ITSELF) : readField(value, path, 1);
    if (reading.present) {
      return reading;
    }
    if (body === PATCHED && Array.isArray(value)) {
      return this.#readPatch(value as readonly JsonValue[], path);
    }
    const isUnknown = body
      ? (value === undefined || value === null) && this.#isUnknownWithout(body)
      : isHeadUnknown(path.text, this.#head);
    return isUnknown ? undefined : ABSENT;
  }

  search(tests: readonly ValueTest[], every: boolean): Truth {
    const needs = neededBy(tests);
    const isNone = needs !== undefined && holdsNone(this.#event, needs);
    return isNone ? this.#nothingFound() : searchEach(tests, every, (test) => this.#find(test, tests.length > 1));
  }

  #find(test: ValueTest, isOneOfSeveral: boolean): Truth {
    const needs = isOneOfSeveral ? test.needs?.() : undefined;
    if (needs === undefined || !holdsNone(this.#event, needs)) {
      this.#leaves ??= leavesOf(asJson(this.#event));
      if (this.#leaves.some((leaf) => test.test(leaf))) {
        return true;
      }
    }
    return this.#nothingFound();
  }

  /** What comes of a search that finds nothing. */
  #nothingFound(): Truth {
    const event = this.#event;
    const hidden =
      BODIES.some((body) => isMissing(event, body) && this.#isUnknownWithout(body)) ||
      LATE_ROOTS.some((root) => isHeadUnknown(root, this.#head) && isMissing(event, root));
    return hidden ? undefined : false;
  }

  /** Whether nobody knows what a body says that is not in the event. */
  #isUnknownWithout(body: BodyName): boolean {
    return body === "requestObject"
      ? (this.#isRequestUnknown ??= isBodyUnknown(body, this.#event, this.#head))
      : (this.#isResponseUnknown ??= isBodyUnknown(body, this.#event, this.#head));
  }

  /** What a JSON patch writes at the path. */
  #readPatch(steps: readonly JsonValue[], path: FieldPath): Reading {
    if (!this.#isPatchRead) {
      this.#isPatchRead = true;
      this.#patched = objectOfPatch(steps);
    }
    return this.#patched === undefined ? ABSENT : readField(this.#patched, path, 1);
  }
}

function bodyOf(root: string): BodyName | undefined {
  return root === "requestObject" || root === "responseObject" ? root : undefined;
}

/** What stands at a path below a body that is an object, of which only the member is parsed that the path leads through. */
function readMember(event: PartlyParsed, body: BodyName, path: FieldPath): Reading {
  const keys = path.keysAt(1);
  for (let i = 0; i < keys.length; i++) {
    const { key, next } = keys[i] as PathKey;
    const value = event.member(body, key);
    if (value !== undefined) {
      return readField(value, path, next);
    }
  }
  return ABSENT;
}

const neededByTests = new WeakMap<readonly ValueTest[], readonly string[] | null>();

/** Texts of which every event holds one in which a test finds something; undefined where that is not known. */
function neededBy(tests: readonly ValueTest[]): readonly string[] | undefined {
  let needed = neededByTests.get(tests);
  if (needed === undefined) {
    const ofEach = tests.map((test) => test.needs?.());
    const isKnown = ofEach.length > 0 && ofEach.every((needs) => needs !== undefined);
    needed = isKnown ? [...new Set(ofEach.flat())] : null;
    neededByTests.set(tests, needed);
  }
  return needed ?? undefined;
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
  return new PartReader(view, part, memory, isLasting);
}

class PartReader extends RememberingReader {
  readonly #view: HeadView;
  readonly #part: HeadPart;
  readonly #memory: ClusterMemory | undefined;
  readonly #isLasting: boolean;

  constructor(view: HeadView, part: HeadPart, memory: ClusterMemory | undefined, isLasting: boolean) {
    super();
    this.#view = view;
    this.#part = part;
    this.#memory = memory;
    this.#isLasting = isLasting;
  }

  override read(path: FieldPath): Reading | undefined {
    return this.#isLasting ? this.readAnew(path) : super.read(path);
  }

  search(): Truth {
    return undefined;
  }

  protected readAnew(path: FieldPath): Reading | undefined {
    const field = path.text;
    const view = this.#view;
    if (isRemembered(path)) {
      return this.#memory?.read(field, view);
    }
    const held = headFieldOf(field);
    if (held === undefined || !isInPart(held, this.#part)) {
      return undefined;
    }
    if (!isInPart(held, "actor")) {
      return readHeld(path, held, view);
    }
    const ofActor = keptOfActor(view, isBeforeAnswer(view) ? EARLY : LATE, newReadings);
    const before = ofActor.get(field);
    if (before !== undefined) {
      return before ?? undefined;
    }
    const reading = readHeld(path, held, view);
    ofActor.set(field, reading ?? null);
    return reading;
  }
}

/** `held` is the field of the head in which that of the path stands, or it itself. */
function readHeld(path: FieldPath, held: HeadField, head: HeadView): Reading | undefined {
  const value = head.get(held);
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

function isRemembered(path: FieldPath): boolean {
  return path.root === MEMORY_ROOT;
}

/** The path that reads a value itself, with its arrays taken apart. */
const ITSELF: FieldPath = {
  text: "",
  root: "",
  ending: "",
  endings: new KeyEndings([]),
  length: 0,
  keysAt: () => [],
};
