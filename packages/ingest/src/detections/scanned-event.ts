import { isJsonObject, MemberIndex, own } from "@auditsieve/audit";
import type {
  AuditEvent,
  EventScan,
  Field,
  JsonObject,
  JsonValue,
  Level,
  ObjectReference,
  ResponseStatus,
  Stage,
  UserInfo,
  ValueRange,
} from "@auditsieve/audit";
import { headOf } from "@auditsieve/detect";
import type { BodyName, HeadField, HeadView, PartlyParsed } from "@auditsieve/detect";
import { readHead } from "./scan-head.ts";

const BODIES: readonly [BodyName, BodyName] = ["requestObject", "responseObject"];
const NULL = Buffer.from("null");
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
/** An escape that may spell any letter of a key. */
const ESCAPE = Buffer.from("\\u");
/** Keys that are spelled in one way only but for that. */
const PLAIN = /^[\w.-]+$/;

/**
 * The event last scanned by `scan`, whose line is `line`. What is asked for is parsed when it is first read, and only then: a
 * field of the head, a body, or (by `toJSON`) all but the bodies. It outlives what `scan` holds. Give the `scanHead` of that scan where
 * there is one: it remembers heads.
 *
 * @example
 * const event = scannedEvent(scan, line);
 * event.objectRef?.name; // parses objectRef
 */
export function scannedEvent(scan: EventScan, line: Buffer, head?: HeadView): AuditEvent & PartlyParsed {
  // What is absent reads as undefined.
  return new ScannedEvent(scan, line, head) as AuditEvent & PartlyParsed;
}

/** Of the event that was asked last: mostly one is read after another. */
const indexes: Readonly<Record<BodyName, { readonly index: MemberIndex; of: ScannedEvent | undefined }>> = {
  requestObject: { index: new MemberIndex(), of: undefined },
  responseObject: { index: new MemberIndex(), of: undefined },
};

class ScannedEvent implements PartlyParsed, Partial<Record<keyof AuditEvent, unknown>> {
  readonly #scan: EventScan;
  /** The scan's count while it holds this event. */
  readonly #held: number;
  readonly #line: Buffer;
  readonly #head: HeadView | undefined;
  /** Where the bodies stand in the line: `from, to` of the request's and the response's, 0 where there is none. */
  readonly #bodies: readonly [number, number, number, number];
  #values: Map<Field, unknown> | undefined;
  #stageTimestamp: string | undefined;
  #plain: AuditEvent | undefined;
  /** Whether a null stands outside the bodies, and whether one stands in objectRef. */
  #hasNull: boolean | undefined;
  #refHasNull: boolean | undefined;
  /** The bodies' bytes; null where escapes may hide a key. */
  #searched: Record<BodyName, Buffer | null | undefined> | undefined;

  constructor(scan: EventScan, line: Buffer, head: HeadView | undefined) {
    this.#scan = scan;
    this.#held = scan.scans;
    this.#line = line;
    this.#head = head;
    const [request, response] = BODIES;
    this.#bodies = [
      scan.has(request) ? scan.valueStart(request) - scan.start : 0,
      scan.has(request) ? scan.valueEnd(request) - scan.start : 0,
      scan.has(response) ? scan.valueStart(response) - scan.start : 0,
      scan.has(response) ? scan.valueEnd(response) - scan.start : 0,
    ];
  }

  get kind(): string | undefined {
    return this.toJSON().kind;
  }

  get apiVersion(): string | undefined {
    return this.toJSON().apiVersion;
  }

  get level(): Level {
    return this.get("level") as Level;
  }

  get auditID(): string {
    return this.#text("auditID") as string;
  }

  get stage(): Stage {
    return this.get("stage") as Stage;
  }

  get requestURI(): string {
    return this.get("requestURI") as string;
  }

  get verb(): string {
    return this.get("verb") as string;
  }

  get user(): UserInfo {
    return this.#object("user") as UserInfo;
  }

  get impersonatedUser(): UserInfo | undefined {
    return this.#object("impersonatedUser") as UserInfo | undefined;
  }

  get authenticationMetadata(): JsonObject | undefined {
    return this.toJSON().authenticationMetadata;
  }

  get sourceIPs(): readonly string[] | undefined {
    return this.#object("sourceIPs") as readonly string[] | undefined;
  }

  get userAgent(): string | undefined {
    return this.get("userAgent") as string | undefined;
  }

  get objectRef(): ObjectReference | undefined {
    return this.#object("objectRef") as ObjectReference | undefined;
  }

  get responseStatus(): ResponseStatus | undefined {
    return this.#object("responseStatus") as ResponseStatus | undefined;
  }

  get requestObject(): JsonValue | undefined {
    return this.#body("requestObject");
  }

  get responseObject(): JsonValue | undefined {
    return this.#body("responseObject");
  }

  get requestReceivedTimestamp(): string | undefined {
    return this.#text("requestReceivedTimestamp");
  }

  get stageTimestamp(): string | undefined {
    return (this.#stageTimestamp ??= this.#text("stageTimestamp"));
  }

  get annotations(): Readonly<Record<string, string>> | undefined {
    return this.#object("annotations") as Readonly<Record<string, string>> | undefined;
  }

  /** The event as the plain object that its line says, its bodies parsed when they are first read. */
  toJSON(): AuditEvent {
    return (this.#plain ??= this.#parse());
  }

  lacks(body: BodyName, ending: string, keys: readonly string[] = []): boolean {
    const [from, to] = this.#rangeOf(body);
    const needle = to === 0 ? undefined : needleOf(ending);
    if (needle === undefined || this.#values?.has(body) === true) {
      return false;
    }
    if (keys.length > 0) {
      const range = this.#find(body, keys);
      const part = range && this.#line.subarray(range.start, range.end);
      return part !== undefined && !part.includes(needle) && !part.includes(ESCAPE);
    }
    this.#searched ??= { requestObject: undefined, responseObject: undefined };
    let bytes = this.#searched[body];
    if (bytes === undefined) {
      const whole = this.#line.subarray(from, to);
      bytes = whole.includes(ESCAPE) ? null : whole;
      this.#searched[body] = bytes;
    }
    return bytes?.includes(needle) === false;
  }

  part(body: BodyName, keys: readonly string[]): JsonValue | undefined {
    const [, to] = this.#rangeOf(body);
    if (to === 0 || this.#values?.has(body) === true) {
      return keys.reduce<JsonValue | undefined>(
        (value, key) => (isJsonObject(value) ? own(value, key) : undefined),
        this.#body(body),
      );
    }
    const range = this.#find(body, keys);
    return range && this.#parsed(range);
  }

  spelling(body: BodyName, maxLength: number): string | undefined {
    const [from, to] = this.#rangeOf(body);
    return to === 0 || to - from > maxLength ? undefined : this.#line.toString("latin1", from, to);
  }

  listsObjects(body: BodyName, keys: readonly string[]): boolean {
    const [, to] = this.#rangeOf(body);
    const range = to === 0 ? undefined : this.#find(body, keys);
    return range !== undefined && this.#line[range.start] === OPEN_LIST && this.#line[range.start + 1] === OPEN_OBJECT;
  }

  get(field: HeadField): JsonValue | undefined {
    if (this.#scan.scans === this.#held) {
      const value = this.#head === undefined ? readHead(this.#scan, field) : this.#head.get(field);
      if (value !== undefined || this.#isAbsent(field)) {
        return value;
      }
    }
    return headOf(this.toJSON()).get(field);
  }

  #find(body: BodyName, keys: readonly string[]): ValueRange | undefined {
    const place = indexes[body];
    if (place.of !== this) {
      place.index.load(this.#line, ...this.#rangeOf(body));
      place.of = this;
    }
    return place.index.find(keys);
  }

  #parsed({ start, end }: ValueRange): JsonValue {
    const text = this.#line.toString("utf8", start, end);
    return text.startsWith('"') && !text.includes("\\") ? text.slice(1, -1) : (JSON.parse(text) as JsonValue);
  }

  #text(field: "auditID" | "requestReceivedTimestamp" | "stageTimestamp"): string | undefined {
    return this.#isHeld(field) ? this.#scan.text(field) : this.#absent(field);
  }

  /** A field that the scan has no value of: it is absent or null, or the scan has gone on. */
  #absent<Key extends Field & keyof AuditEvent>(field: Key): AuditEvent[Key] | undefined {
    return this.#isAbsent(field) ? undefined : this.toJSON()[field];
  }

  /** Whether a field that the scan has no value of is not there. False says nothing: it may be null, or the scan has gone on. */
  #isAbsent(field: Field | HeadField): boolean {
    if (this.#plain !== undefined || this.#scan.scans !== this.#held) {
      return false;
    }
    if (field.startsWith("objectRef.") && this.#scan.has("objectRef")) {
      const scan = this.#scan;
      this.#refHasNull ??= hasNull(scan.bytes, scan.valueStart("objectRef"), scan.valueEnd("objectRef"));
      return !this.#refHasNull;
    }
    this.#hasNull ??= this.#isOutsideBodies(NULL);
    return !this.#hasNull;
  }

  #isOutsideBodies(bytes: Buffer): boolean {
    const [, request, , response] = this.#bodies;
    if (request === 0 && response === 0) {
      return this.#line.includes(bytes);
    }
    let at = 0;
    for (const { from, to } of this.#bodiesInOrder()) {
      if (this.#line.subarray(at, from).includes(bytes)) {
        return true;
      }
      at = to;
    }
    return this.#line.subarray(at).includes(bytes);
  }

  /** Whether the scan still has the field. */
  #isHeld(field: Field): boolean {
    return this.#plain === undefined && this.#scan.scans === this.#held && this.#scan.has(field);
  }

  #object(field: ObjectField): unknown {
    const known = this.#values?.get(field);
    if (known !== undefined) {
      return known;
    }
    if (!this.#isHeld(field)) {
      return this.#absent(field);
    }
    const value = this.#scan.value(field);
    (this.#values ??= new Map()).set(field, value);
    return value;
  }

  #rangeOf(body: BodyName): readonly [from: number, to: number] {
    const [requestFrom, requestTo, responseFrom, responseTo] = this.#bodies;
    return body === "requestObject" ? [requestFrom, requestTo] : [responseFrom, responseTo];
  }

  #body(field: BodyName): JsonValue | undefined {
    const [from, to] = this.#rangeOf(field);
    if (to === 0) {
      return this.#absent(field);
    }
    const values = (this.#values ??= new Map<Field, unknown>());
    if (!values.has(field)) {
      values.set(field, JSON.parse(this.#line.toString("utf8", from, to)));
    }
    return values.get(field) as JsonValue;
  }

  #bodiesInOrder(): readonly { readonly field: BodyName; readonly from: number; readonly to: number }[] {
    return BODIES.map((field) => {
      const [from, to] = this.#rangeOf(field);
      return { field, from, to };
    })
      .filter(({ to }) => to > 0)
      .sort((a, b) => a.from - b.from);
  }

  #parse(): AuditEvent {
    const line = this.#line;
    const bodies = this.#bodiesInOrder();
    let text = "";
    let at = 0;
    for (const { from, to } of bodies) {
      text += `${line.toString("utf8", at, from)}null`;
      at = to;
    }
    const event = JSON.parse(text + line.toString("utf8", at)) as AuditEvent;
    for (const { field } of bodies) {
      Object.defineProperty(event, field, { enumerable: true, configurable: true, get: () => this.#body(field) });
    }
    return event;
  }
}

type ObjectField = "user" | "impersonatedUser" | "sourceIPs" | "objectRef" | "responseStatus" | "annotations";

/** Whether `null` stands there, if only within a text. A few bytes are looked through sooner than Node is asked to. */
function hasNull(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] === 0x6e && bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c) {
      return true;
    }
  }
  return false;
}

const needles = new Map<string, Buffer>();
/** Detections look for a few hundred. */
const MAX_NEEDLES = 4096;

/** The end of a key in JSON; undefined where it may be spelled in several ways. */
function needleOf(ending: string): Buffer | undefined {
  let needle = needles.get(ending);
  if (needle === undefined && PLAIN.test(ending)) {
    if (needles.size >= MAX_NEEDLES) {
      needles.clear();
    }
    needle = Buffer.from(`${ending}"`);
    needles.set(ending, needle);
  }
  return needle;
}
