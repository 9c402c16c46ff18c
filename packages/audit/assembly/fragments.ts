// Texts made by the JavaScript side of some fields of an event, found again by the bytes of these fields. A hit compares them all.
import {
  FRAGMENT_BUCKET_COUNT,
  FRAGMENT_BUCKETS,
  FRAGMENT_COUNT,
  FRAGMENT_TEXT_BYTES,
  FRAGMENT_TEXTS,
  FRAGMENTS,
  PLACES,
  SCAN,
} from "./memory";

// A fragment: the next of its bucket, the hash and the length of its key, the key, then both texts and their lengths.
const ENTRY_BYTES: usize = 32;

let count: u32 = 0;
let used: usize = 0;

/** The fragment for the values of up to four fields, given as a list of slots with 255 behind the last; 0 where there is none. */
export function findFragment(kind: u32, slots: u32): usize {
  const hash = hashOf(kind, slots);
  let entry = load<u32>(FRAGMENT_BUCKETS + 4 * ((hash & (FRAGMENT_BUCKET_COUNT - 1)) as usize)) as usize;
  while (entry != 0) {
    if (load<u32>(entry, 4) == hash && isKey(entry, kind, slots)) {
      return entry;
    }
    entry = load<u32>(entry) as usize;
  }
  return 0;
}

/**
 * Remembers two texts, which stand behind each other at `texts`, for the values of these fields. False where there is no room at all:
 * when it is full it forgets everything first.
 */
export function learnFragment(kind: u32, slots: u32, texts: usize, first: u32, second: u32): bool {
  let need: usize = ((first + second) as usize) + 48;
  for (let rest = slots; (rest & 255) != 255; rest = (rest >>> 8) | 0xff00_0000) {
    need += valueLength(rest & 255) + 4;
  }
  if (need > FRAGMENT_TEXT_BYTES >> 4) {
    return false;
  }
  if (count == FRAGMENT_COUNT || used + need > FRAGMENT_TEXT_BYTES) {
    memory.fill(FRAGMENT_BUCKETS, 0, 4 * FRAGMENT_BUCKET_COUNT);
    count = 0;
    used = 0;
  }
  const entry = FRAGMENTS + ENTRY_BYTES * (count++ as usize);
  const hash = hashOf(kind, slots);
  const bucket = FRAGMENT_BUCKETS + 4 * ((hash & (FRAGMENT_BUCKET_COUNT - 1)) as usize);
  const key = FRAGMENT_TEXTS + used;
  let at = key;
  store<u32>(at, kind);
  at += 4;
  for (let rest = slots; (rest & 255) != 255; rest = (rest >>> 8) | 0xff00_0000) {
    const length = valueLength(rest & 255);
    store<u32>(at, length as u32);
    memory.copy(at + 4, valueStart(rest & 255), length);
    at += 4 + length;
  }
  memory.copy(at, texts, (first + second) as usize);
  store<u32>(entry, load<u32>(bucket));
  store<u32>(entry, hash, 4);
  store<u32>(entry, key as u32, 8);
  store<u32>(entry, at as u32, 12);
  store<u32>(entry, first, 16);
  store<u32>(entry, second, 20);
  store<u32>(bucket, entry as u32);
  used = at + ((first + second) as usize) - FRAGMENT_TEXTS;
  return true;
}

/** Where the first or the second text of a fragment stands. */
export function fragmentText(entry: usize, which: u32): usize {
  const texts = load<u32>(entry, 12) as usize;
  return which == 0 ? texts : texts + (load<u32>(entry, 16) as usize);
}

export function fragmentLength(entry: usize, which: u32): usize {
  return (which == 0 ? load<u32>(entry, 16) : load<u32>(entry, 20)) as usize;
}

/** The kind, and each value behind its length. */
function isKey(entry: usize, kind: u32, slots: u32): bool {
  let at = load<u32>(entry, 8) as usize;
  if (load<u32>(at) != kind) {
    return false;
  }
  at += 4;
  for (let rest = slots; (rest & 255) != 255; rest = (rest >>> 8) | 0xff00_0000) {
    const length = valueLength(rest & 255);
    if (load<u32>(at) != (length as u32) || !isSame(at + 4, valueStart(rest & 255), length)) {
      return false;
    }
    at += 4 + length;
  }
  return true;
}

/** What stands behind both is compared with nothing, but may be read. */
function isSame(a: usize, b: usize, length: usize): bool {
  let at: usize = 0;
  for (; at + 16 <= length; at += 16) {
    if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) {
      return false;
    }
  }
  const rest = (length - at) as u32;
  const same = i8x16.bitmask(i8x16.eq(v128.load(a + at), v128.load(b + at))) as u32;
  return ((same ^ 0xffff) & ((1 << rest) - 1)) == 0;
}

function hashOf(kind: u32, slots: u32): u32 {
  const factor: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;
  let hash: u64 = kind as u64;
  for (let rest = slots; (rest & 255) != 255; rest = (rest >>> 8) | 0xff00_0000) {
    const start = valueStart(rest & 255);
    const length = valueLength(rest & 255);
    let at: usize = 0;
    for (; at + 8 <= length; at += 8) {
      hash = (hash ^ load<u64>(start + at)) * factor;
      hash ^= hash >>> 29;
    }
    // 0 to 7 bytes more.
    const tail = length - at;
    const last = tail == 0 ? (0 as u64) : load<u64>(start + at) << (64 - 8 * (tail as u64));
    hash = (hash ^ last ^ (length as u64)) * factor;
    hash ^= hash >>> 32;
  }
  return (hash >>> 7) as u32;
}

function valueStart(slot: u32): usize {
  return SCAN + (load<u32>(PLACES + 12 * (slot as usize)) as usize);
}

/** 0 for a field that is absent. */
function valueLength(slot: u32): usize {
  const place = PLACES + 12 * (slot as usize);
  const end = load<u32>(place, 4);
  return end == 0 ? 0 : ((end - load<u32>(place)) as usize);
}
