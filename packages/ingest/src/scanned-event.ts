import { findMember, isJsonObject, membersOf, own } from "@auditsieve/audit";
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
import type { BodyName, PartlyParsed } from "@auditsieve/detect";

const BODIES: readonly [BodyName, BodyName] = ["requestObject", "responseObject"];
const NULL = Buffer.from("null");
/** An escape that may spell any letter of a key. */
const ESCAPE = Buffer.from("\\u");
const NO_MEMBERS: ReadonlyMap<string, ValueRange> = new Map();
/** Keys that are spelled in one way only but for that. */
const PLAIN = /^[\w.-]+$/;

/**
 * The event last scanned by `scan`, whose line is `line`. What is asked for is parsed when it is first read, and only then: a
 * field of the head, a body, or (by `toJSON`) all but the bodies. It outlives what `scan` holds.
 *
 * @example
 * const event = scannedEvent(scan, line);
 * event.objectRef?.name; // parses objectRef
 */
export function scannedEvent(scan: EventScan, line: Buffer): AuditEvent & PartlyParsed {
  // What is absent reads as undefined.
  return new ScannedEvent(scan, line) as AuditEvent & PartlyParsed;
}

class ScannedEvent implements PartlyParsed, Partial<Record<keyof AuditEvent, unknown>> {
  readonly #scan: EventScan;
  /** The scan's count while it holds this event. */
  readonly #held: number;
  readonly #line: Buffer;
  /** Where the bodies stand in the line: `from, to` of the request's and the response's, 0 where there is none. */
  readonly #bodies: readonly [number, number, number, number];
  readonly #values = new Map<Field, unknown>();
  #plain: AuditEvent | undefined;
  /** Whether a null stands outside the bodies. */
  #hasNull: boolean | undefined;
  /** The bodies' bytes; undefined where escapes may hide a key. */
  #searched: Map<BodyName, Buffer | undefined> | undefined;
  #members: Map<BodyName, ReadonlyMap<string, ValueRange>> | undefined;

  constructor(scan: EventScan, line: Buffer) {
    this.#scan = scan;
    this.#held = scan.scans;
    this.#line = line;
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
    return this.#text("level") as Level;
  }

  get auditID(): string {
    return this.#text("auditID") as string;
  }

  get stage(): Stage {
    return this.#text("stage") as Stage;
  }

  get requestURI(): string {
    return this.#text("requestURI") as string;
  }

  get verb(): string {
    return this.#text("verb") as string;
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
    return this.#text("userAgent");
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
    return this.#text("stageTimestamp");
  }

  get annotations(): Readonly<Record<string, string>> | undefined {
    return this.#object("annotations") as Readonly<Record<string, string>> | undefined;
  }

  /** The event as the plain object that its line says, its bodies parsed when they are first read. */
  toJSON(): AuditEvent {
    return (this.#plain ??= this.#parse());
  }

  lacks(body: BodyName, ending: string): boolean {
    const [from, to] = this.#rangeOf(body);
    if (to === 0 || this.#values.has(body) || !PLAIN.test(ending)) {
      return false;
    }
    this.#searched ??= new Map();
    let bytes = this.#searched.get(body);
    if (bytes === undefined && !this.#searched.has(body)) {
      const whole = this.#line.subarray(from, to);
      bytes = whole.includes(ESCAPE) ? undefined : whole;
      this.#searched.set(body, bytes);
    }
    return bytes?.includes(needleOf(ending)) === false;
  }

  part(body: BodyName, keys: readonly string[]): JsonValue | undefined {
    const [from, to] = this.#rangeOf(body);
    if (to === 0 || this.#values.has(body)) {
      return keys.reduce<JsonValue | undefined>(
        (value, key) => (isJsonObject(value) ? own(value, key) : undefined),
        this.#body(body),
      );
    }
    const [first, ...others] = keys;
    const member = first === undefined ? { start: from, end: to } : this.#membersOf(body)?.get(first);
    const range = member && findMember(this.#line, member.start, member.end, others);
    return range && (JSON.parse(this.#line.toString("utf8", range.start, range.end)) as JsonValue);
  }

  /** What stands in the body, found once: several parts of it are asked for. */
  #membersOf(body: BodyName): ReadonlyMap<string, ValueRange> | undefined {
    this.#members ??= new Map();
    let members = this.#members.get(body);
    if (members === undefined) {
      members = membersOf(this.#line, ...this.#rangeOf(body)) ?? NO_MEMBERS;
      this.#members.set(body, members);
    }
    return members;
  }

  #text(field: "level" | "auditID" | "stage" | "requestURI" | "verb" | TextField): string | undefined {
    return this.#isHeld(field) ? this.#scan.text(field) : this.#absent(field);
  }

  /** A field that the scan has no value of: it is absent or null, or the scan has gone on. */
  #absent<Key extends keyof AuditEvent>(field: Key): AuditEvent[Key] | undefined {
    if (this.#plain === undefined && this.#scan.scans === this.#held) {
      this.#hasNull ??= this.#isOutsideBodies(NULL);
      if (!this.#hasNull) {
        return undefined;
      }
    }
    return this.toJSON()[field];
  }

  #isOutsideBodies(bytes: Buffer): boolean {
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
    const known = this.#values.get(field);
    if (known !== undefined) {
      return known;
    }
    if (!this.#isHeld(field)) {
      return this.#absent(field);
    }
    const value = this.#scan.value(field);
    this.#values.set(field, value);
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
    if (!this.#values.has(field)) {
      this.#values.set(field, JSON.parse(this.#line.toString("utf8", from, to)));
    }
    return this.#values.get(field) as JsonValue;
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

type TextField = "userAgent" | "requestReceivedTimestamp" | "stageTimestamp";
type ObjectField = "user" | "impersonatedUser" | "sourceIPs" | "objectRef" | "responseStatus" | "annotations";

const needles = new Map<string, Buffer>();
/** Detections look for a few hundred. */
const MAX_NEEDLES = 4096;

/** The end of a key in JSON. */
function needleOf(ending: string): Buffer {
  const needle = needles.get(ending) ?? Buffer.from(`${ending}"`);
  if (needles.size >= MAX_NEEDLES) {
    needles.clear();
  }
  needles.set(ending, needle);
  return needle;
}
