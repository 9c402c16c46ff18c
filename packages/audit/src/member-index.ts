import { findMember, isKey } from "./json/find-member.ts";
import type { ValueRange } from "./json/find-member.ts";
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
} from "./json/json-bytes.ts";
import { engineHolding } from "./scan-wasm/engine.ts";
import type { Engine } from "./scan-wasm/engine.ts";

/** As assembly/members.ts writes them. Words of an entry: its key without quotes, its value, how many entries below it follow, whether its key is spelled in plain ASCII. */
const KEY = 0;
const KEY_END = 1;
const VALUE = 2;
const VALUE_END = 3;
const BELOW = 4;
const IS_PLAIN = 5;
const WORDS = 6;
/** What has more members is walked each time it is asked. */
const MAX_ENTRIES = 1024;
const NO_ENTRIES = new Int32Array(0);
/** Whose entries the engine has: those of the index that was loaded or asked last, or of who has walked since then, and how many these are. */
let held: object | undefined;
let walkedCount = 0;

/**
 * Whether an object stands at `[open, end)` of the engine's memory, as far as strings and brackets say. An index of it in all of the memory that is
 * loaded `by` this one next need not walk over it again.
 */
export function walkObject({ exports }: Engine, open: number, end: number, by: object): boolean {
  walkedCount = exports.indexWhole(open, end);
  const isObject = walkedCount >= 0;
  held = isObject ? by : undefined;
  return isObject;
}

/**
 * Where the members of a JSON object stand, and those of the objects among them: found in one walk over its bytes, so that several of its
 * parts can be asked for. Make one and load it over and over.
 *
 * @example
 * const bytes = Buffer.from('{"spec":{"nodeName":"n1"}}');
 * const index = new MemberIndex();
 * index.load(bytes, 0, bytes.length);
 * const found = index.find(["spec", "nodeName"]);
 * assert.equal(bytes.toString("utf8", found?.start, found?.end), '"n1"');
 */
export class MemberIndex {
  readonly #token = {};
  /** The engine's or its own. */
  #entries: Int32Array = NO_ENTRIES;
  #own: Int32Array | undefined;
  /** Where the entries are the engine's. */
  #engine: Engine | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #count = 0;
  /** The entry of the first key of the last path: several parts of one object are asked for. */
  #outer: string | undefined;
  #outerEntry = -1;

  /**
   * Takes the JSON value `bytes[start, end)`, which must be well-formed, as `EventScan` proves it, and stay as it is. `by` is who has walked over it, if
   * anybody has: {@link walkObject}.
   */
  load(bytes: Buffer, start: number, end: number, by?: object): void {
    this.#bytes = bytes;
    this.#start = skipSpace(bytes, start, end);
    this.#end = end;
    this.#count = 0;
    this.#outer = undefined;
    this.#engine = undefined;
    if (bytes[this.#start] !== OPEN_OBJECT) {
      return;
    }
    const engine = engineHolding(bytes);
    if (engine !== undefined && by !== undefined && by === held) {
      held = this.#token;
      this.#engine = engine;
      this.#entries = engine.members;
      this.#count = walkedCount;
      return;
    }
    if (engine === undefined || !this.#loadBy(engine)) {
      this.#engine = undefined;
      this.#count = 0;
      this.#entries = this.#own ??= new Int32Array(WORDS * MAX_ENTRIES);
      this.#walk(this.#start, true);
    }
  }

  /** Has the module walk over what stands in its memory, once more where another index was loaded meanwhile; false where it cannot. */
  #loadBy(engine: Engine): boolean {
    const base = this.#bytes.byteOffset;
    this.#count = engine.exports.indexMembers(this.#start + base, this.#end + base, base);
    held = this.#token;
    this.#engine = engine;
    this.#entries = engine.members;
    return this.#count >= 0;
  }

  /**
   * Where the value at a path of keys stands in the value that was loaded, as `JSON.parse` would have it: of several members of one name the
   * last counts, and keys may be spelled with escapes. Undefined when there is none.
   */
  find(keys: readonly string[]): ValueRange | undefined {
    if (this.#count > MAX_ENTRIES || keys.length === 0) {
      return findMember(this.#bytes, this.#start, this.#end, keys);
    }
    if (this.#engine !== undefined && held !== this.#token) {
      this.#loadBy(this.#engine);
    }
    const outer = keys[0] as string;
    if (this.#outer !== outer) {
      this.#outer = outer;
      this.#outerEntry = this.#last(0, this.#count, outer);
    }
    let found = this.#outerEntry;
    if (found !== -1 && keys.length > 1) {
      found = this.#last(found + 1, found + 1 + this.#word(found, BELOW), keys[1] as string);
    }
    if (found === -1) {
      return undefined;
    }
    const start = this.#word(found, VALUE);
    const end = this.#word(found, VALUE_END);
    return keys.length > 2 ? findMember(this.#bytes, start, end, keys.slice(2)) : { start, end };
  }

  /** What was loaded, with all around it. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Has the module find what assembly/paths.ts has at `set`; false where it has no entries, or cannot tell: {@link find} can. */
  findPaths(set: number): boolean {
    if (this.#engine === undefined || this.#count > MAX_ENTRIES) {
      return false;
    }
    if (held !== this.#token) {
      this.#loadBy(this.#engine);
    }
    return this.#engine.exports.findPaths(this.#count, this.#bytes.byteOffset, set) !== 0;
  }

  /** The last entry among those that follow one another on one level: of several members of one name that one counts. */
  #last(from: number, to: number, key: string): number {
    const entries = this.#entries;
    let found = -1;
    for (let entry = from; entry < to; entry += 1 + this.#word(entry, BELOW)) {
      const place = WORDS * entry;
      const start = entries[place + KEY] as number;
      const end = entries[place + KEY_END] as number;
      const isIt =
        entries[place + IS_PLAIN] === 1
          ? end - start === key.length && isAt(this.#bytes, start, key)
          : isKey(this.#bytes, start, end, key);
      if (isIt) {
        found = entry;
      }
    }
    return found;
  }

  #word(entry: number, word: number): number {
    return this.#entries[WORDS * entry + word] as number;
  }

  /** Notes the members of the object at `open`, with those of the objects among them if it `isOuter`. Gives the place behind it. */
  #walk(open: number, isOuter: boolean): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = passSpace(bytes, open + 1, end);
    while (at < end && bytes[at] === QUOTE) {
      const key = at + 1;
      at = passPlain(bytes, key, end);
      const isPlain = bytes[at] === QUOTE;
      at = isPlain ? at + 1 : passString(bytes, at, end);
      const keyEnd = at - 1;
      // Behind the colon.
      at = passSpace(bytes, passSpace(bytes, at, end) + 1, end);
      const value = at;
      const entry = this.#count++;
      at = isOuter && bytes[at] === OPEN_OBJECT ? this.#walk(at, false) : passValue(bytes, at, end);
      if (entry < MAX_ENTRIES) {
        const place = WORDS * entry;
        this.#entries[place + KEY] = key;
        this.#entries[place + KEY_END] = keyEnd;
        this.#entries[place + VALUE] = value;
        this.#entries[place + VALUE_END] = at;
        this.#entries[place + BELOW] = this.#count - entry - 1;
        this.#entries[place + IS_PLAIN] = isPlain ? 1 : 0;
      }
      at = passSpace(bytes, at, end);
      if (bytes[at] === COMMA) {
        at = passSpace(bytes, at + 1, end);
      }
    }
    return at + 1;
  }
}

/** As `skipSpace`; mostly there is none. */
function passSpace(bytes: Uint8Array, pos: number, end: number): number {
  return pos < end && (bytes[pos] as number) <= 32 ? skipSpace(bytes, pos, end) : pos;
}

/** Behind ASCII that stands for itself in a string. */
function passPlain(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos;
  while (at < end && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH && (bytes[at] as number) < 128) {
    at++;
  }
  return at;
}

/** Whether the text, in plain ASCII, stands there. */
export function isAt(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) {
      return false;
    }
  }
  return true;
}

/** Behind the string whose opening quote stands before `pos`. */
function passString(bytes: Uint8Array, pos: number, end: number): number {
  for (let at = pos; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      return at + 1;
    }
    if (byte === BACKSLASH) {
      at++;
    }
  }
  return end;
}

/** As `skipValue`, without looking whether what it passes is well-formed. */
function passValue(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos;
  let depth = 0;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = passString(bytes, at + 1, end);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth++;
      at++;
      continue;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
      at++;
    } else if (depth > 0) {
      at++;
      continue;
    } else {
      return passScalar(bytes, at, end);
    }
    if (depth === 0) {
      return at;
    }
  }
  return end;
}

function passScalar(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST || byte <= 32) {
      break;
    }
    at++;
  }
  return at;
}
