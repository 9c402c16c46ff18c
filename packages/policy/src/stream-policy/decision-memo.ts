import type { EventScan, Field } from "@auditsieve/audit";

const FIRST_SLOTS = 8192;
const MAX_ENTRIES = 32_768;
const MAX_KEY_BYTES = 4096;
const MAX_TOTAL_BYTES = 8 * 1024 * 1024;
/** Up to that length a loop is faster than a call. */
const SHORT_BYTES = 32;
const QUESTION_MARK = 63;

/** Every field that a policy looks at; stream conditions may look at more. */
export const KEY_FIELDS: readonly Field[] = [
  "level",
  "stage",
  "verb",
  "user.username",
  "user.groups",
  "requestURI",
  "responseStatus.code",
];
const PERCENT = 37;
const AMPERSAND = 38;
const SIX = 54;
const BACKSLASH = 92;
const CAPITAL_S = 83;
const FIELD: readonly number[] = [...Buffer.from("field")];

interface Entry<T> {
  readonly hash: number;
  readonly key: Uint8Array;
  readonly value: T;
}

/**
 * Remembers what was decided for events that are alike in all that decides. Control loops repeat a few hundred requests, so
 * nearly every event is found here; a hit compares all bytes, never a hash alone, so nothing in a log can choose another
 * event's decision. Holds at most 32,768 entries and 8 MiB of what they are found by, then starts again.
 *
 * A hit allocates nothing.
 */
export class DecisionMemo<T> {
  readonly #fields: readonly Field[];
  #slots: (Entry<T> | undefined)[] = emptySlots(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  #count = 0;
  #bytes = 0;
  readonly #words = new Int32Array(MAX_KEY_BYTES / 4);
  readonly #key = Buffer.from(this.#words.buffer);
  #length = 0;
  #hash = 0;

  /** `fields`: what decides; the rest of an event cannot change a decision. */
  constructor(fields: readonly Field[]) {
    this.#fields = fields;
  }

  /** The value remembered for events like the one last scanned. Must come before {@link set}. */
  get(scan: EventScan): T | undefined {
    if (!this.#build(scan)) {
      return undefined;
    }
    for (let slot = this.#hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot];
      if (entry === undefined) {
        return undefined;
      }
      if (entry.hash === this.#hash && this.#isKey(entry.key)) {
        return entry.value;
      }
    }
  }

  /** Remembers `value` for the event of the last {@link get}. */
  set(value: T): void {
    if (this.#length === 0) {
      return;
    }
    if (this.#count === MAX_ENTRIES || this.#bytes > MAX_TOTAL_BYTES) {
      this.#slots = emptySlots(FIRST_SLOTS);
      this.#mask = FIRST_SLOTS - 1;
      this.#count = 0;
      this.#bytes = 0;
    } else if (2 * this.#count === this.#slots.length) {
      this.#grow();
    }
    this.#put({ hash: this.#hash, key: Buffer.copyBytesFrom(this.#key, 0, this.#length), value });
    this.#count++;
    this.#bytes += this.#length;
  }

  #put(entry: Entry<T>): void {
    let slot = entry.hash & this.#mask;
    while (this.#slots[slot] !== undefined) {
      slot = (slot + 1) & this.#mask;
    }
    this.#slots[slot] = entry;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = emptySlots(2 * before.length);
    this.#mask = this.#slots.length - 1;
    for (const entry of before) {
      if (entry !== undefined) {
        this.#put(entry);
      }
    }
  }

  #isKey(key: Uint8Array): boolean {
    return key.length === this.#length && this.#key.compare(key, 0, key.length, 0, key.length) === 0;
  }

  /** False where the fields are too long to be worth remembering. */
  #build(scan: EventScan): boolean {
    const key = this.#key;
    const { bytes } = scan;
    // Managed fields can only be cut out of a body.
    let hash =
      (scan.has("impersonatedUser") ? 1 : 2) + (scan.has("requestObject") || scan.has("responseObject") ? 4 : 0);
    let length = 0;
    key[length++] = hash;
    for (const field of this.#fields) {
      // 0 stands in no JSON text, so fields cannot run into one another.
      key[length++] = 0;
      if (!scan.has(field)) {
        continue;
      }
      const start = scan.valueStart(field);
      const end = field === "requestURI" ? uriEnd(scan) : scan.valueEnd(field);
      if (length + end - start + 4 > MAX_KEY_BYTES) {
        this.#length = 0;
        return false;
      }
      if (end - start <= SHORT_BYTES) {
        for (let at = start; at < end; at++) {
          key[length++] = bytes[at] as number;
        }
      } else {
        length += bytes.copy(key, length, start, end);
      }
    }
    const words = (length + 3) >> 2;
    key.fill(0, length, 4 * words);
    for (let word = 0; word < words; word++) {
      hash = Math.imul(hash ^ (this.#words[word] as number), 0x01000193);
      hash ^= hash >>> 15;
    }
    this.#length = length;
    this.#hash = (hash ^ (hash >>> 15)) >>> 0;
    return true;
  }
}

/**
 * Behind the part of the URI that decides: the path, and the parameters of the query up to the last one that may name the object by
 * a field selector. A parameter that could spell `fieldSelector` in another way (percent signs, JSON escapes other than the three
 * that Go writes) counts too.
 */
export function uriEnd(scan: EventScan): number {
  const { bytes } = scan;
  const end = scan.valueEnd("requestURI");
  let at = scan.valueStart("requestURI");
  while (at < end && bytes[at] !== QUESTION_MARK) {
    at++;
  }
  let decides = at;
  let isSelector = false;
  for (let query = at; query < end; query++) {
    const byte = bytes[query];
    if (byte === PERCENT || (byte === CAPITAL_S && isBehindField(bytes, query))) {
      isSelector = true;
    } else if (byte === BACKSLASH && !isGoEscape(bytes, query)) {
      // It may be an ampersand as well.
      return end;
    } else if (isSelector && (byte === AMPERSAND || (byte === BACKSLASH && bytes[query + 5] === SIX))) {
      isSelector = false;
      decides = query;
    }
  }
  return isSelector ? end : decides;
}

/** `\u0026`, `\u003c` or `\u003e`. */
function isGoEscape(bytes: Uint8Array, at: number): boolean {
  const isLow = bytes[at + 4] === 50 && bytes[at + 5] === 54;
  const isHigh = bytes[at + 4] === 51 && (bytes[at + 5] === 99 || bytes[at + 5] === 101);
  return bytes[at + 1] === 117 && bytes[at + 2] === 48 && bytes[at + 3] === 48 && (isLow || isHigh);
}

/** Whether the capital S at `at` stands behind `field`. */
function isBehindField(bytes: Uint8Array, at: number): boolean {
  return FIELD.every((byte, i) => bytes[at - FIELD.length + i] === byte);
}

function emptySlots<T>(slots: number): (Entry<T> | undefined)[] {
  return Array.from({ length: slots }, () => undefined);
}
