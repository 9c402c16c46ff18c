// Where the members of a JSON object stand, and those of the objects among them: as src/member-index.ts finds them, which says what an
// entry is. It must be well-formed; of what is not it says something, but reads no further than its end and a little behind it.
import { skipBracketed } from "./balance";
import { MEMBERS, MEMBER_COUNT } from "./memory";
import { plainMask } from "./plain";

const ENTRY_BYTES: usize = 24;

let count: u32 = 0;
let limit: usize = 0;
let isFailed = false;

/**
 * Writes the entries of the object in `[open, end)` to MEMBERS, places less `base`, and gives how many there are; of more than MEMBER_COUNT
 * only those are written. -1 where it cannot tell.
 */
export function indexMembers(open: usize, end: usize, base: usize): i32 {
  count = 0;
  limit = end;
  isFailed = false;
  walk(open, base, true);
  return isFailed ? -1 : (count as i32);
}

/** The same of what must be an object from `open` to `end`, as far as strings and brackets say; -1 where it is none. Its places are those of the memory. */
export function indexWhole(open: usize, end: usize): i32 {
  count = 0;
  limit = end;
  isFailed = false;
  const behind = load<u8>(open) == 123 ? walk(open, 0, true) : 0;
  return isFailed || behind != end ? -1 : (count as i32);
}

/** Notes the members of the object at `open`, with those of the objects among them if it `isOuter`. Gives the place behind it. */
function walk(open: usize, base: usize, isOuter: bool): usize {
  let at = skipBlanks(open + 1);
  while (at < limit && load<u8>(at) == 34) {
    const key = at + 1;
    at = firstSpecial(key);
    const isPlain = load<u8>(at) == 34;
    at = isPlain ? at + 1 : endOfString(key);
    const keyEnd = at - 1;
    // Behind the colon.
    at = skipBlanks(skipBlanks(at) + 1);
    const value = at;
    if (value >= limit) {
      isFailed = true;
      return limit;
    }
    const entry = count++;
    const first = load<u8>(at);
    if (isOuter && first == 123) {
      at = walk(at, base, false);
    } else if (first == 123 || first == 91) {
      at = skipBracketed(at);
    } else {
      at = first == 34 ? endOfString(at + 1) : endOfScalar(at);
    }
    if (isFailed || at == 0 || at > limit) {
      isFailed = true;
      return limit;
    }
    if (entry < MEMBER_COUNT) {
      const place = MEMBERS + ENTRY_BYTES * (entry as usize);
      store<u32>(place, key - base);
      store<u32>(place, keyEnd - base, 4);
      store<u32>(place, value - base, 8);
      store<u32>(place, at - base, 12);
      store<u32>(place, count - entry - 1, 16);
      store<u32>(place, isPlain ? 1 : 0, 20);
    }
    at = skipBlanks(at);
    if (load<u8>(at) == 44) {
      at = skipBlanks(at + 1);
    }
  }
  return at + 1;
}

function skipBlanks(from: usize): usize {
  let at = from;
  // Mostly there is none.
  while (load<u8>(at) <= 32 && at < limit && isBlank(load<u8>(at))) {
    at++;
  }
  return at;
}

function isBlank(byte: u8): bool {
  return byte == 32 || byte == 10 || byte == 13 || byte == 9;
}

/** The first byte that does not stand for itself in a string. */
function firstSpecial(from: usize): usize {
  let at = from;
  while (at < limit) {
    const other = i8x16.bitmask(plainMask(v128.load(at))) ^ 0xffff;
    if (other != 0) {
      return at + ctz(other);
    }
    at += 16;
  }
  return limit;
}

/** Behind the closing quote of the string that has been read up to `from`. */
function endOfString(from: usize): usize {
  let at = from;
  while (true) {
    at = firstSpecial(at);
    if (at >= limit) {
      isFailed = true;
      return limit;
    }
    const byte = load<u8>(at);
    if (byte == 34) {
      return at + 1;
    }
    at += byte == 92 ? 2 : 1;
  }
}

function endOfScalar(from: usize): usize {
  let at = from;
  while (at < limit) {
    const byte = load<u8>(at);
    if (byte == 44 || byte == 125 || byte == 93 || byte <= 32) {
      break;
    }
    at++;
  }
  return at;
}
