import { isLetter } from "./text-bytes.ts";
import { findUtf16 } from "./utf-16-run.ts";
import type { Utf16Run } from "./utf-16-run.ts";

/** So many letters of ASCII one behind the other are text: by chance they stand nowhere in what is packed. */
const TEXT_RUN_BYTES = 48;
/** Text is looked for at places that are so far apart. */
const STEP = 32;
/** By chance some letters stand before it. */
const STRAY_BYTES = 16;
/** With what a log begins, whatever it is wrapped in: an object, a list of them, the time of CloudWatch. */
const BEGINNING =
  /\[?\s*\{\s*"[\w.@-]+"\s*:|(?:[0-9]{13}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9:]{4,5}))[ \t]/;
/** What stands on every line. */
const KEY = /"[\w.@/-]+"\s*:/;
/** A byte order mark, and the letters that tell text in UTF-16. */
const WIDE_BYTES = 18;
/** Of text in UTF-16 so many bytes behind its mark are looked at for a key. */
const WIDE_RUN_BYTES = 62;
/** So many bytes from a place on tell whether a log begins there. */
export const TELLING_BYTES: number = 2 + WIDE_RUN_BYTES;

/** Whether a log that is not packed begins there: what is packed has no such bytes, unless it has letters as they are. */
export function isLogAt(bytes: Buffer, at: number): boolean {
  const behind = runEnd(bytes, at, Math.min(bytes.length, at + TEXT_RUN_BYTES));
  const wide = findUtf16(bytes.subarray(at, at + WIDE_BYTES));
  return (wide?.start === 0 && isWideLog(bytes, at, wide)) || beginningIn(bytes, at, behind, 0) === at;
}

/**
 * Where in `[from, end)` a log begins that is not packed, behind bytes that are no text; -1 where none does. What is in the midst of a text
 * begins none.
 */
export function findLog(bytes: Buffer, from: number, end: number): number {
  const wide = findWide(bytes, from, end);
  const before = wide === -1 ? end : wide;
  const stop = Math.min(bytes.length, before + STEP);
  for (let at = from; at < stop; at += STEP) {
    if (!isLetter(bytes[at] as number)) {
      continue;
    }
    const least = Math.max(0, at - STEP - STRAY_BYTES);
    const start = runStart(bytes, at, least);
    const behind = runEnd(bytes, at, Math.min(bytes.length, stop + TEXT_RUN_BYTES));
    const isBehindText = start === least && start > 0;
    const found = isBehindText ? -1 : beginningIn(bytes, start, behind, STRAY_BYTES);
    if (found >= from && found < before) {
      return found;
    }
    at = behind;
  }
  return wide;
}

/** Where in the letters `[start, behind)` a log begins, with at most so many before it; at their start where that is in the midst of a line. */
function beginningIn(bytes: Buffer, start: number, behind: number, stray: number): number {
  if (behind - start < TEXT_RUN_BYTES) {
    return -1;
  }
  const text = bytes.toString("latin1", start, start + TEXT_RUN_BYTES);
  const index = BEGINNING.exec(text)?.index ?? Infinity;
  if (index <= stray && behind - start - index >= TEXT_RUN_BYTES) {
    return start + index;
  }
  return KEY.test(text) ? start : -1;
}

function runStart(bytes: Buffer, at: number, least: number): number {
  let start = at;
  while (start > least && isLetter(bytes[start - 1] as number)) {
    start--;
  }
  return start;
}

function runEnd(bytes: Buffer, at: number, most: number): number {
  let end = at;
  while (end < most && isLetter(bytes[end] as number)) {
    end++;
  }
  return end;
}

/** Where text in UTF-16 begins: in the midst of it every second byte is a letter, too, and every other one NUL. */
function findWide(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end;) {
    const wide = findUtf16(bytes.subarray(at, end + WIDE_BYTES));
    const start = at + (wide?.start ?? Infinity);
    if (wide === undefined || start >= end) {
      return -1;
    }
    const isBegun = isMarked(bytes, start) || !isWideBehind(bytes, start, wide.isLittle);
    if (isBegun && isWideLog(bytes, start, wide)) {
      return start;
    }
    // Another one may begin behind this one.
    at = behindMark(bytes, start) + 2 * wideLetters(bytes, start, wide, end - start).length;
  }
  return -1;
}

/**
 * Whether it is text of a log, of which some key stands near: of text that repeats itself gzip makes the same two bytes time and again, and
 * these may be a letter and NUL.
 */
function isWideLog(bytes: Buffer, start: number, wide: Utf16Run): boolean {
  const text = wideLetters(bytes, start, wide, WIDE_RUN_BYTES);
  return BEGINNING.test(text) || KEY.test(text);
}

/** The letters of ASCII behind the mark that text in UTF-16 may begin with, as far as they stand in so many bytes. */
function wideLetters(bytes: Buffer, start: number, { isLittle }: Utf16Run, mostBytes: number): string {
  const first = behindMark(bytes, start);
  const end = Math.min(bytes.length - 1, first + mostBytes);
  let text = "";
  for (let at = first; at < end; at += 2) {
    const letter = bytes[isLittle ? at : at + 1] as number;
    if (bytes[isLittle ? at + 1 : at] !== 0 || !isLetter(letter)) {
      break;
    }
    text += String.fromCharCode(letter);
  }
  return text;
}

function isMarked(bytes: Buffer, start: number): boolean {
  return (bytes[start] as number) >= 0xfe;
}

function behindMark(bytes: Buffer, start: number): number {
  return isMarked(bytes, start) ? start + 2 : start;
}

/** Whether two letters in UTF-16 stand before it, of either order: behind the lengths that end a gzip member NUL may. */
function isWideBehind(bytes: Buffer, start: number, isLittle: boolean): boolean {
  const [a = 0xff, b = 0xff, c = 0xff, d = 0xff] = [1, 2, 3, 4].map((before) => bytes[start - before]);
  return isLittle ? a === 0 && isLetter(b) && c === 0 && isLetter(d) : isLetter(a) && b === 0;
}
