import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  OPEN_OBJECT,
  QUOTE,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "../json/json-bytes.ts";
import { keyTable } from "../json/key-table.ts";
import type { KeyTable } from "../json/key-table.ts";

/** Where a value stands: `[start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The members of one object that were asked for, by key. A member that is null is absent, unless the reader keeps it. */
export type Members<Key extends string> = Readonly<Partial<Record<Key, Span>>>;

/** Reads chosen members of an object without making values of them. */
export class MemberReader<Key extends string> {
  readonly #keys: readonly Key[];
  readonly #keepsNull: boolean;
  /** Made when it is first asked for: few logs are in an envelope, and every command would wait for it. */
  #table: KeyTable | undefined;

  /** The members of an object that is not there. */
  readonly none: Members<Key> = Object.create(null) as Members<Key>;

  constructor(keys: readonly Key[], options: { readonly keepsNull?: boolean } = {}) {
    this.#keys = keys;
    this.#keepsNull = options.keepsNull === true;
  }

  /**
   * The members of the object in `bytes[start, end)`. Undefined where that is no well-formed object, or where a key that is
   * asked for stands in it twice: which of the two counts is nobody's guess here.
   */
  read(bytes: Uint8Array, start: number, end: number): Members<Key> | undefined {
    return this.#read(bytes, start, end, false);
  }

  /**
   * As {@link MemberReader.read}, of an object that is torn at `end`: the members that stand whole before that, and an object that is torn
   * itself, up to there. What stood behind is not known, a key for the second time too.
   */
  readTorn(bytes: Uint8Array, start: number, end: number): Members<Key> | undefined {
    return this.#read(bytes, start, end, true);
  }

  #read(bytes: Uint8Array, start: number, end: number, isTorn: boolean): Members<Key> | undefined {
    const table = (this.#table ??= keyTable(Object.fromEntries(this.#keys.map((key, slot) => [key, slot]))));
    const members: Partial<Record<Key, Span>> = {};
    const seen = new Set<number>();
    let at = skipSpace(bytes, start, end);
    if (at >= end || bytes[at] !== OPEN_OBJECT) {
      return undefined;
    }
    at = skipSpace(bytes, at + 1, end);
    if (at < end && bytes[at] === CLOSE_OBJECT) {
      return skipSpace(bytes, at + 1, end) === end ? members : undefined;
    }
    for (;;) {
      if (at >= end || bytes[at] !== QUOTE) {
        return isTorn && at >= end ? members : undefined;
      }
      const behindKey = skipString(bytes, at, end);
      const value = behindKey === -1 ? -1 : skipColon(bytes, behindKey, end);
      const whole = value === -1 ? -1 : skipValue(bytes, value, end);
      const behind = whole === -1 && isTorn && value !== -1 && bytes[value] === OPEN_OBJECT ? end : whole;
      if (behind === -1) {
        return isTorn ? members : undefined;
      }
      // The rest of a number may stand behind the tear.
      if (isTorn && behind === end && whole !== -1 && !ENDS.includes(bytes[end - 1] as number)) {
        return members;
      }
      const slot = table.find(bytes, at + 1, behindKey - 1);
      if (slot !== -1) {
        if (seen.has(slot)) {
          return undefined;
        }
        seen.add(slot);
        if (bytes[value] !== NULL || this.#keepsNull) {
          members[this.#keys[slot] as Key] = { start: value, end: behind };
        }
      }
      at = skipSpace(bytes, behind, end);
      if (at < end && bytes[at] === CLOSE_OBJECT) {
        return skipSpace(bytes, at + 1, end) === end ? members : undefined;
      }
      if (at >= end || bytes[at] !== COMMA) {
        return isTorn && at >= end ? members : undefined;
      }
      at = skipSpace(bytes, at + 1, end);
    }
  }
}

/** With which a value ends for sure. */
const ENDS: readonly number[] = [QUOTE, CLOSE_OBJECT, CLOSE_LIST];
/** First letter of `null`. */
const NULL = 110;

/** A member of an object. */
export interface Member {
  readonly key: string;
  readonly value: Span;
}

/**
 * The members of the object at `open`, which may be torn at `end`, in the value of the last of them too; up to the first key that
 * `isLast`.
 */
export function* membersOf(
  bytes: Buffer,
  open: number,
  end: number,
  isLast?: (keyStart: number, keyEnd: number) => boolean,
): Generator<Member, void> {
  let at = open;
  do {
    at = skipSpace(bytes, at + 1, end);
    const behindKey = at < end && bytes[at] === QUOTE ? skipString(bytes, at, end) : -1;
    const value = behindKey === -1 ? -1 : skipColon(bytes, behindKey, end);
    if (value === -1 || value >= end || isLast?.(at + 1, behindKey - 1) === true) {
      return;
    }
    const behind = skipValue(bytes, value, end);
    const key = bytes.toString("latin1", at + 1, behindKey - 1);
    yield { key, value: { start: value, end: behind === -1 ? end : behind } };
    at = behind === -1 ? end : skipSpace(bytes, behind, end);
  } while (at < end && bytes[at] === COMMA);
}
