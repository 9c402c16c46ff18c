/** What stands at a place of the tape. Strings and keys include their quotes. */
export const OBJECT = 0;
export const ARRAY = 1;
export const KEY = 2;
export const STRING = 3;
export const NUMBER = 4;
export const BOOLEAN = 5;
export const NULL = 6;

/** A string with at least one backslash. */
export const ESCAPED = 1;
/** A string whose escapes may spell letters that stand in no plain sight: `\u0041`, `\/`. */
export const DISGUISED = 2;

const FIRST_CAPACITY = 4096;
const LARGEST_KEPT_CAPACITY = 1 << 18;

/**
 * The places of every value and key of one JSON text, in the order of the text: a parent stands before its children and
 * `next` skips a whole value. It validates exactly as JSON.parse does, without recursion and without making a value.
 * One tape serves many lines, so that a line costs no allocation.
 */
export class JsonTape {
  length = 0;
  kinds: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  marks: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  starts: Int32Array = new Int32Array(FIRST_CAPACITY);
  ends: Int32Array = new Int32Array(FIRST_CAPACITY);
  /** Place after the value and all that is in it. */
  nexts: Int32Array = new Int32Array(FIRST_CAPACITY);
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Reads one JSON text; false when it is none (what the tape then holds means nothing). */
  read(bytes: Uint8Array): boolean {
    if (this.kinds.length > LARGEST_KEPT_CAPACITY) this.#resize(FIRST_CAPACITY);
    this.#bytes = bytes;
    this.#at = 0;
    this.length = 0;
    const valid = this.#text();
    this.#bytes = new Uint8Array(0);
    return valid;
  }

  #text(): boolean {
    const bytes = this.#bytes;
    const open: number[] = [];
    for (;;) {
      if ((bytes[this.#at] as number) <= 0x20) this.#space();
      const first = bytes[this.#at];
      if (first === 0x7b || first === 0x5b) {
        const place = this.#push(first === 0x7b ? OBJECT : ARRAY);
        this.#at += 1;
        if ((bytes[this.#at] as number) <= 0x20) this.#space();
        if (bytes[this.#at] === first + 2) {
          this.#at += 1;
          this.#close(place);
        } else {
          open.push(place);
          if (first === 0x7b && !this.#key()) return false;
          continue;
        }
      } else if (!this.#scalar(first)) return false;

      for (;;) {
        if ((bytes[this.#at] as number) <= 0x20) this.#space();
        const place = open.at(-1);
        if (place === undefined) return this.#at === bytes.length;
        const inObject = this.kinds[place] === OBJECT;
        const mark = bytes[this.#at];
        this.#at += 1;
        if (mark === 0x2c) {
          if (!inObject) break;
          if ((bytes[this.#at] as number) <= 0x20) this.#space();
          if (!this.#key()) return false;
          break;
        }
        if (mark !== (inObject ? 0x7d : 0x5d)) return false;
        open.pop();
        this.#close(place);
      }
    }
  }

  #scalar(first: number | undefined): boolean {
    if (first === 0x22) return this.#string(STRING);
    if (first === 0x74) return this.#word("true", BOOLEAN);
    if (first === 0x66) return this.#word("false", BOOLEAN);
    if (first === 0x6e) return this.#word("null", NULL);
    return this.#number();
  }

  #key(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== 0x22 || !this.#string(KEY)) return false;
    if (bytes[this.#at] !== 0x3a) {
      this.#space();
      if (bytes[this.#at] !== 0x3a) return false;
    }
    this.#at += 1;
    return true;
  }

  #string(kind: typeof KEY | typeof STRING): boolean {
    const bytes = this.#bytes;
    const size = bytes.length;
    const place = this.#push(kind);
    let marks = 0;
    let at = this.#at + 1;
    for (; at < size; at += 1) {
      const byte = bytes[at] as number;
      if (byte === 0x22) {
        this.#at = at + 1;
        this.marks[place] = marks;
        this.#close(place);
        return true;
      }
      if (byte < 0x20) return false;
      if (byte !== 0x5c) continue;
      at += 1;
      marks |= ESCAPED;
      const letter = bytes[at];
      if (letter === 0x75) {
        const code = hex4(bytes, at + 1);
        if (code < 0) return false;
        if (code < 0x80 && code !== 0x26 && code !== 0x3c && code !== 0x3e) marks |= DISGUISED;
        at += 4;
      } else if (letter === 0x2f) marks |= DISGUISED;
      else if (!isShortEscape(letter)) return false;
    }
    return false;
  }

  #number(): boolean {
    const bytes = this.#bytes;
    const place = this.#push(NUMBER);
    if (bytes[this.#at] === 0x2d) this.#at += 1;
    if (bytes[this.#at] === 0x30) this.#at += 1;
    else if (!this.#digits()) return false;
    if (bytes[this.#at] === 0x2e) {
      this.#at += 1;
      if (!this.#digits()) return false;
    }
    const exponent = bytes[this.#at];
    if (exponent === 0x65 || exponent === 0x45) {
      this.#at += 1;
      const sign = bytes[this.#at];
      if (sign === 0x2b || sign === 0x2d) this.#at += 1;
      if (!this.#digits()) return false;
    }
    this.#close(place);
    return true;
  }

  #digits(): boolean {
    const from = this.#at;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < 0x30 || byte > 0x39) return this.#at > from;
      this.#at += 1;
    }
  }

  #word(word: string, kind: typeof BOOLEAN | typeof NULL): boolean {
    const place = this.#push(kind);
    for (let at = 0; at < word.length; at += 1) {
      if (this.#bytes[this.#at + at] !== word.charCodeAt(at)) return false;
    }
    this.#at += word.length;
    this.#close(place);
    return true;
  }

  #space(): void {
    const bytes = this.#bytes;
    for (;;) {
      const byte = bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at += 1;
    }
  }

  #push(kind: number): number {
    const place = this.length;
    if (place === this.kinds.length) this.#resize(place * 2);
    this.kinds[place] = kind;
    this.marks[place] = 0;
    this.starts[place] = this.#at;
    this.length = place + 1;
    return place;
  }

  #close(place: number): void {
    this.ends[place] = this.#at;
    this.nexts[place] = this.length;
  }

  #resize(capacity: number): void {
    const kept = Math.min(capacity, this.length);
    const grow = <T extends Uint8Array | Int32Array>(old: T, fresh: T): T => {
      fresh.set(old.subarray(0, kept));
      return fresh;
    };
    this.kinds = grow(this.kinds, new Uint8Array(capacity));
    this.marks = grow(this.marks, new Uint8Array(capacity));
    this.starts = grow(this.starts, new Int32Array(capacity));
    this.ends = grow(this.ends, new Int32Array(capacity));
    this.nexts = grow(this.nexts, new Int32Array(capacity));
  }
}

/** One of `"\\bfnrt`. */
function isShortEscape(letter: number | undefined): boolean {
  return (
    letter === 0x22 ||
    letter === 0x5c ||
    letter === 0x62 ||
    letter === 0x66 ||
    letter === 0x6e ||
    letter === 0x72 ||
    letter === 0x74
  );
}

/** The code of four hex digits, or -1. */
function hex4(bytes: Uint8Array, at: number): number {
  let code = 0;
  for (let place = at; place < at + 4; place += 1) {
    const digit = hexDigit(bytes[place]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
