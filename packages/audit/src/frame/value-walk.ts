import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
} from "../json/json-bytes.ts";

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
const NEWLINE = 10;
const COLON = 58;
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
  /** Why it stopped before that: at a line break inside a string, or where a line goes on as no value does. A torn line, and no value. */
  torn: "in-string" | "behind-break" | undefined;
  /** Whether it goes over lines so far. */
  isOverLines = false;
  /** The last byte that says something, before a line break. */
  #before = 0;
  /** Of the bytes walked over before. */
  #last = 0;

  /** Begins at the value's first byte. */
  begin(): void {
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
    this.#isBehindBreak = false;
    this.#isBegun = false;
    this.isDone = false;
    this.torn = undefined;
    this.isOverLines = false;
    this.#before = 0;
    this.#last = 0;
  }

  /**
   * Walks on from `from`, giving what belongs to the value to `part`; the position behind it, or the chunk's end. `onLine` is called
   * before a token that is no bracket's end or comma at the very beginning of a further line.
   */
  walk(bytes: Buffer, from: number, part: ValuePart, onLine: () => void): number {
    const end = bytes.length;
    let at = from;
    let start = from;
    // The loop is the cost of a large document: it works on locals.
    let depth = this.#depth;
    let isBegun = this.#isBegun;
    while (at < end) {
      if (this.#isInString) {
        at = this.#string(bytes, at);
        if (this.torn !== undefined) {
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
        if (!mayFollow(this.#before, bytes[at] as number)) {
          this.torn = "behind-break";
          return at;
        }
        this.isOverLines = true;
        if (MEANS_VALUE[bytes[at] as number] === 1 && (at === 0 ? this.#last : bytes[at - 1]) === NEWLINE) {
          onLine();
        }
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
        this.#before = this.#lastBefore(bytes, at, from);
        start = at + 1;
        this.#isBehindBreak = true;
      }
      at++;
    }
    this.#last = end > 0 ? (bytes[end - 1] as number) : this.#last;
    this.#depth = depth;
    this.#isBegun = isBegun;
    if (start < end) {
      part(bytes, start, end);
    }
    return end;
  }

  /** The byte before `at` that is no white space; what was before the line break before, where there is none. */
  #lastBefore(bytes: Buffer, at: number, from: number): number {
    for (let i = at - 1; i >= from; i--) {
      if ((bytes[i] as number) > 32) {
        return bytes[i] as number;
      }
    }
    return this.#last > 32 ? this.#last : this.#before;
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
    if (this.#isEscaped && at < end) {
      this.#isEscaped = false;
      at += bytes[at] === NEWLINE ? 0 : 1;
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
        this.torn = "in-string";
        return at;
      }
      at += bytes[at + 1] === NEWLINE ? 1 : 2;
    }
  }
}

/** Whether a token may begin with `next` where the one before ends with `before`: not always when it may, but always when it may not. */
export function mayFollow(before: number, next: number): boolean {
  const isEnd = next === COMMA || next === COLON || next === CLOSE_OBJECT || next === CLOSE_LIST;
  if (before === OPEN_OBJECT) {
    return next === QUOTE || next === CLOSE_OBJECT;
  }
  if (before === COMMA || before === COLON) {
    return !isEnd && MEANS_VALUE[next] === 1;
  }
  if (before === OPEN_LIST) {
    return next === CLOSE_LIST || MEANS_VALUE[next] === 1;
  }
  return isEnd;
}

/** What a value may begin with. */
const MEANS_VALUE = new Uint8Array(256);
for (const letter of '"{[-0123456789tfn') {
  MEANS_VALUE[letter.charCodeAt(0)] = 1;
}
