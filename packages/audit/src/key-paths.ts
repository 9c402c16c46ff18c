import { isJsonObject, jsonAt, own } from "./json/json.ts";
import type { JsonValue } from "./json/json.ts";
import { OPEN_LIST, OPEN_OBJECT } from "./json/json-bytes.ts";
import type { KeyEndings } from "./key-endings.ts";
import { isAt } from "./member-index.ts";
import type { MemberIndex } from "./member-index.ts";
import { engineHolding, PATHS } from "./scan-wasm/engine.ts";
import type { Engine } from "./scan-wasm/engine.ts";

// As assembly/paths.ts reads a set.
const SET_BYTES = 1024;
const KEY_COUNT = 96;
const KEYS = 128;
const KEY_BYTES = 64;
const TEXT = 12;
const MAX_PATHS = KEY_COUNT / 8;
const MAX_KEYS = (SET_BYTES - KEYS) / KEY_BYTES;
const MAX_LENGTH = KEY_BYTES - TEXT;
const MAX_SETS = 32;
/** How many sets the engine has been given. */
let sets = 0;

/** A key, or two of which the second stands in the object under the first. */
export type KeyPath = readonly [string] | readonly [string, string];

/**
 * Paths of keys that are looked for together in JSON that need not be parsed for it: look with {@link KeyPaths.find}, then ask by the number of the
 * path. No path may be there twice. Make one for each purpose and look over and over.
 *
 * @example
 * const bytes = Buffer.from('{"spec":{"nodeName":"n1","containers":[{}]}}');
 * const index = new MemberIndex();
 * index.load(bytes, 0, bytes.length);
 * const paths = new KeyPaths([["spec", "nodeName"], ["spec", "containers"], ["kind"]]);
 * paths.find(index);
 * assert.deepEqual([paths.value(0), paths.listsObjects(1), paths.value(2)], ["n1", true, undefined]);
 */
export class KeyPaths {
  readonly #paths: readonly KeyPath[];
  /** From where to where each value stands; 0 where there is none. */
  readonly #own: Int32Array;
  #places: Int32Array;
  #bytes: Buffer = Buffer.alloc(0);
  /** In the place of bytes. */
  #parsed: JsonValue | undefined;
  /** What the engine finds, and where that stands; null where it has no room for the paths. */
  #found: Int32Array | null | undefined;
  #set = 0;

  constructor(paths: readonly KeyPath[]) {
    this.#paths = paths;
    this.#own = new Int32Array(2 * paths.length);
    this.#places = this.#own;
  }

  /** Looks in what the index has loaded. What is then asked holds until it is looked again, and no longer than those bytes. */
  find(index: MemberIndex): void {
    this.#parsed = undefined;
    this.#bytes = index.bytes;
    const engine = engineHolding(index.bytes);
    if (engine !== undefined && this.#found === undefined) {
      this.#found = this.#lay(engine);
    }
    const found = engine === undefined ? undefined : this.#found;
    if (found && index.findPaths(this.#set)) {
      this.#places = found;
      return;
    }
    this.#findEach(index);
  }

  #findEach(index: MemberIndex): void {
    this.#places = this.#own;
    this.#paths.forEach((path, i) => {
      const range = index.find(path);
      this.#own[2 * i] = range?.start ?? 0;
      this.#own[2 * i + 1] = range?.end ?? 0;
    });
  }

  /** Looks in a value that has been parsed already, or in none. */
  findParsed(value: JsonValue | undefined): void {
    this.#parsed = value;
    this.#places = this.#own.fill(0);
  }

  /** Writes the paths to the engine's memory. */
  #lay({ memory }: Engine): Int32Array | null {
    const laid = sets === MAX_SETS ? undefined : laidOut(this.#paths);
    if (laid === undefined) {
      return null;
    }
    this.#set = PATHS + SET_BYTES * sets++;
    memory.set(laid, this.#set);
    return new Int32Array(memory.buffer, memory.byteOffset + this.#set, this.#own.length);
  }

  /** The value at a path, as `MemberIndex.find` finds it; undefined where there is none. */
  value(path: number): JsonValue | undefined {
    const end = this.#to(path);
    if (end > 0) {
      return jsonAt(this.#bytes, this.#from(path), end);
    }
    return this.#parsed === undefined ? undefined : valueAt(this.#parsed, this.#paths[path] ?? []);
  }

  /** Whether a list stands there that begins with an object. False says nothing. */
  listsObjects(path: number): boolean {
    const start = this.#from(path);
    return this.#to(path) > 0 && this.#bytes[start] === OPEN_LIST && this.#bytes[start + 1] === OPEN_OBJECT;
  }

  /** Whether something stands there of which no key ends in one of these. False says nothing. */
  lacks(path: number, endings: KeyEndings): boolean {
    const end = this.#to(path);
    return end > 0 && endings.areAbsent(this.#bytes, this.#from(path), end);
  }

  /** Whether the bytes of the value are these three texts, in plain ASCII, one behind the other. */
  spells(path: number, before: string, text: string, after: string): boolean {
    const start = this.#from(path);
    const middle = start + before.length;
    const last = middle + text.length;
    return (
      this.#to(path) === last + after.length &&
      isAt(this.#bytes, middle, text) &&
      isAt(this.#bytes, start, before) &&
      isAt(this.#bytes, last, after)
    );
  }

  #from(path: number): number {
    return this.#places[2 * path] as number;
  }

  #to(path: number): number {
    return this.#places[2 * path + 1] as number;
  }
}

function valueAt(value: JsonValue, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((found, key) => (isJsonObject(found) ? own(found, key) : undefined), value);
}

/** Undefined where there are too many, or a key is too long. */
function laidOut(paths: readonly KeyPath[]): Uint8Array | undefined {
  const outer = [...new Set(paths.map(([key]) => key))];
  const keys = outer.flatMap((key) => {
    const below = paths.flatMap(([first, second], path) =>
      first === key && second !== undefined ? [{ key: second, path, below: 0 }] : [],
    );
    return [
      { key, path: paths.findIndex((path) => path.length === 1 && path[0] === key), below: below.length },
      ...below,
    ];
  });
  if (
    paths.length > MAX_PATHS ||
    keys.length > MAX_KEYS ||
    keys.some(({ key }) => Buffer.byteLength(key) > MAX_LENGTH)
  ) {
    return undefined;
  }
  const laid = Buffer.alloc(SET_BYTES);
  laid.writeInt32LE(keys.length, KEY_COUNT);
  keys.forEach(({ key, path, below }, i) => {
    const at = KEYS + KEY_BYTES * i;
    laid.writeInt32LE(laid.write(key, at + TEXT), at);
    laid.writeInt32LE(path, at + 4);
    laid.writeInt32LE(below, at + 8);
  });
  return laid;
}
