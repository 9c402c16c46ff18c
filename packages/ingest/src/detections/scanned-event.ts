import { hashOfID, microseconds, timeOf } from "@auditsieve/audit";
import type {
  AuditEvent,
  EventScan,
  Field,
  JsonObject,
  JsonValue,
  KeyEndings,
  KeyPaths,
  Level,
  ObjectReference,
  ResponseStatus,
  Stage,
  UserInfo,
} from "@auditsieve/audit";
import { headOf } from "@auditsieve/detect";
import type { BodyName, HeadField, HeadView, PartlyParsed } from "@auditsieve/detect";
import { BODIES, EventBodies } from "./event-bodies.ts";
import { EventTexts } from "./event-texts.ts";
import { readHead } from "./scan-head.ts";
import type { SharedHead } from "./told-event.ts";

const NULL = Buffer.from("null");

/**
 * The event last scanned by `scan`, whose line is `line`. What is asked for is parsed when it is first read, and only then: a
 * field of the head, a body, or (by `toJSON`) all but the bodies. It outlives what `scan` holds. Give the `scanHead` of that scan where
 * there is one: it remembers heads. Of an event that is known to be like others also what is `shared` by their heads.
 *
 * @example
 * const event = scannedEvent(scan, line);
 * event.objectRef?.name; // parses objectRef
 */
export function scannedEvent(
  scan: EventScan,
  line: Buffer,
  head?: HeadView,
  shared?: SharedHead,
): AuditEvent & PartlyParsed {
  // What is absent reads as undefined.
  return new ScannedEvent(scan, line, head, shared) as AuditEvent & PartlyParsed;
}

class ScannedEvent implements PartlyParsed, Partial<Record<keyof AuditEvent, unknown>> {
  readonly #scan: EventScan;
  /** The scan's count while it holds this event. */
  readonly #held: number;
  readonly #line: Buffer;
  readonly #head: HeadView | undefined;
  readonly #shared: SharedHead | undefined;
  readonly #bodies: EventBodies;
  #values: Map<Field, unknown> | undefined;
  #stageTimestamp: string | undefined;
  #plain: AuditEvent | undefined;
  #texts: EventTexts | undefined;
  /** Whether a null stands outside the bodies, and whether one stands in objectRef. */
  #hasNull: boolean | undefined;
  #refHasNull: boolean | undefined;

  constructor(scan: EventScan, line: Buffer, head: HeadView | undefined, shared: SharedHead | undefined) {
    this.#scan = scan;
    this.#held = scan.scans;
    this.#line = line;
    this.#head = head;
    this.#shared = shared;
    this.#bodies = bodiesOf(scan, line);
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

  isRequestURI(text: string): boolean {
    return this.requestURI === text;
  }

  /** Nothing is saved by another answer. */
  isWithoutQuery(): boolean {
    return false;
  }

  isReceivedAt(text: string): boolean {
    return this.requestReceivedTimestamp === text;
  }

  get time(): number {
    return timeOf(this as AuditEvent);
  }

  get micros(): number {
    return microseconds(this.stageTimestamp ?? this.requestReceivedTimestamp);
  }

  get idHash(): number {
    return hashOfID(this.auditID);
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

  has(body: BodyName): boolean {
    return this.#bodies.has(body) || this.#absent(body) !== undefined;
  }

  isMissing(body: BodyName): boolean {
    return this.#bodies.isMissing(body);
  }

  lacksAll(body: BodyName, endings: KeyEndings): boolean {
    return this.#bodies.lacksAll(body, endings);
  }

  find(body: BodyName, paths: KeyPaths): void {
    this.#bodies.find(body, paths);
  }

  part(body: BodyName, keys: readonly string[]): JsonValue | undefined {
    return this.#bodies.part(body, keys);
  }

  isObject(body: BodyName): boolean {
    return this.#bodies.isObject(body);
  }

  member(body: BodyName, key: string): JsonValue | undefined {
    return this.#bodies.member(body, key);
  }

  holdsNone(texts: readonly string[]): boolean {
    return (this.#texts ??= new EventTexts(this.#line)).holdNone(texts);
  }

  spelling(body: BodyName, maxLength: number): string | undefined {
    return this.#bodies.spelling(body, maxLength);
  }

  get(field: HeadField): JsonValue | undefined {
    if (this.#shared !== undefined && field !== "requestURI" && field !== "objectRef.name") {
      return this.#shared.get(field);
    }
    if (this.#scan.scans === this.#held) {
      const value = this.#head === undefined ? readHead(this.#scan, field) : this.#head.get(field);
      if (value !== undefined || this.#isAbsent(field)) {
        return value;
      }
    }
    return headOf(this.toJSON()).get(field);
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
    this.#hasNull ??= this.#bodies.isOutside(NULL);
    return !this.#hasNull;
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

  #body(field: BodyName): JsonValue | undefined {
    return this.#bodies.to(field) === 0 ? this.#absent(field) : this.#bodies.value(field);
  }

  #parse(): AuditEvent {
    const line = this.#line;
    const bodies = this.#bodies.inOrder();
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

/** The bodies of the event that `scan` holds, whose line is `line`. */
export function bodiesOf(scan: EventScan, line: Buffer): EventBodies {
  const [request, response] = BODIES;
  return new EventBodies(line, [
    scan.has(request) ? scan.valueStart(request) - scan.start : 0,
    scan.has(request) ? scan.valueEnd(request) - scan.start : 0,
    scan.has(response) ? scan.valueStart(response) - scan.start : 0,
    scan.has(response) ? scan.valueEnd(response) - scan.start : 0,
  ]);
}

/** Whether a null stands outside the bodies of the event that `scan` holds, if only within a text. */
export function hasNullOutsideBodies(scan: EventScan, line: Buffer): boolean {
  return bodiesOf(scan, line).isOutside(NULL);
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
