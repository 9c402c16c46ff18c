import { findPart } from "./archive-magic.ts";
import { isForeignByte } from "./text-bytes.ts";
import { findUtf16 } from "./utf-16-run.ts";

/** So many words of four bytes apart it is looked at some of a log, and at so many. */
const STEP_WORDS = 512 / 4;
const LOOK_WORDS = 4;
/** The beginning is looked at more closely: small files are nothing else. */
const NEAR_STEP = 128;
const NEAR_LOOK_BYTES = 8;
const LAST_BYTES = 64;

/**
 * Whether these bytes of a log of lines look as if something else stood in them: letters that no apiserver writes. Looks at a few: of text in UTF-16 every second one is
 * such, so that none of over half a KiB is overlooked, nor what stands at their end. Costs 6 ms a GB.
 */
export function looksForeign(bytes: Buffer, isFirst: boolean): boolean {
  const { length } = bytes;
  if (isFirst) {
    for (let at = 0; at < length; at += NEAR_STEP) {
      if (hasForeignByte(bytes, at, Math.min(length, at + NEAR_LOOK_BYTES))) {
        return true;
      }
    }
  }
  return hasForeignWords(bytes) || hasForeignByte(bytes, Math.max(0, length - LAST_BYTES), length);
}

/** Four bytes at once, and places in turn: one by one they would cost eight times as much. */
function hasForeignWords(bytes: Buffer): boolean {
  if (bytes.length < 4 * (LOOK_WORDS + 1)) {
    return false;
  }
  const first = -bytes.byteOffset & 3;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + first, (bytes.length - first) >> 2);
  const last = words.length - LOOK_WORDS;
  for (let at = 0; at <= last; at += STEP_WORDS) {
    const a = words[at] as number;
    const b = words[at + 1] as number;
    const c = words[at + 2] as number;
    const d = words[at + 3] as number;
    const below = belowSpace(a) | belowSpace(b) | belowSpace(c) | belowSpace(d);
    // A line's end is below a space, too.
    if ((below & HIGH_BITS) !== 0 && hasForeignByte(bytes, first + 4 * at, first + 4 * (at + LOOK_WORDS))) {
      return true;
    }
  }
  return false;
}

const SPACES = 0x20202020;
const HIGH_BITS = 0x80808080;

/** With the high bit set of each byte that is less than a space; now and then of one before such a byte. */
function belowSpace(word: number): number {
  return (word - SPACES) & ~word;
}

function hasForeignByte(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (isForeignByte(bytes[at] as number)) {
      return true;
    }
  }
  return false;
}

/** Where in a log of lines in UTF-8 something begins that is to be read in another way: a part of an archive, text in UTF-16; -1 where none does. */
export function findForeign(bytes: Buffer): number {
  const part = findPart(bytes, 0, bytes.length);
  const wide = findUtf16(part === -1 ? bytes : bytes.subarray(0, part));
  return wide === undefined ? part : wide.start;
}
