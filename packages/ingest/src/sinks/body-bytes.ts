import { BODY_SHAPE, MOST_NESTED, MOST_VALUES } from "./body-extract.ts";
import type { Shape } from "./body-extract.ts";
import type { JsonWriter } from "./json-writer.ts";

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
/** Integers of fewer digits are exact in a double. */
const MOST_DIGITS = 15;
/** Says that only the exact extraction knows: a key twice, or a key that escapes disguise. */
const UNCLEAR = -1;

/** A shape, ready for bytes: keys by their length. */
type Plan =
  | { readonly kind: Exclude<Shape, object> }
  | { readonly kind: "object"; readonly byLength: readonly (readonly Member[] | undefined)[] };

interface Member {
  readonly name: Buffer;
  /** `"name":` */
  readonly key: Buffer;
  /** One bit, of those of its siblings. */
  readonly bit: number;
  readonly plan: Plan;
}

/**
 * Does with bytes what `extract` does with a parsed body: writes the values of the shape, as they stand, and nothing else.
 * The bytes must be well-formed JSON. Whatever is rare (keys twice or in disguise, huge numbers) is left to `extract`.
 */
export class BodyBytes {
  readonly #plan: Plan;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;

  constructor(shape: Shape = BODY_SHAPE) {
    this.#plan = planOf(shape);
  }

  /**
   * Writes `key` with what is found in the value in `bytes[start, end)`, and a comma; nothing where nothing is found. False: ask
   * `extract`; what was written then means nothing.
   */
  write(out: JsonWriter, key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#end = end;
    return this.#member(out, key, this.#plan, start) !== UNCLEAR;
  }

  /** A member: its key, and its value at `at` if there is something in it. Gives the position behind the value. */
  #member(out: JsonWriter, key: Uint8Array, plan: Plan, at: number): number {
    const first = this.#bytes[at];
    const start = out.length;
    if (first === OPEN_LIST) {
      out.raw(key);
      out.raw(BRACKET);
      const behind = this.#elements(out, plan, at, 0);
      out.closeList(start);
      return behind;
    }
    out.raw(key);
    const before = out.length;
    const behind = this.#value(out, plan, at);
    if (out.length === before) {
      out.length = start;
    }
    return behind;
  }

  /** What is found in the elements of the list at `at`; a list in a list has no brackets of its own. */
  #elements(out: JsonWriter, plan: Plan, open: number, depth: number): number {
    const bytes = this.#bytes;
    let at = this.#space(open + 1);
    if (bytes[at] === CLOSE_LIST) {
      return at + 1;
    }
    for (let count = 0; ; count++) {
      if (count >= MOST_VALUES || depth > MOST_NESTED) {
        at = this.#skip(at);
      } else if (bytes[at] === OPEN_LIST) {
        at = this.#elements(out, plan, at, depth + 1);
      } else {
        at = this.#value(out, plan, at);
      }
      if (at === UNCLEAR) {
        return UNCLEAR;
      }
      at = this.#space(at);
      if (bytes[at] !== COMMA) {
        return at + 1;
      }
      at = this.#space(at + 1);
    }
  }

  /** The value at `at`, which is no list, if it is of the kind that is wanted. */
  #value(out: JsonWriter, plan: Plan, at: number): number {
    const first = this.#bytes[at] as number;
    if (plan.kind === "object") {
      return first === OPEN_OBJECT ? this.#object(out, plan.byLength, at) : this.#skip(at);
    }
    const behind = this.#skip(at);
    switch (plan.kind) {
      case "keyword":
        if (first === QUOTE && behind > at + 2) {
          this.#copy(out, at, behind);
        }
        return behind;
      case "boolean":
        if (first === 116 || first === 102) {
          this.#copy(out, at, behind);
        }
        return behind;
      case "long":
        if (first === MINUS || (first >= ZERO && first <= NINE)) {
          this.#number(out, at, behind);
        }
        return behind;
      default:
        return plan satisfies never;
    }
  }

  #object(out: JsonWriter, byLength: readonly (readonly Member[] | undefined)[], open: number): number {
    const bytes = this.#bytes;
    const start = out.open(BRACE);
    let seen = 0;
    let at = this.#space(open + 1);
    if (bytes[at] === CLOSE_OBJECT) {
      out.length = start;
      return at + 1;
    }
    for (;;) {
      const key = at + 1;
      at = key;
      while (bytes[at] !== QUOTE) {
        if (bytes[at] === BACKSLASH || at >= this.#end) {
          return UNCLEAR;
        }
        at++;
      }
      const member = find(byLength[at - key], bytes, key);
      at = this.#space(this.#space(at + 1) + 1);
      if (member === undefined) {
        at = this.#skip(at);
      } else {
        if ((seen & member.bit) !== 0) {
          return UNCLEAR;
        }
        seen |= member.bit;
        at = this.#member(out, member.key, member.plan, at);
        if (at === UNCLEAR) {
          return UNCLEAR;
        }
      }
      at = this.#space(at);
      if (bytes[at] !== COMMA) {
        out.closeObject(start);
        return at + 1;
      }
      at = this.#space(at + 1);
    }
  }

  #number(out: JsonWriter, start: number, end: number): void {
    const bytes = this.#bytes;
    const digits = bytes[start] === MINUS ? start + 1 : start;
    let at = digits;
    while (at < end && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) {
      at++;
    }
    if (at === end && at > digits && at - digits <= MOST_DIGITS && (digits === start || bytes[digits] !== ZERO)) {
      this.#copy(out, start, end);
      return;
    }
    const value: unknown = JSON.parse(Buffer.from(bytes.subarray(start, end)).toString("latin1"));
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      out.utf8(`${value},`);
    }
  }

  #copy(out: JsonWriter, start: number, end: number): void {
    out.raw(this.#bytes, start, end);
    out.comma();
  }

  #space(pos: number): number {
    let at = pos;
    while ((this.#bytes[at] as number) <= 32 && at < this.#end) {
      at++;
    }
    return at;
  }

  /** Behind the value at `pos`, whatever it is. */
  #skip(pos: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const first = bytes[pos];
    let at = pos;
    let depth = 0;
    if (first !== QUOTE && first !== OPEN_OBJECT && first !== OPEN_LIST) {
      while (at < end && !isEnd(bytes[at] as number)) {
        at++;
      }
      return at;
    }
    do {
      const byte = bytes[at++] as number;
      if (byte === QUOTE) {
        for (let inner = bytes[at]; inner !== QUOTE && at < end; inner = bytes[at]) {
          at += inner === BACKSLASH ? 2 : 1;
        }
        at++;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        depth++;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        depth--;
      }
    } while (depth > 0 && at < end);
    return at;
  }
}

const BRACE = Buffer.from("{");
const BRACKET = Buffer.from("[");

/** A number or a word ends before it. */
function isEnd(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST || byte <= 32;
}

function find(members: readonly Member[] | undefined, bytes: Uint8Array, at: number): Member | undefined {
  if (members === undefined) {
    return undefined;
  }
  for (const member of members) {
    const { name } = member;
    let i = 0;
    while (i < name.length && name[i] === bytes[at + i]) {
      i++;
    }
    if (i === name.length) {
      return member;
    }
  }
  return undefined;
}

function planOf(shape: Shape): Plan {
  if (typeof shape === "string") {
    return { kind: shape };
  }
  const byLength: Member[][] = [];
  Object.entries(shape).forEach(([name, inner], i) => {
    const member = { name: Buffer.from(name), key: Buffer.from(`"${name}":`), bit: 1 << i, plan: planOf(inner) };
    (byLength[name.length] ??= []).push(member);
  });
  return { kind: "object", byLength };
}
