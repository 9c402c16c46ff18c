import { BACKSLASH } from "./json-bytes.ts";

/**
 * Finds which of a few known keys stands in a run of bytes, without making a string of it. A key written with escapes
 * (`"\u0075ser"`) is found too: JSON says that it is the same key.
 */
export interface KeyTable {
  /** The number given to the key in `bytes[start, end)` (between its quotes), or -1. */
  find(bytes: Uint8Array, start: number, end: number): number;
  /** How keys are spread over the table: for whoever looks them up in the same way elsewhere. */
  readonly factor: number;
  readonly slots: readonly (Uint8Array | undefined)[];
  readonly values: Int32Array;
}

/** As many slots as the WebAssembly module looks keys up in (assembly/event.ts). */
const BITS = 6;

/**
 * Builds the table for `keys`: each key's name and the number to find for it. It has `2 ** bits` slots: with many keys in few of them it takes
 * long to find how to spread these.
 */
export function keyTable(keys: Readonly<Record<string, number>>, bits: number = BITS): KeyTable {
  const names = Object.keys(keys).map((name) => ({ bytes: Buffer.from(name), value: keys[name] as number }));
  const factor = collisionFreeFactor(
    names.map((name) => name.bytes),
    bits,
  );
  const slots: (Uint8Array | undefined)[] = Array.from({ length: 1 << bits }, () => undefined);
  const values = new Int32Array(1 << bits).fill(-1);
  for (const { bytes, value } of names) {
    const slot = slotOf(bytes, 0, bytes.length, factor, bits);
    slots[slot] = bytes;
    values[slot] = value;
  }

  return {
    factor,
    slots,
    values,
    find(bytes, start, end) {
      const slot = slotOf(bytes, start, end, factor, bits);
      const name = slots[slot];
      if (name !== undefined && name.length === end - start) {
        let i = 0;
        while (i < name.length && name[i] === bytes[start + i]) {
          i++;
        }
        if (i === name.length) {
          return values[slot] as number;
        }
      }
      return hasEscape(bytes, start, end) ? findEscaped(keys, bytes, start, end) : -1;
    },
  };
}

function slotOf(bytes: Uint8Array, start: number, end: number, factor: number, bits: number): number {
  const length = end - start;
  if (length === 0) {
    return 0;
  }
  const first = bytes[start] as number;
  const last = bytes[end - 1] as number;
  const middle = bytes[start + (length >> 1)] as number;
  return Math.imul((length << 16) ^ (first << 12) ^ (middle << 6) ^ last, factor) >>> (32 - bits);
}

function collisionFreeFactor(names: readonly Uint8Array[], bits: number): number {
  for (let factor = 0x9e3779b1; ; factor += 2) {
    if (areApart(names, factor, bits)) {
      return factor;
    }
  }
}

/** Stops at the first two that meet. */
function areApart(names: readonly Uint8Array[], factor: number, bits: number): boolean {
  const isTaken = new Uint8Array(1 << bits);
  for (const name of names) {
    const slot = slotOf(name, 0, name.length, factor, bits);
    if (isTaken[slot] === 1) {
      return false;
    }
    isTaken[slot] = 1;
  }
  return true;
}

function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] === BACKSLASH) {
      return true;
    }
  }
  return false;
}

function findEscaped(keys: Readonly<Record<string, number>>, bytes: Uint8Array, start: number, end: number): number {
  const name = JSON.parse(`"${Buffer.from(bytes.subarray(start, end)).toString("utf8")}"`) as string;
  return Object.hasOwn(keys, name) ? (keys[name] as number) : -1;
}
