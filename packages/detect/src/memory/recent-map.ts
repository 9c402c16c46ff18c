import type { JsonValue } from "@auditsieve/audit";
import { listParts, objectParts, onePart } from "../json-parts.ts";

/** On average over a full half. */
const LETTERS_A_KEY = 256;
/** Of a value. */
const ORDINARY_LETTERS = 1024;

/** Is told what changes in a map: answers that rest on it may be others then. */
export interface MapWatch {
  /** What stands under the key was written or deleted. */
  changed(key: string): void;
  /** A half was forgotten, or everything replaced. */
  rotated(): void;
}

/**
 * A map that holds at most `2 * max` entries: when the young half is full it becomes the old one, and what is still
 * asked for moves back. What nobody asked for meanwhile is forgotten and counted. Keys come from logs, where a client may choose names of
 * a megabyte: the young half is also full when its letters are more than ordinary keys would have.
 */
export class RecentMap<V> {
  readonly #max: number;
  readonly #maxLetters: number;
  readonly #lettersOf: ((value: V) => number) | undefined;
  readonly #watches: MapWatch[] = [];
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  /** Of the young half, as far as they count. */
  #letters = 0;
  #evicted = 0;
  #rotations = 0;

  /** `lettersOf` a value: where they may be many. */
  constructor(max: number, lettersOf?: (value: V) => number) {
    this.#max = Math.max(1, max);
    this.#maxLetters = LETTERS_A_KEY * this.#max;
    this.#lettersOf = lettersOf;
  }

  get evicted(): number {
    return this.#evicted;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Grows whenever a half was forgotten, or everything replaced: until then what is {@link RecentMap.fresh} stays so, but for what is deleted. */
  get rotations(): number {
    return this.#rotations;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) {
      return young;
    }
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#put(key, old);
    }
    return old;
  }

  /** What stands under the key, where {@link RecentMap.get} would change nothing. */
  fresh(key: string): V | undefined {
    return this.#young.get(key);
  }

  /** As {@link RecentMap.get}, but like `has` it does not count as asking. */
  peek(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** Whether the key is there; unlike `get` it does not count as asking. */
  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  set(key: string, value: V): void {
    this.#put(key, value);
    this.#changed(key);
  }

  /** What stands under the key, and is {@link RecentMap.fresh}, says something else now: as {@link RecentMap.set} of it would. With `longer` it may have more letters. */
  rewritten(key: string, longer?: V): void {
    if (longer !== undefined) {
      this.#letters += this.#excessOf(longer);
    }
    this.#changed(key);
  }

  /** As {@link RecentMap.set}, but where the same stands there already that stays, and nobody is told. */
  replace(key: string, value: V): void {
    const before = this.peek(key);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(value)) {
      this.#put(key, before);
    } else {
      this.set(key, value);
    }
  }

  /** As {@link RecentMap.set}, for a value that makes no difference to any answer: nobody is told. */
  setSilently(key: string, value: V): void {
    this.#put(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
    this.#changed(key);
  }

  *values(): IterableIterator<V> {
    yield* this.#old.values();
    yield* this.#young.values();
  }

  /** The keys that begin so, in no order of use; like `has` it does not count as asking. */
  keysFrom(start: string): readonly string[] {
    const found: string[] = [];
    const add = (_: V, key: string): void => {
      if (key.startsWith(start)) {
        found.push(key);
      }
    };
    // Of thousands of keys: an iterator makes an object for each.
    this.#old.forEach(add);
    this.#young.forEach(add);
    return found;
  }

  /** Both halves, for {@link RecentMap.restore}: as text, in parts. */
  snapshot(write: (value: V) => JsonValue): Iterable<string> {
    const half = (map: ReadonlyMap<string, V>): Iterable<string> =>
      listParts(map, ([key, value]) => [key, write(value)]);
    return objectParts({
      young: () => half(this.#young),
      old: () => half(this.#old),
      evicted: () => onePart(this.#evicted),
    });
  }

  /** Takes the place of what is held; entries that `read` gives nothing for are left out, the others stand under `keyOf` their keys. */
  restore(
    snapshot: unknown,
    read: (value: unknown, key: string) => V | undefined,
    keyOf: (key: string) => string = (key) => key,
  ): void {
    const { young, old, evicted } = (snapshot ?? {}) as Readonly<Record<string, unknown>>;
    const half = (list: unknown): Map<string, V> =>
      new Map(
        (Array.isArray(list) ? (list as readonly unknown[]) : []).flatMap((entry) => {
          const [key, written] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
          const value = typeof key === "string" ? read(written, key) : undefined;
          return typeof key === "string" && value !== undefined ? [[keyOf(key), value] as const] : [];
        }),
      );
    this.#young = half(young);
    this.#letters = 0;
    for (const [key, value] of this.#young) {
      this.#letters += key.length + this.#excessOf(value);
    }
    this.#old = half(old);
    this.#evicted = typeof evicted === "number" ? evicted : 0;
    this.#rotated();
  }

  /** Has changes told, not what is asked for. */
  watch(watch: MapWatch): void {
    this.#watches.push(watch);
  }

  #changed(key: string): void {
    for (let i = 0; i < this.#watches.length; i++) {
      this.#watches[i]?.changed(key);
    }
  }

  #rotated(): void {
    this.#rotations++;
    for (const watch of this.#watches) {
      watch.rotated();
    }
  }

  #put(key: string, value: V): void {
    if ((this.#young.size >= this.#max || this.#letters >= this.#maxLetters) && !this.#young.has(key)) {
      this.#old.delete(key);
      this.#evicted += this.#old.size;
      this.#old = this.#young;
      this.#young = new Map();
      this.#letters = 0;
      this.#rotated();
    }
    const { size } = this.#young;
    this.#young.set(key, value);
    this.#letters += this.#excessOf(value);
    if (this.#young.size !== size) {
      // What is young is not old, too.
      this.#old.delete(key);
      this.#letters += key.length;
    }
  }

  /** A value of ordinary length counts as none, however often it is written. */
  #excessOf(value: V): number {
    const letters = this.#lettersOf?.(value) ?? 0;
    return letters > ORDINARY_LETTERS ? letters : 0;
  }
}
