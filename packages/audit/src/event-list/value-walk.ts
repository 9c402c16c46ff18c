import { BACKSLASH, QUOTE, skipSpace } from "../json-bytes.ts";

/** What a byte outside strings means for where a value ends. */
const MEANS = { nothing: 0, quote: 1, open: 2, close: 3, lineBreak: 4, space: 5, comma: 6 } as const;
const MEANING = new Uint8Array(256);
MEANING[QUOTE] = MEANS.quote;
for (const [meaning, letters] of [
  [MEANS.open, "{["],
  [MEANS.close, "}]"],
  [MEANS.lineBreak, "\n\r"],
  [MEANS.space, " \t"],
  [MEANS.comma, ","],
] as const) {
  for (const letter of letters) {
    MEANING[letter.charCodeAt(0)] = meaning;
  }
}

/** What ends the plain part of a string. A line break in one is damage: JSON has it escaped. */
const STOPS = new Uint8Array(256);
STOPS[QUOTE] = 1;
STOPS[BACKSLASH] = 1;
STOPS[10] = 1;

/** Takes the bytes of a value, in order. */
export type ValuePart = (bytes: Buffer, start: number, end: number) => void;

/**
 * Finds where one JSON value ends, over any number of chunks, by its strings and brackets alone; whether it is JSON is for
 * those who read it. A line break between two tokens is left out with the white space behind it, so that the value fits a line.
 */
export class ValueWalk {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isBehindBreak = false;
  #isBegun = false;
  /** Whether the last {@link walk} reached the value's end. */
  isDone = false;
  /** Whether it stopped at a line break inside a string: a torn line, and no value. */
  isTorn = false;

  /** Begins at the value's first byte. */
  begin(): void {
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
    this.#isBehindBreak = false;
    this.#isBegun = false;
    this.isDone = false;
    this.isTorn = false;
  }

  /** Walks on from `from`, giving what belongs to the value to `part`; the position behind it, or the chunk's end. */
  walk(bytes: Buffer, from: number, part: ValuePart): number {
    const end = bytes.length;
    let at = from;
    let start = from;
    // The loop is the cost of a large document: it works on locals.
    let depth = this.#depth;
    let isBegun = this.#isBegun;
    while (at < end) {
      if (this.#isInString) {
        at = this.#string(bytes, at);
        if (this.isTorn) {
          part(bytes, start, at);
          return at;
        }
        if (!this.#isInString && depth === 0) {
          return this.#finish(bytes, start, at, part);
        }
        continue;
      }
      if (this.#isBehindBreak) {
        at = skipSpace(bytes, at, end);
        start = at;
        if (at === end) {
          break;
        }
        this.#isBehindBreak = false;
      }
      let meaning: number = MEANS.nothing;
      const first = at;
      while (at < end && (meaning = MEANING[bytes[at] as number] as number) === MEANS.nothing) {
        at++;
      }
      isBegun ||= at > first;
      if (at === end) {
        break;
      }
      if (meaning === MEANS.quote) {
        if (depth === 0 && isBegun) {
          return this.#finish(bytes, start, at, part);
        }
        isBegun = true;
        this.#isInString = true;
      } else if (meaning === MEANS.open) {
        if (depth === 0 && isBegun) {
          return this.#finish(bytes, start, at, part);
        }
        isBegun = true;
        depth++;
      } else if (depth === 0 && isBegun) {
        // A number or a word ends where something else begins.
        return this.#finish(bytes, start, at, part);
      } else if (meaning === MEANS.close) {
        depth--;
        if (depth === 0) {
          return this.#finish(bytes, start, at + 1, part);
        }
      } else if (meaning === MEANS.lineBreak) {
        part(bytes, start, at);
        start = at + 1;
        this.#isBehindBreak = true;
      }
      at++;
    }
    this.#depth = depth;
    this.#isBegun = isBegun;
    if (start < end) {
      part(bytes, start, end);
    }
    return end;
  }

  #finish(bytes: Buffer, start: number, end: number, part: ValuePart): number {
    this.isDone = true;
    part(bytes, start, end);
    return end;
  }

  /** Behind the string's closing quote, at what tears it, or the chunk's end. */
  #string(bytes: Buffer, from: number): number {
    const end = bytes.length;
    let at = from;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      at++;
    }
    for (;;) {
      while (at < end && STOPS[bytes[at] as number] === 0) {
        at++;
      }
      if (at >= end) {
        this.#isEscaped = at > end;
        return end;
      }
      const byte = bytes[at];
      if (byte === QUOTE) {
        this.#isInString = false;
        return at + 1;
      }
      if (byte !== BACKSLASH) {
        this.isTorn = true;
        return at;
      }
      at += 2;
    }
  }
}
