import { findPart } from "./archive-magic.ts";
import { isForeignByte } from "./text-bytes.ts";
import { findUtf16 } from "./utf-16-run.ts";

/** So many bytes apart it is looked at some of a log. */
const STEP = 4096;
/** The beginning is looked at more closely: small files are nothing else. */
const NEAR_STEP = 128;
const LOOK_BYTES = 8;
const LAST_BYTES = 64;

/**
 * Whether these bytes of a log of lines look as if something else stood in them: letters that no apiserver writes. Looks at a few: what is of
 * some tens of KiB in them, or stands at their end, is not overlooked. Costs 3 ms a GB.
 */
export function looksForeign(bytes: Buffer, isFirst: boolean): boolean {
  const { length } = bytes;
  const step = isFirst ? NEAR_STEP : STEP;
  for (let at = 0; at < length; at += step) {
    if (hasForeignByte(bytes, at, Math.min(length, at + LOOK_BYTES))) {
      return true;
    }
  }
  return hasForeignByte(bytes, Math.max(0, length - LAST_BYTES), length);
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
