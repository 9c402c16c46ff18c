// Copies of objects, as clients keep them in annotations: controllers report the same ones over and over. A key and its value, which are
// replaced as a whole whatever stands around them, are known again by all of their bytes: src/redact/known-copies.ts.
import { COPIES, COPIES_FOUND, COPY_BUCKETS, COPY_TEXT_BYTES, COPY_TEXTS, MOST_COPIES_FOUND } from "./memory";
import { findSuspect, found, TOKEN_SET } from "./suspects";
import { endOfText } from "./told";

// A copy: the next one of its bucket, its number, how many bytes it has, which of them the suspect begins with, and these: from the one before the
// key to the value's quote.
const HEAD_BYTES: usize = 16;
const MOST_BYTES: usize = 0x1_0000;
const FEWEST_BYTES: usize = 16;
/** Of a key. */
const LONGEST: usize = 96;
/** Copies of a bucket that are compared. */
const MAX_CHAIN = 8;
/** `":"` */
const BEFORE_VALUE: u32 = 0x22_3a_22;

let copies: u32 = 0;
let used: usize = COPY_TEXTS;

/** What was found last by `around`: the byte before the key, the value and the quote behind it. */
let start: usize = 0;
let value: usize = 0;
let valueEnd: usize = 0;

/** Forgets all: another redactor has others, or there is no more room. */
export function forgetCopies(): void {
  memory.fill(COPIES, 0, 4 * COPY_BUCKETS);
  copies = 0;
  used = COPY_TEXTS;
}

/**
 * How many suspects there are in the event in `[from, end)`, if each is in the key of a known copy. COPIES_FOUND then holds where the values begin and
 * end, counted from `from`, and the numbers of the copies. -1 where there are others.
 */
export function findCopies(from: usize, end: usize): i32 {
  let at = from;
  for (let count: u32 = 0; count < MOST_COPIES_FOUND; count++) {
    const suspect = findSuspect(at, end);
    if (suspect == 0) {
      return count;
    }
    // What a token's key stands before may be looked at, too.
    const copy = (found & TOKEN_SET) == 0 && around(suspect, end) ? find(suspect) : 0;
    if (copy == 0) {
      break;
    }
    const place = COPIES_FOUND + 12 * (count as usize);
    store<u32>(place, value - from);
    store<u32>(place, valueEnd - from, 4);
    store<u32>(place, load<u32>(copy, 4), 8);
    at = valueEnd;
  }
  return -1;
}

/** Remembers the copy with a suspect at `at` in its key, in an event that ends at `end`. False where there is no room any more. */
export function learnCopy(at: usize, end: usize): bool {
  if ((found & TOKEN_SET) != 0 || !around(at, end) || find(at) != 0) {
    return true;
  }
  const length = valueEnd + 1 - start;
  if (length > MOST_BYTES || length < FEWEST_BYTES) {
    return true;
  }
  if (used + HEAD_BYTES + length > COPY_TEXTS + COPY_TEXT_BYTES) {
    return false;
  }
  const first = bucket();
  store<u32>(used, load<u32>(first));
  store<u32>(used, copies++, 4);
  store<u32>(used, length as u32, 8);
  store<u32>(used, (at - start) as u32, 12);
  memory.copy(used + HEAD_BYTES, start, length);
  store<u32>(first, used as u32);
  used += HEAD_BYTES + length;
  return true;
}

/** Whether the suspect is in a key before a string, spelled without blanks, that ends before `end`. */
function around(at: usize, end: usize): bool {
  let open = at;
  while (load<u8>(open) != 34 && at - open < LONGEST) {
    open--;
  }
  let close = at + 1;
  while (load<u8>(close) != 34 && close - at < LONGEST) {
    close++;
  }
  if (load<u8>(open) != 34 || (load<u32>(close) & 0xff_ffff) != BEFORE_VALUE) {
    return false;
  }
  start = open - 1;
  value = close + 3;
  valueEnd = endOfText(value);
  return valueEnd < end;
}

/** The known copy of the same bytes, with the suspect at the same place; 0 for none. */
function find(at: usize): usize {
  const length = valueEnd + 1 - start;
  const place = (at - start) as u32;
  let copy: usize = load<u32>(bucket());
  for (let tries = 0; copy != 0 && tries < MAX_CHAIN; tries++) {
    if (load<u32>(copy, 8) == (length as u32) && load<u32>(copy, 12) == place && isSame(copy + HEAD_BYTES, length)) {
      return copy;
    }
    copy = load<u32>(copy);
  }
  return 0;
}

function isSame(text: usize, length: usize): bool {
  for (let i: usize = 0; i + 16 < length; i += 16) {
    if (v128.any_true(v128.xor(v128.load(text + i), v128.load(start + i)))) {
      return false;
    }
  }
  const last = length - 16;
  return !v128.any_true(v128.xor(v128.load(text + last), v128.load(start + last)));
}

function bucket(): usize {
  const factor: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;
  const last = valueEnd - 7;
  let hash = ((valueEnd - start) as u64) * factor;
  for (let at = start; at < last; at += 8) {
    hash = (hash ^ load<u64>(at)) * factor;
  }
  hash = (hash ^ load<u64>(last)) * factor;
  return COPIES + 4 * (((hash >>> 40) as u32) & (COPY_BUCKETS - 1));
}
