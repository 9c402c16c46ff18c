import { API_VERSION, EVENT_KIND, LEVELS, STAGES } from "./event.ts";
import { isWrapped } from "./recognise.ts";
import type { Level, Stage } from "./event.ts";
import {
  BACKSLASH,
  CLOSE_OBJECT,
  COMMA,
  OPEN_OBJECT,
  QUOTE,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "./json/json-bytes.ts";
import type { KeyTable } from "./json/key-table.ts";
import { FIELD, FORMS, nameOf, NESTED, SLOT_COUNT, TOP } from "./scan-fields.ts";
import type { Field } from "./scan-fields.ts";
import { SCAN, SCAN_BYTES, sharedEngine } from "./scan-wasm/engine.ts";
import type { Engine } from "./scan-wasm/engine.ts";
import { isForm } from "./value-form.ts";

export type { Field } from "./scan-fields.ts";

/** The number of a field, by which {@link EventScan.slotStart} finds it. */
export function slotOf(field: Field): number {
  return FIELD[field];
}

/** How many words {@link EventScan.write} writes: what an `Int32Array` must have room for. */
export const SCAN_WORDS: number = 3 * SLOT_COUNT + 1;

/** Why a line is undecidable. */
export type Undecidable =
  | "not-json"
  | "duplicate-field"
  | "wrong-type"
  | "missing-field"
  | "not-an-audit-event"
  /** One that {@link unwrapLine} may take off. */
  | "in-an-envelope";

/**
 * Finds the fields of one audit event in its bytes without parsing it, and proves on the way that the whole line is one
 * well-formed JSON object: a torn, glued, cut or NUL-filled line is undecidable, however much its beginning looks like an event.
 * Only keys of the event itself count; what a body holds below them never does. One instance is used for every line;
 * nothing is allocated per line.
 *
 * Undecidable are also: a known field twice, a known field of another type, an event without level, stage, requestURI,
 * verb or user, another kind. Such a line must be kept by whoever drops.
 *
 * @example
 * const line = Buffer.from('{"level":"Metadata","stage":"ResponseComplete","requestURI":"/version","verb":"get","user":{"username":"jane"}}');
 * const scan = new EventScan();
 * assert.equal(scan.scan(line, 0, line.length), true);
 * assert.equal(scan.text("user.username"), "jane");
 * assert.equal(scan.stage, "ResponseComplete");
 */
export class EventScan {
  /** Buffer of the last scanned line. */
  bytes: Buffer = Buffer.alloc(0);
  /** The last scanned line is `bytes[start, end)`. */
  start = 0;
  end = 0;
  /** How many lines were scanned: what was read of the last one holds until it changes. */
  scans = 0;
  /** After a `false`: why, and about where. */
  reason: Undecidable | undefined;
  reasonField: string | undefined;
  /** For each field where in the line its value starts and ends (0: absent) and where its key starts. */
  readonly #places = new Int32Array(3 * SLOT_COUNT);
  /** Numbers of level and stage, three bits each, from 1 on; 0 where it takes a closer look to tell them. */
  #spelled = 0;
  readonly #seen = new Uint8Array(SLOT_COUNT);
  readonly #engine: Engine | undefined;
  #level: Level = "None";
  #stage: Stage = "RequestReceived";

  /** `isReference` leaves the WebAssembly out: what it finds must be what the JavaScript finds. */
  constructor(options: { readonly isReference?: boolean } = {}) {
    this.#engine = options.isReference === true ? undefined : sharedEngine();
  }

  /** Scans `bytes[start, end)`, one line without its newline. False: undecidable, see `reason`. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    this.#begin(bytes, start, end);
    if (this.#engine !== undefined && end - start <= SCAN_BYTES && this.#scanFast(this.#engine)) {
      return this.#complete() || this.#lookAtEnvelope(true);
    }
    this.#places.fill(0);
    this.#spelled = 0;
    this.#seen.fill(0);
    const open = skipSpace(bytes, start, end);
    if (open >= end || bytes[open] !== OPEN_OBJECT) {
      return this.#refuse("not-json") || this.#lookAtEnvelope(false);
    }
    const close = this.#object(open, TOP);
    if (close === -1) {
      return this.#refuse("not-json");
    }
    if (skipSpace(bytes, close, end) !== end) {
      return this.#refuse("not-json");
    }
    return this.#complete() || this.#lookAtEnvelope(true);
  }

  #begin(bytes: Buffer, start: number, end: number): void {
    this.scans++;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.reason = undefined;
    this.reasonField = undefined;
  }

  /** False says nothing: the exact scan follows and finds the reason, or that it is an event all the same. */
  #scanFast(engine: Engine): boolean {
    const { exports, memory } = engine;
    const { bytes, start, end } = this;
    bytes.copy(memory, SCAN, start, end);
    engine.loaded(this);
    const answer = exports.scanEvent(end - start);
    if (answer === 0) {
      return false;
    }
    engine.placed();
    this.#places.set(engine.places);
    this.#spelled = answer >> 1;
    return true;
  }

  /**
   * Writes what was found out about the last scanned event, for a scan in another thread that has the same bytes: {@link SCAN_WORDS}
   * from `words[at]` on.
   */
  write(words: Int32Array, at: number): void {
    words.set(this.#places, at);
    words[at + 3 * SLOT_COUNT] = LEVELS.indexOf(this.#level) + 1 + ((STAGES.indexOf(this.#stage) + 1) << 3);
  }

  /** Takes over what a scan of `bytes[start, end)` has written from `words[at]` on, as if this one had scanned the line. */
  read(words: Int32Array, at: number, bytes: Buffer, start: number, end: number): void {
    this.#begin(bytes, start, end);
    const spelled = words[at + 3 * SLOT_COUNT] as number;
    for (let i = 0; i < 3 * SLOT_COUNT; i++) {
      this.#places[i] = words[at + i] as number;
    }
    this.#spelled = spelled;
    this.#complete();
  }

  /** Level of the last scanned event. */
  get level(): Level {
    return this.#level;
  }

  /** Stage of the last scanned event. */
  get stage(): Stage {
    return this.#stage;
  }

  /** Whether the field is there and not null. */
  has(field: Field): boolean {
    return this.#places[3 * FIELD[field] + 1] !== 0;
  }

  /** First byte of the field's value in `bytes` (a string's opening quote). Meaningful only where {@link has} is true. */
  valueStart(field: Field): number {
    return (this.#places[3 * FIELD[field]] as number) + this.start;
  }

  /** Behind the last byte of the field's value. */
  valueEnd(field: Field): number {
    return this.slotEnd(FIELD[field]);
  }

  /** As {@link valueStart}, by {@link slotOf}: for those who ask about every line. */
  slotStart(slot: number): number {
    return (this.#places[3 * slot] as number) + this.start;
  }

  /** As {@link valueEnd}, by {@link slotOf}; 0 where {@link has} is false. */
  slotEnd(slot: number): number {
    const end = this.#places[3 * slot + 1] as number;
    return end === 0 ? 0 : end + this.start;
  }

  /** First byte of the field's key, its opening quote. */
  keyStart(field: Field): number {
    return this.slotKeyStart(FIELD[field]);
  }

  /** As {@link keyStart}, by {@link slotOf}. */
  slotKeyStart(slot: number): number {
    return (this.#places[3 * slot + 2] as number) + this.start;
  }

  /** The field's decoded string; undefined where it is absent. For fields that are strings. */
  text(field: Field): string | undefined {
    return this.slotText(FIELD[field]);
  }

  /** As {@link text}, by {@link slotOf}. */
  slotText(slot: number): string | undefined {
    const end = this.#places[3 * slot + 1] as number;
    if (end === 0) {
      return undefined;
    }
    const start = this.#places[3 * slot] as number;
    const raw = this.bytes.toString("utf8", this.start + start + 1, this.start + end - 1);
    return raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  /** The field's value, parsed; undefined where it is absent. */
  value(field: Field): unknown {
    return this.has(field)
      ? JSON.parse(this.bytes.toString("utf8", this.valueStart(field), this.valueEnd(field)))
      : undefined;
  }

  /** HTTP status of the answer; undefined where the event has none (RequestReceived). */
  get code(): number | undefined {
    const slot = FIELD["responseStatus.code"];
    if (this.#places[3 * slot + 1] === 0) {
      return undefined;
    }
    let code = 0;
    for (let at = this.slotStart(slot), end = this.slotEnd(slot); at < end; at++) {
      code = code * 10 + (this.bytes[at] as number) - 48;
    }
    return code;
  }

  /** Says it of a line that is in an envelope; `isObject`: it is one whole JSON object. Always false. */
  #lookAtEnvelope(isObject: boolean): false {
    if ((!isObject || this.reason !== "not-json") && isWrapped(this.bytes.subarray(this.start, this.end), isObject)) {
      this.reason = "in-an-envelope";
    }
    return false;
  }

  #refuse(reason: Undecidable, field?: string): false {
    this.reason ??= reason;
    this.reasonField ??= field;
    return false;
  }

  /** Walks the object at `open`, noting the fields of `table`. Gives the position behind it, or -1. */
  #object(open: number, table: KeyTable): number {
    const bytes = this.bytes;
    const end = this.end;
    let at = skipSpace(bytes, open + 1, end);
    if (at < end && bytes[at] === CLOSE_OBJECT) {
      return at + 1;
    }
    for (;;) {
      if (at >= end || bytes[at] !== QUOTE) {
        return -1;
      }
      const key = at;
      at = skipString(bytes, key, end);
      if (at === -1) {
        return -1;
      }
      const slot = table.find(bytes, key + 1, at - 1);
      const value = skipColon(bytes, at, end);
      if (value === -1) {
        return -1;
      }
      at = slot === -1 ? skipValue(bytes, value, end) : this.#field(slot, key, value);
      if (at === -1) {
        return -1;
      }
      if (at < end && (bytes[at] as number) <= 32) {
        at = skipSpace(bytes, at, end);
      }
      const next = at < end ? bytes[at] : 0;
      if (next === CLOSE_OBJECT) {
        return at + 1;
      }
      if (next !== COMMA) {
        return -1;
      }
      at = skipSpace(bytes, at + 1, end);
    }
  }

  /** Notes a known field whose value begins at `value`; gives the position behind the value. */
  #field(slot: number, key: number, value: number): number {
    const bytes = this.bytes;
    const end = this.end;
    const nested = NESTED[slot];
    const first = value < end ? (bytes[value] as number) : 0;
    const behind =
      nested !== undefined && first === OPEN_OBJECT ? this.#object(value, nested) : skipValue(bytes, value, end);
    if (behind === -1) {
      return -1;
    }
    if (this.#seen[slot] === 1) {
      this.#refuse("duplicate-field", nameOf(slot));
    }
    this.#seen[slot] = 1;
    if (first === 110) {
      return behind;
    }
    if (!isForm(bytes, value, behind, FORMS[slot] as number)) {
      this.#refuse("wrong-type", nameOf(slot));
    }
    this.#places[3 * slot] = value - this.start;
    this.#places[3 * slot + 1] = behind - this.start;
    this.#places[3 * slot + 2] = key - this.start;
    return behind;
  }

  #complete(): boolean {
    if (this.#spelled !== 0) {
      this.#level = LEVELS[(this.#spelled & 7) - 1] as Level;
      this.#stage = STAGES[(this.#spelled >> 3) - 1] as Stage;
      return true;
    }
    if (this.reason !== undefined) {
      return false;
    }
    if (this.has("kind") && !this.#equals("kind", KIND_BYTES)) {
      return this.#refuse("not-an-audit-event", "kind");
    }
    if (this.has("apiVersion") && !this.#equals("apiVersion", API_VERSION_BYTES)) {
      return this.#refuse("not-an-audit-event", "apiVersion");
    }
    for (const field of REQUIRED) {
      if (!this.has(field)) {
        return this.#refuse("missing-field", field);
      }
    }
    const level = this.#indexAmong("level", LEVEL_BYTES);
    const stage = this.#indexAmong("stage", STAGE_BYTES);
    if (level === -1 || stage === -1) {
      return this.#refuse("not-an-audit-event", level === -1 ? "level" : "stage");
    }
    this.#level = LEVELS[level] as Level;
    this.#stage = STAGES[stage] as Stage;
    return true;
  }

  /** Which of the names the field's value is; -1 for none. */
  #indexAmong(field: Field, names: readonly Uint8Array[]): number {
    const start = this.valueStart(field) + 1;
    const length = this.valueEnd(field) - 1 - start;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as Uint8Array;
      if (length === name.length && isAt(this.bytes, start, name)) {
        return i;
      }
    }
    // Spelled with escapes.
    return this.bytes.subarray(start, start + length).includes(BACKSLASH)
      ? names.findIndex((name) => this.text(field) === Buffer.from(name).toString())
      : -1;
  }

  #equals(field: Field, expected: readonly Uint8Array[]): boolean {
    return this.#indexAmong(field, expected) === 0;
  }
}

function isAt(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    if (bytes[start + i] !== name[i]) {
      return false;
    }
  }
  return true;
}

const REQUIRED = ["level", "stage", "requestURI", "verb", "user"] as const;
const KIND_BYTES: readonly Uint8Array[] = [Buffer.from(EVENT_KIND)];
const API_VERSION_BYTES: readonly Uint8Array[] = [Buffer.from(API_VERSION)];
const LEVEL_BYTES: readonly Uint8Array[] = LEVELS.map((level) => Buffer.from(level));
const STAGE_BYTES: readonly Uint8Array[] = STAGES.map((stage) => Buffer.from(stage));
