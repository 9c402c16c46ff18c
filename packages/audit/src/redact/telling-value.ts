import { sharedEngine } from "../scan-wasm/engine.ts";
import { findArgumentCredentials } from "./arguments.ts";
import type { NameTest } from "./credential-name.ts";
import * as field from "./field.ts";
import { byteText, unescapeJson } from "./mapped-text.ts";
import type { Span } from "./mapped-text.ts";

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const LETTER_N = 110;
const DOLLAR = 36;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
const NULL_BYTES = 4;
const BLANKS = [32, 9, 13, 10];
/** What stands before the value of an environment variable or a header. */
const VARIABLE = /\{\s?"name"\s?:\s?"([^"\\]*)"\s?,\s?$/;
const LONGEST_VARIABLE = 160;
const LONGEST_ARGUMENTS = 16 * 1024;
const LONGEST_KNOWN = 1024;
const MOST_KNOWN = 1000;

/** A line in the engine's memory, and what is asked of it beside its bytes. */
export interface SearchedLine {
  /** Where it begins there. */
  readonly base: number;
  readonly length: number;
  /** Whether a ConfigMap may be in it, where fields are what users named them. */
  mayHoldConfigMap(): boolean;
}

/** What the value of a telling key has to be replaced, if anything, and where in the line the search goes on. */
export interface TellingValue {
  readonly secret?: Span;
  readonly from: number;
}

/**
 * Tells of the values of keys that mean something what the walk would make of them, where that depends on nothing that stands further
 * away: copies of objects, credentials, environment variables, the arguments of commands.
 */
export class TellingValues {
  readonly #isName: NameTest;
  readonly #engine = sharedEngine();
  /** Whether nothing is in these arguments. */
  readonly #quiet = new Map<string, boolean>();

  constructor(isName: NameTest) {
    this.#isName = isName;
  }

  /** Of the key with its quotes at these places of the line; undefined where it cannot be told. */
  of(meaning: number, key: Span, line: SearchedLine): TellingValue | undefined {
    const { memory } = this.#engine;
    const { base } = line;
    const colon = skipBlanks(memory, base + key.end);
    // Behind a backslash it is part of another string.
    if (memory[base + key.start - 1] === BACKSLASH || memory[colon] !== COLON) {
      return undefined;
    }
    const at = skipBlanks(memory, colon + 1);
    switch (meaning) {
      case field.WHOLE:
        return this.#whole(at, base);
      case field.CREDENTIAL:
        return line.mayHoldConfigMap() ? undefined : this.#whole(at, base);
      case field.VALUE:
        return this.#variable(key, at, base);
      case field.ARGUMENTS:
        return this.#areQuiet(at, base) ? { from: key.end } : undefined;
      default:
        return undefined;
    }
  }

  /** The content of the string in which something stands at this place of the line; undefined where it is no UTF-8. */
  stringAround(at: number, { base }: SearchedLine): Span | undefined {
    const { memory } = this.#engine;
    let open = memory.lastIndexOf(QUOTE, base + at);
    while (isEscaped(memory, open)) {
      open = memory.lastIndexOf(QUOTE, open - 1);
    }
    return this.#stringAt(open, base);
  }

  /**
   * The strings in the value at this place of the line, where each scalar in it is replaced: the value itself, or those of an object of strings; and
   * where it ends. Undefined where something else is in it.
   */
  stringsOf(
    at: number,
    { base }: SearchedLine,
  ): { readonly strings: readonly Span[]; readonly end: number } | undefined {
    const { memory } = this.#engine;
    const first = base + at;
    if (memory[first] === LETTER_N) {
      return { strings: [], end: at + NULL_BYTES };
    }
    if (memory[first] !== OPEN_OBJECT) {
      const string = this.#stringAt(first, base);
      return string && { strings: [string], end: string.end + 1 };
    }
    const strings: Span[] = [];
    let place = skipBlanks(memory, first + 1);
    while (memory[place] !== CLOSE_OBJECT) {
      const key = this.#stringAt(place, base);
      // A directive of a patch is no value.
      if (key === undefined || memory[place + 1] === DOLLAR || memory[place + 1] === BACKSLASH) {
        return undefined;
      }
      // Behind the colon.
      place = skipBlanks(memory, skipBlanks(memory, base + key.end + 1) + 1);
      if (memory[place] === LETTER_N) {
        place += NULL_BYTES;
      } else {
        const value = this.#stringAt(place, base);
        if (value === undefined) {
          return undefined;
        }
        strings.push(value);
        place = base + value.end + 1;
      }
      place = skipBlanks(memory, place);
      place = memory[place] === COMMA ? skipBlanks(memory, place + 1) : place;
    }
    return { strings, end: place + 1 - base };
  }

  #whole(at: number, base: number): TellingValue | undefined {
    const secret = this.#stringAt(at, base);
    return secret === undefined ? undefined : { secret, from: secret.end };
  }

  /** A string that is all that stands beside a name. */
  #variable(key: Span, at: number, base: number): TellingValue | undefined {
    const { memory } = this.#engine;
    const before = base + key.start;
    const name = VARIABLE.exec(byteText(memory, Math.max(base, before - LONGEST_VARIABLE), before))?.[1];
    const value = this.#stringAt(at, base);
    if (
      name === undefined ||
      value === undefined ||
      memory[skipBlanks(memory, base + value.end + 1)] !== CLOSE_OBJECT
    ) {
      return undefined;
    }
    return this.#isName(name) ? { secret: value, from: value.end } : { from: key.end };
  }

  /** Whether there is an array of strings in which nothing has to be replaced, be it of arguments or of anything else. */
  #areQuiet(open: number, base: number): boolean {
    const { memory } = this.#engine;
    if (memory[open] !== OPEN_ARRAY) {
      return false;
    }
    const strings: Span[] = [];
    let at = skipBlanks(memory, open + 1);
    while (memory[at] !== CLOSE_ARRAY) {
      const string = this.#stringAt(at, base);
      if (string === undefined || at - open > LONGEST_ARGUMENTS) {
        return false;
      }
      strings.push(string);
      at = skipBlanks(memory, base + string.end + 1);
      at = memory[at] === COMMA ? skipBlanks(memory, at + 1) : at;
    }
    const raw = byteText(memory, open, at);
    let isQuiet = this.#quiet.get(raw);
    if (isQuiet === undefined) {
      const shift = base - open;
      const texts = strings.map(({ start, end }) => unescapeJson(raw, start + shift, end + shift).text);
      isQuiet = findArgumentCredentials(texts, this.#isName).every((spans) => spans.length === 0);
      // Bounded: a client chooses them.
      if (raw.length < LONGEST_KNOWN) {
        if (this.#quiet.size === MOST_KNOWN) {
          this.#quiet.clear();
        }
        this.#quiet.set(raw, isQuiet);
      }
    }
    return isQuiet;
  }

  #stringAt(open: number, base: number): Span | undefined {
    const { memory, exports } = this.#engine;
    const behind = memory[open] === QUOTE ? exports.skipString(open) : 0;
    return behind === 0 ? undefined : { start: open + 1 - base, end: behind - 1 - base };
  }
}

function skipBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (BLANKS.includes(bytes[at] as number)) {
    at++;
  }
  return at;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let backslashes = 0;
  while (bytes[at - 1 - backslashes] === BACKSLASH) {
    backslashes++;
  }
  return backslashes % 2 === 1;
}
