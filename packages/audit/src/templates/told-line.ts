import { microsecondsAt, timeAt } from "../event-time.ts";
import { BACKSLASH } from "../json/json-bytes.ts";
import type { KeyPaths } from "../key-paths.ts";
import { isAt, MemberIndex, walkObject } from "../member-index.ts";
import type { Field } from "../scan-fields.ts";
import type { EventScan } from "../scan.ts";
import type { Engine } from "../scan-wasm/engine.ts";

// Words behind CONTROL (assembly/memory.ts, assembly/told.ts).
const TOLD = 0x40 / 4;
const AUDIT_ID = TOLD;
const AUDIT_ID_END = TOLD + 1;
const OBJECT_LENGTH = TOLD + 2;
const REQUEST = TOLD + 3;
const TIME = TOLD + 4;
const TIME_END = TOLD + 5;
const BODIES_END = TOLD + 6;
const LINE = TOLD + 7;
const BEHIND = TOLD + 8;
const URI = TOLD + 9;
const URI_END = TOLD + 10;
const NAME = TOLD + 11;
const NAME_END = TOLD + 12;
const RECEIVED = TOLD + 13;
const RECEIVED_END = TOLD + 14;
const BODY = TOLD + 15;
const NOWHERE = -1;
const OBJECT = 0x1_3000;
// assembly/moment.ts: a number, and the words behind it.
const MOMENT = 0x1_0080;
const ID_HASH = 0x88 / 4;
const OBJECT_HASH = 0x8c / 4;
/** Before a line is learned: places of {@link IN_HEAD}, then of these. */
const REQUEST_KEY = TOLD + 4;
const TIME_START = TOLD + 5;
const RECEIVED_START = TOLD + 6;
const REQUEST_VALUE = TOLD + 7;
const HAS_BODIES = TOLD + 8;

const IN_HEAD = ["auditID", "requestURI", "objectRef.namespace", "objectRef.name"] as const satisfies readonly Field[];
const QUESTION = 0x3f;
const BETWEEN = ',"responseObject":';

/** Where the bodies of an event stand in the bytes that hold its line: `from, to` of the request's and the response's, 0 where there is none. */
export type BodyPlaces = readonly [number, number, number, number];

const NO_BODIES: BodyPlaces = [0, 0, 0, 0];

/** A line that was taken and of which somebody must be told: what of it is asked for is read where it stands. */
export class ToldLine {
  readonly #engine: Engine;
  readonly #index = new MemberIndex();
  readonly #moments: Float64Array;
  #time: number | undefined;
  #bytes: Buffer | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#moments = new Float64Array(engine.exports.memory.buffer, MOMENT, 1);
  }

  /** Another line was taken. */
  renew(): void {
    this.#time = undefined;
    this.#bytes = undefined;
  }

  get auditID(): string {
    return this.#text(AUDIT_ID, AUDIT_ID_END);
  }

  /** As `hashOfID` gives it of the auditID. */
  get idHash(): number {
    return this.#word(ID_HASH);
  }

  /** As `timeOf` gives it, from its stageTimestamp. */
  get time(): number {
    const micros = this.#moments[0] as number;
    return micros >= 0 ? Math.floor(micros / 1000) : (this.#time ??= this.#timeAt());
  }

  /** The same in microseconds. */
  get micros(): number {
    const micros = this.#moments[0] as number;
    return micros >= 0
      ? micros
      : microsecondsAt(this.#engine.memory, this.#word(TIME), this.#word(TIME_END), this.time);
  }

  #timeAt(): number {
    return timeAt(this.#engine.memory, this.#word(TIME), this.#word(TIME_END));
  }

  get stageTimestamp(): string {
    return this.#text(TIME, TIME_END);
  }

  get requestURI(): string {
    const text = this.#engine.memory.toString("utf8", this.#word(URI), this.#word(URI_END));
    return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
  }

  /** Whether its {@link requestURI} is this text: mostly none is made for that. */
  isRequestURI(text: string): boolean {
    // Taking them out of a list would walk over it by an iterator, each time.
    const start = this.#word(URI);
    const end = this.#word(URI_END);
    const excess = end - start - text.length;
    if (excess <= 0) {
      // An escape is longer than what it spells.
      return excess === 0 && isAt(this.#engine.memory, start, text) && !text.includes("\\");
    }
    return isSpelling(this.#engine.memory, start, end, text) ?? this.requestURI === text;
  }

  /** Whether its {@link requestURI} has no query; false says nothing. */
  get isWithoutQuery(): boolean {
    const { memory } = this.#engine;
    const end = this.#word(URI_END);
    for (let at = this.#word(URI); at < end; at++) {
      const byte = memory[at];
      // An escape may spell any character.
      if (byte === QUESTION || byte === BACKSLASH) {
        return false;
      }
    }
    return true;
  }

  /** Whether its {@link requestReceivedTimestamp} is this text. */
  isReceivedAt(text: string): boolean {
    const start = this.#word(RECEIVED);
    const end = this.#word(RECEIVED_END);
    return start !== 0 && end - start === text.length && isAt(this.#engine.memory, start, text);
  }

  /** The name in objectRef. */
  get name(): string | undefined {
    return this.#word(NAME) === 0 ? undefined : this.#text(NAME, NAME_END);
  }

  get requestReceivedTimestamp(): string | undefined {
    return this.#word(RECEIVED) === 0 ? undefined : this.#text(RECEIVED, RECEIVED_END);
  }

  /** `namespace/name` of the object that the request is for; only where it has both. */
  get object(): string {
    return this.#engine.memory.toString("latin1", OBJECT, OBJECT + this.#word(OBJECT_LENGTH));
  }

  /** As `hashOfObject` makes it of that. */
  get objectHash(): number {
    return this.#word(OBJECT_HASH);
  }

  /** Whether its {@link object} is this text in plain ASCII: mostly none is made for that. */
  isObject(text: string): boolean {
    return this.#word(OBJECT_LENGTH) === text.length && isAt(this.#engine.memory, OBJECT, text);
  }

  /** Looks for the paths in the requestObject; none are found where there is none, or no JSON, which only a verified line is sure to be. */
  find(paths: KeyPaths): void {
    const request = this.#word(REQUEST);
    if (request === 0) {
      paths.findParsed(undefined);
    } else {
      this.#index.load(this.#engine.memory, request, this.#word(BODIES_END));
      paths.find(this.#index);
    }
  }

  /** Whether it is known where bodies begin, if there are any. */
  get isBodyFound(): boolean {
    return this.#word(BODY) !== NOWHERE;
  }

  /**
   * Where the bodies stand in {@link memory}; undefined where {@link isBodyFound} is false, or something else stands there. An index of the second one is
   * best loaded by this very list. What stands there is
   * balanced, but perhaps no JSON: only a verified line is sure to be.
   */
  get bodies(): BodyPlaces | undefined {
    const body = this.#word(BODY);
    if (body === 0 || body === NOWHERE) {
      return body === 0 ? NO_BODIES : undefined;
    }
    const { exports, memory } = this.#engine;
    const end = this.#word(BODIES_END);
    const isRequest = this.#word(REQUEST) !== 0;
    const behind = exports.skipBracketed(body);
    if (behind === end) {
      return isRequest ? [body, end, 0, 0] : [0, 0, body, end];
    }
    const answer = behind + BETWEEN.length;
    if (!isRequest || behind === 0 || answer >= end || !isAt(memory, behind, BETWEEN)) {
      return undefined;
    }
    const places: BodyPlaces = [body, behind, answer, end];
    return walkObject(this.#engine, answer, end, places) || exports.skipBracketed(answer) === end ? places : undefined;
  }

  /** In which the line stands. */
  get memory(): Buffer {
    return this.#engine.memory;
  }

  /** The line without its newline. It stays there until other lines are loaded. Of most lines it is never asked for: making it takes long. */
  get bytes(): Buffer {
    return (this.#bytes ??= this.#engine.memory.subarray(this.#word(LINE), this.#word(BEHIND) - 1));
  }

  /** How many {@link bytes} it has. */
  get length(): number {
    return this.#word(BEHIND) - 1 - this.#word(LINE);
  }

  #text(start: number, end: number): string {
    return this.#engine.memory.toString("latin1", this.#word(start), this.#word(end));
  }

  #word(word: number): number {
    return this.#engine.control[word] as number;
  }
}

/**
 * Writes down where the event in `scan` has what a {@link ToldLine} gives, for the module to find it in lines like it; `shift` is added to
 * places. False where that cannot be found so: something of it is in another order, or spelled with escapes or beyond ASCII.
 */
export function placeTold(scan: EventScan, control: Int32Array, shift: number): boolean {
  const isTold = (field: Field): boolean => !scan.has(field) || isPlain(scan, field, field === "requestURI");
  if (!scan.has("auditID") || !scan.has("requestURI") || !scan.has("stageTimestamp")) {
    return false;
  }
  if (![...IN_HEAD, "stageTimestamp" as const, "requestReceivedTimestamp" as const].every(isTold)) {
    return false;
  }
  let last = 0;
  for (let i = 0; i < IN_HEAD.length; i++) {
    const field = IN_HEAD[i] as Field;
    const start = scan.has(field) ? scan.valueStart(field) : undefined;
    if (start !== undefined && start < last) {
      return false;
    }
    last = start ?? last;
    control[AUDIT_ID + i] = start === undefined ? 0 : start + shift;
  }
  const hasRequest = scan.has("requestObject");
  const hasResponse = scan.has("responseObject");
  const request = hasRequest ? scan.keyStart("requestObject") : Number.POSITIVE_INFINITY;
  if (request < last || (hasRequest && hasResponse && scan.keyStart("responseObject") < request)) {
    return false;
  }
  const received = scan.has("requestReceivedTimestamp") ? scan.valueStart("requestReceivedTimestamp") : undefined;
  const time = scan.valueStart("stageTimestamp");
  if ((received ?? last) < last || time < (received ?? last)) {
    return false;
  }
  control[REQUEST_KEY] = hasRequest ? request + shift : 0;
  control[TIME_START] = time + shift;
  control[RECEIVED_START] = received === undefined ? 0 : received + shift;
  control[REQUEST_VALUE] = hasRequest ? scan.valueStart("requestObject") - request : 0;
  control[HAS_BODIES] = hasRequest || hasResponse ? 1 : 0;
  return true;
}

/** How Go spells the sign between the parameters of a query. */
const AMPERSAND = "\\u0026";

/** Whether the plain ASCII that stands there spells the text in a string of JSON; undefined where it has other escapes than {@link AMPERSAND}. */
function isSpelling(bytes: Buffer, start: number, end: number, text: string): boolean | undefined {
  let at = start;
  for (let i = 0; i < text.length; i++) {
    const byte = at < end ? bytes[at] : undefined;
    if (byte === BACKSLASH) {
      if (!isAt(bytes, at, AMPERSAND)) {
        return undefined;
      }
      if (text[i] !== "&") {
        return false;
      }
      at += AMPERSAND.length;
    } else if (byte !== text.charCodeAt(i)) {
      return false;
    } else {
      at++;
    }
  }
  return at === end;
}

function isPlain(scan: EventScan, field: Field, mayBeEscaped: boolean): boolean {
  return scan.bytes
    .subarray(scan.valueStart(field), scan.valueEnd(field))
    .every((byte) => byte >= 32 && byte < 127 && (mayBeEscaped || byte !== BACKSLASH));
}
