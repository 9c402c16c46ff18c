import { slotOf } from "@auditsieve/audit";
import type { EventScan, Field, Span } from "@auditsieve/audit";
import type { UnaskedAnnotations } from "./unasked-annotations.ts";

/** They stand behind one another in what an apiserver writes, so that one copy takes all. */
const RUN: readonly number[] = slots("verb", "user", "impersonatedUser", "sourceIPs", "userAgent");
/** Of objectRef what does not change with every write. */
const SHORT = slots(
  "level",
  "stage",
  "responseStatus.code",
  "objectRef.resource",
  "objectRef.namespace",
  "objectRef.apiGroup",
  "objectRef.apiVersion",
  "objectRef.subresource",
);
const VERB = slotOf("verb");
const ANNOTATIONS = slots("annotations");
const NAMES = slots("requestURI", "objectRef.name");
/** Before the fields one by one where they do not stand behind one another: stands in no JSON text. */
const APART = 1;
/** Up to that length a loop is faster than a call. */
const SHORT_BYTES = 32;
const SLOTS = 16_384;
const MAX_ENTRIES = 8192;
const MAX_KEY_BYTES = 4096;
const MAX_TOTAL_BYTES = 8 * 1024 * 1024;
/** Where there are more, only what comes a second time becomes an entry. */
const FEW_ENTRIES = 2048;
const SEEN_ONCE = 8192;
/** Keys are mixed and compared by so many words at a time. */
const STEP = 4;
const NO_KEYS = new Int32Array(0);
/** Room for the keys of some hundred heads; it doubles. */
const FIRST_WORDS = 32 * 1024;

/** What is remembered of heads of the same bytes. */
export interface HeadEntry {
  /** From 1 on; no other entry of the memo has or had it. */
  readonly number: number;
  /** What was noted for them. */
  noted: unknown;
  /** Their decoded fields, by whoever decodes them. */
  readonly values: unknown[];
  /** What those who look at every event keep for them, each in a place of its own. */
  readonly kept: unknown[];
}

interface Entry extends HeadEntry {
  readonly hash: number;
  /** Where its key stands, in words. */
  readonly at: number;
  readonly length: number;
}

/**
 * Entries by the bytes of a key. Bounded; when it is full it starts again. What is noted for a head takes eight kilobytes and more: a log in
 * which every head is made up must not fill it with heads that never come again.
 */
class KeyTable {
  /** One more than the place of its entry; 0 for none. */
  readonly #slots = new Int32Array(SLOTS);
  #entries: Entry[] = [];
  /** The keys of all, one behind another: making an array for each took a third of the time for finding one. */
  #keys = NO_KEYS;
  #words = 0;
  #last = 0;
  /** Hashes of keys that came once while there were many entries, each where its last digits say. */
  #once: Uint32Array | undefined;

  /** `length` in words. */
  find(key: Int32Array, length: number, hash: number): Entry | undefined {
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const number = this.#slots[slot] as number;
      if (number === 0) {
        return undefined;
      }
      const entry = this.#entries[number - 1] as Entry;
      if (entry.hash === hash && entry.length === length && this.#isAt(entry.at, key, length)) {
        return entry;
      }
    }
  }

  /** An entry for a key that has none; undefined where it may never come again. */
  add(key: Int32Array, length: number, hash: number): Entry | undefined {
    if (this.#entries.length >= FEW_ENTRIES && this.#isFirst(hash)) {
      return undefined;
    }
    if (this.#entries.length === MAX_ENTRIES || this.#words > MAX_TOTAL_BYTES / 4) {
      this.#slots.fill(0);
      this.#entries = [];
      this.#keys = NO_KEYS;
      this.#words = 0;
    }
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot] !== 0) {
      slot = (slot + 1) & (SLOTS - 1);
    }
    const entry: Entry = {
      number: ++this.#last,
      hash,
      at: this.#keep(key, length),
      length,
      noted: undefined,
      values: [],
      kept: [],
    };
    this.#slots[slot] = this.#entries.push(entry);
    return entry;
  }

  #keep(key: Int32Array, length: number): number {
    const at = this.#words;
    this.#words = at + length;
    if (this.#words > this.#keys.length) {
      const grown = new Int32Array(Math.max(FIRST_WORDS, 2 * this.#keys.length));
      grown.set(this.#keys);
      this.#keys = grown;
    }
    this.#keys.set(key.subarray(0, length), at);
    return at;
  }

  /** Whether the key that stands there is this one, in whole steps. */
  #isAt(at: number, key: Int32Array, length: number): boolean {
    const keys = this.#keys;
    for (let i = 0; i < length; i += STEP) {
      const differing =
        ((key[i] as number) ^ (keys[at + i] as number)) |
        ((key[i + 1] as number) ^ (keys[at + i + 1] as number)) |
        ((key[i + 2] as number) ^ (keys[at + i + 2] as number)) |
        ((key[i + 3] as number) ^ (keys[at + i + 3] as number));
      if (differing !== 0) {
        return false;
      }
    }
    return true;
  }

  #isFirst(hash: number): boolean {
    this.#once ??= new Uint32Array(SEEN_ONCE);
    const place = hash & (SEEN_ONCE - 1);
    const isFirst = this.#once[place] !== hash;
    this.#once[place] = hash;
    return isFirst;
  }
}

/**
 * Remembers something for heads that are the same byte by byte in every field that detections read, or in all but the
 * URI and the name of the object. Control loops repeat themselves, so nearly every event is found here. A hit compares
 * all bytes, never a hash alone, and allocates nothing.
 *
 * @example
 * const memo = new HeadMemo(scan);
 * if (scan.scan(line, 0, line.length)) {
 *   memo.unnamed?.number; // the same for every line with such a head
 * }
 */
export class HeadMemo {
  readonly #scan: EventScan;
  readonly #numberOf: (() => number) | undefined;
  readonly #unasked: UnaskedAnnotations | undefined;
  readonly #tables = { whole: new KeyTable(), unnamed: new KeyTable() };
  readonly #numbered = new Map<number, Entry>();
  readonly #key = Buffer.alloc(MAX_KEY_BYTES);
  readonly #words = new Int32Array(this.#key.buffer, this.#key.byteOffset, MAX_KEY_BYTES / 4);
  /** The scan that what follows is about. */
  #built = -1;
  #unnamed: Entry | undefined;
  /** Of the key without names; 0 where it is too long to be worth remembering. */
  #length = 0;
  #hash = 0;
  #wholeLength = 0;
  #wholeHash = 0;

  /**
   * `numberOf` gives the number of the entry that another memo has for the head of the event last scanned, 0 where it has none: then
   * that stands for the bytes, which need not be gathered and compared again. Heads are alike that differ in what is `unasked`.
   */
  constructor(scan: EventScan, numberOf?: () => number, unasked?: UnaskedAnnotations) {
    this.#scan = scan;
    this.#unasked = unasked;
    this.#numberOf = numberOf;
  }

  /**
   * The entry of all heads that differ from that of the event last scanned at most in names; undefined when it is too long, or where there are
   * many and this one came for the first time.
   */
  get unnamed(): HeadEntry | undefined {
    if (this.#built === this.#scan.scans) {
      return this.#unnamed;
    }
    this.#built = this.#scan.scans;
    this.#wholeLength = 0;
    this.#unnamed = this.#numberOf === undefined ? this.#byBytes() : this.#byNumber(this.#numberOf());
    return this.#unnamed;
  }

  /** What was noted for a head like that of the event last scanned. */
  recall(part: "whole" | "unnamed"): unknown {
    const { unnamed } = this;
    if (part === "unnamed" || unnamed === undefined) {
      return unnamed?.noted;
    }
    return this.#buildWhole()
      ? this.#tables.whole.find(this.#words, this.#wholeLength >> 2, this.#wholeHash)?.noted
      : undefined;
  }

  /** Notes a value for the head of the event last scanned, for which {@link recall} found none. */
  note(part: "whole" | "unnamed", value: unknown): void {
    const { unnamed } = this;
    if (unnamed === undefined) {
      return;
    }
    if (part === "unnamed") {
      unnamed.noted = value;
    } else if (this.#buildWhole()) {
      const entry = this.#tables.whole.add(this.#words, this.#wholeLength >> 2, this.#wholeHash);
      if (entry !== undefined) {
        entry.noted = value;
      }
    }
  }

  #byBytes(): Entry | undefined {
    this.#length = this.#appendUnnamed();
    if (this.#length <= 0) {
      return undefined;
    }
    this.#hash = this.#mix(0, this.#length, this.#length);
    const table = this.#tables.unnamed;
    const words = this.#length >> 2;
    return table.find(this.#words, words, this.#hash) ?? table.add(this.#words, words, this.#hash);
  }

  #byNumber(number: number): Entry | undefined {
    if (number === 0) {
      return undefined;
    }
    this.#words.fill(0, 0, STEP);
    this.#words[0] = number;
    this.#length = 4 * STEP;
    this.#hash = Math.imul(number, 0x9e3779b1) >>> 0;
    let entry = this.#numbered.get(number);
    if (entry === undefined) {
      if (this.#numbered.size === MAX_ENTRIES) {
        this.#numbered.clear();
      }
      entry = { number, hash: this.#hash, at: 0, length: 0, noted: undefined, values: [], kept: [] };
      this.#numbered.set(number, entry);
    }
    return entry;
  }

  /** False where the names are too long. */
  #buildWhole(): boolean {
    if (this.#wholeLength === 0) {
      const length = this.#appendEach(NAMES, this.#length);
      this.#wholeLength = length === -1 ? -1 : this.#pad(length);
      this.#wholeHash = this.#mix(this.#length, this.#wholeLength, this.#hash);
    }
    return this.#wholeLength > 0;
  }

  #appendUnnamed(): number {
    const run = this.#appendRun(this.#appendEach(SHORT, 0));
    const length = run === -1 ? -1 : this.#appendAnnotations(run);
    return length === -1 ? -1 : this.#pad(length);
  }

  #appendAnnotations(from: number): number {
    const unasked = this.#unasked?.of(this.#scan);
    if (unasked === undefined || unasked.length === 0) {
      return this.#appendEach(ANNOTATIONS, from);
    }
    let at = this.#scan.slotStart(ANNOTATIONS[0] as number);
    let length = from;
    for (let i = 0; i < unasked.length && length !== -1; i++) {
      const { start, end } = unasked[i] as Span;
      length = this.#append(at, start, length);
      at = end;
    }
    return length === -1 ? -1 : this.#append(at, this.#scan.slotEnd(ANNOTATIONS[0] as number), length);
  }

  #appendRun(from: number): number {
    if (from === -1) {
      return -1;
    }
    const scan = this.#scan;
    const start = scan.slotStart(VERB);
    let end = start;
    for (let i = 0; i < RUN.length; i++) {
      const slot = RUN[i] as number;
      const behind = scan.slotEnd(slot);
      if (behind !== 0) {
        if (scan.slotStart(slot) < end) {
          this.#key[from] = APART;
          return this.#appendEach(RUN, from + 1);
        }
        end = behind;
      }
    }
    return this.#append(start, end, from);
  }

  /** Appends values to the key. Gives its length, or -1 when it is too long. */
  #appendEach(slots: readonly number[], from: number): number {
    const scan = this.#scan;
    let length = from;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const end = scan.slotEnd(slot);
      length = this.#append(end === 0 ? 0 : scan.slotStart(slot), end, length);
      if (length === -1) {
        return -1;
      }
    }
    return length;
  }

  /** Appends the scanned bytes `[start, end)`, and a 0, which stands in no JSON text: so they cannot run into what follows. */
  #append(start: number, end: number, from: number): number {
    const key = this.#key;
    const { bytes } = this.#scan;
    // The padding is never longer.
    if (from + end - start + 1 + 4 * STEP > MAX_KEY_BYTES) {
      return -1;
    }
    let length = from;
    if (end - start <= SHORT_BYTES) {
      for (let at = start; at < end; at++) {
        key[length++] = bytes[at] as number;
      }
    } else {
      length += bytes.copy(key, length, start, end);
    }
    key[length++] = 0;
    return length;
  }

  /** To whole steps. Behind the last value stands a 0 already, and none stands within one. */
  #pad(from: number): number {
    let length = from;
    while (length % (4 * STEP) !== 0) {
      this.#key[length++] = 0;
    }
    return length;
  }

  /** Four chains side by side: each waits for its own last step only. */
  #mix(from: number, to: number, seed: number): number {
    const words = this.#words;
    let a = seed | 0;
    let b = 0x3c6ef372;
    let c = 0x1b873593;
    let d = 0x5bd1e995;
    for (let at = from >> 2, end = to >> 2; at < end; at += STEP) {
      a = Math.imul(a ^ (words[at] as number), 0x9e3779b1);
      b = Math.imul(b ^ (words[at + 1] as number), 0x9e3779b1);
      c = Math.imul(c ^ (words[at + 2] as number), 0x9e3779b1);
      d = Math.imul(d ^ (words[at + 3] as number), 0x9e3779b1);
      a ^= a >>> 15;
      b ^= b >>> 15;
      c ^= c >>> 15;
      d ^= d >>> 15;
    }
    const hash = Math.imul(Math.imul(Math.imul(a, 31) + b, 31) + c, 31) + d;
    return (hash ^ (hash >>> 15)) >>> 0;
  }
}

function slots(...fields: readonly Field[]): readonly number[] {
  return fields.map(slotOf);
}
