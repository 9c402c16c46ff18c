// Suspects that src/redact/quiet-line.ts has looked at and found harmless. What it looks at is the string around the place, from the
// quote before it to the one behind it, the byte before that and the two behind: where all these are the same, so is the answer.
import { HARMLESS, HARMLESS_COUNT } from "./memory";
import { quote } from "./bytes";
import { isOfRedacted } from "./plain-value";
import { isFixed } from "./template";

// An entry: how far the place is behind the quote, how many bytes there are, and the bytes.
const ENTRY_BYTES: usize = 128;
const HEAD_BYTES: usize = 8;
const MOST_BYTES: usize = 112;
const NONE: usize = 0;
/** `://` */
const URL: u32 = 0x2f2f3a;

/** What was found last by `around`: the byte before the quote, and how many bytes are compared. */
let start: usize = 0;
let length: usize = 0;
let turn: usize = 0;

/** Forgets all: others are looked for. */
export function forgetHarmless(): void {
  memory.fill(HARMLESS, 0, ENTRY_BYTES * (HARMLESS_COUNT as usize));
}

/** Whether a suspect at `at` was found harmless. */
export function isHarmless(at: usize): bool {
  if (!around(at)) {
    return false;
  }
  const slot = slotOf(at);
  return isEntry(slot, at) || isEntry(slot ^ ENTRY_BYTES, at);
}

/** Remembers that the suspect at `at` is harmless, where that can be told from what is compared. */
export function noteHarmless(at: usize): void {
  if (!around(at)) {
    return;
  }
  const behind = start + length;
  // Blanks may stand between a key and its colon, more than are compared.
  if (load<u8>(behind - 2) <= 32 && load<u8>(behind - 1) <= 32) {
    return;
  }
  // Of a URL the whole string is looked at, and an escaped quote does not end it.
  if ((load<u32>(at) & 0xff_ffff) == URL && (load<u8>(start) == 92 || load<u8>(behind - 4) == 92)) {
    return;
  }
  const first = slotOf(at);
  turn ^= ENTRY_BYTES;
  const slot = load<u32>(first, 4) == 0 ? first : first ^ turn;
  store<u32>(slot, (at - start) as u32);
  store<u32>(slot, length as u32, 4);
  for (let i: usize = 0; i < length; i += 16) {
    v128.store(slot + HEAD_BYTES + i, v128.load(start + i));
  }
}

/** Whether all that is looked at of a suspect at `at`, in a part of a template that ends at `to`, is the same in each line that is like it. */
export function isHarmlessAlike(at: usize, to: usize): bool {
  return around(at) && start + length <= to && isFixed(start, start + length) && !isOfRedacted(start + length - 3);
}

/** From the byte before the quote before `at` up to two bytes behind the next quote; false where that is too long. */
function around(at: usize): bool {
  const quoting = quote();
  let open = NONE;
  for (let back: usize = 0; back < MOST_BYTES; back += 16) {
    const marks = i8x16.bitmask(i8x16.eq(v128.load(at - back - 15), quoting)) as u32;
    if (marks != 0) {
      open = at - back - 15 + ((31 - clz(marks)) as usize);
      break;
    }
  }
  if (open == NONE) {
    return false;
  }
  let close = NONE;
  for (let on: usize = 1; on < MOST_BYTES; on += 16) {
    const marks = i8x16.bitmask(i8x16.eq(v128.load(at + on), quoting)) as u32;
    if (marks != 0) {
      close = at + on + (ctz(marks) as usize);
      break;
    }
  }
  start = open - 1;
  length = close + 3 - start;
  return close != NONE && length <= MOST_BYTES;
}

function slotOf(at: usize): usize {
  const factor: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;
  let hash = (load<u64>(at) ^ (((at - start) as u64) << 56)) * factor;
  hash = (hash ^ load<u64>(start, 2) ^ (length as u64)) * factor;
  // What stands behind a key differs from line to line.
  hash = (hash ^ (load<u32>(start + length - 4) as u64)) * factor;
  return HARMLESS + ENTRY_BYTES * ((hash >>> 52) as usize);
}

function isEntry(slot: usize, at: usize): bool {
  if (load<u32>(slot, 4) != (length as u32) || load<u32>(slot) != ((at - start) as u32)) {
    return false;
  }
  let i: usize = 0;
  for (; i + 16 <= length; i += 16) {
    if (v128.any_true(v128.xor(v128.load(slot + HEAD_BYTES + i), v128.load(start + i)))) {
      return false;
    }
  }
  const same = i8x16.bitmask(i8x16.eq(v128.load(slot + HEAD_BYTES + i), v128.load(start + i))) as u32;
  return (~same & (((1 as u32) << ((length - i) as u32)) - 1)) == 0;
}
