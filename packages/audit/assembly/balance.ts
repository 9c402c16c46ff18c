// Proves of the rest of a line, behind a head that was compared, what damage would break: see docs/filter.md. Reads each byte once,
// 64 at a time, and knows strings and brackets only.
import { bitsOf, carryOf, codesOf, escapedBy, maskOf } from "./blocks";
import { backslash, closeBracket, colon, comma, openBracket, quote, space } from "./bytes";

/** `urceIPs"`, the end of a key that every event has behind its user and that bodies have not. */
const SOURCE_IPS: u64 = ((0x22735049 as u64) << 32) | 0x65637275;

/**
 * Behind the newline of a line of which `[…, from)` is the head: one object is open, and `from` is where a value begins. 0 unless
 * up to its first control character, the newline, every string is closed, every bracket is closed and none more, and behind each
 * closing quote or bracket stands a comma, a colon, a closing bracket, or the line's end. 0 too where another event's sourceIPs
 * follow: so far as damage can join the end of another line to this one, its user is not in it.
 */
export function skipBalanced(from: usize): usize {
  const blank = space();
  const escaping = backslash();
  const quoting = quote();
  const opening = openBracket();
  const closing = closeBracket();
  let at = from;
  let depth = 1;
  /** All ones while a string is open. */
  let inString: u64 = 0;
  /** 1 where the next byte is escaped. */
  let escape: u64 = 0;
  /** 1 where the last byte closed something. */
  let closed: u64 = 0;
  while (true) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    let quotes = maskOf(a, b, c, d, quoting);
    const escapesA = i8x16.eq(a, escaping);
    const escapesB = i8x16.eq(b, escaping);
    const escapesC = i8x16.eq(c, escaping);
    const escapesD = i8x16.eq(d, escaping);
    let backslashes: u64 = 0;
    if (v128.any_true(v128.or(v128.or(escapesA, escapesB), v128.or(escapesC, escapesD)))) {
      backslashes = bitsOf(escapesA, escapesB, escapesC, escapesD);
    }
    const upperA = v128.or(a, blank);
    const upperB = v128.or(b, blank);
    const upperC = v128.or(c, blank);
    const upperD = v128.or(d, blank);
    // { and [ differ in one bit, as } and ] do.
    let opens = maskOf(upperA, upperB, upperC, upperD, opening);
    let closes = maskOf(upperA, upperB, upperC, upperD, closing);
    const between = bitsOf(isBetween(a), isBetween(b), isBetween(c), isBetween(d));
    const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d));
    const isLast = v128.any_true(i8x16.lt_u(least, blank));
    let length: u64 = 64;
    let within: u64 = ~(0 as u64);
    if (isLast) {
      length = ctz(controls(a, b, c, d));
      if (load<u8>(at + (length as usize)) != 10) {
        return 0;
      }
      within = ((1 as u64) << length) - 1;
      quotes &= within;
      backslashes &= within;
      opens &= within;
      closes &= within;
    }
    if ((backslashes | escape) != 0) {
      const codes = codesOf(backslashes, escape);
      quotes &= ~escapedBy(codes, backslashes, escape);
      escape = carryOf(codes, backslashes);
    }
    const strings = insideOf(quotes) ^ inString;
    inString = ((strings as i64) >> 63) as u64;
    opens &= ~strings;
    closes &= ~strings;
    for (let rest = opens; rest != 0; rest &= rest - 1) {
      // With a colon between, or a colon and a space.
      const open = at + (ctz(rest) as usize);
      if (load<u64>(open - 9) == SOURCE_IPS || load<u64>(open - 10) == SOURCE_IPS) {
        return 0;
      }
    }
    const ends = (quotes & ~strings) | closes;
    if ((((ends << 1) | closed) & within & ~(closes | (between & ~strings))) != 0) {
      return 0;
    }
    closed = ends >>> 63;
    depth += (popcnt(opens) as i32) - (popcnt(closes) as i32);
    if (isLast) {
      const isOpen = ((strings >>> length) & 1) != 0;
      const behind = at + (length as usize);
      return depth == 0 && !isOpen && load<u8>(behind - 1) == 125 ? behind + 1 : 0;
    }
    at += 64;
  }
}

/**
 * Behind the object or list that begins at `from`, as far as strings and brackets say; 0 where none begins there, or none ends before the
 * next control character.
 */
export function skipBracketed(from: usize): usize {
  const blank = space();
  const escaping = backslash();
  const quoting = quote();
  const opening = openBracket();
  const closing = closeBracket();
  if ((load<u8>(from) | 32) != 123) {
    return 0;
  }
  let at = from;
  let depth = 0;
  let inString: u64 = 0;
  let escape: u64 = 0;
  while (true) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    let quotes = maskOf(a, b, c, d, quoting);
    const backslashes = maskOf(a, b, c, d, escaping);
    const upperA = v128.or(a, blank);
    const upperB = v128.or(b, blank);
    const upperC = v128.or(c, blank);
    const upperD = v128.or(d, blank);
    let opens = maskOf(upperA, upperB, upperC, upperD, opening);
    let closes = maskOf(upperA, upperB, upperC, upperD, closing);
    const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d));
    const isLast = v128.any_true(i8x16.lt_u(least, blank));
    if (isLast) {
      const within = ((1 as u64) << ctz(controls(a, b, c, d))) - 1;
      opens &= within;
      closes &= within;
    }
    if ((backslashes | escape) != 0) {
      const codes = codesOf(backslashes, escape);
      quotes &= ~escapedBy(codes, backslashes, escape);
      escape = carryOf(codes, backslashes);
    }
    const strings = insideOf(quotes) ^ inString;
    inString = ((strings as i64) >> 63) as u64;
    opens &= ~strings;
    closes &= ~strings;
    if (depth > (popcnt(closes) as i32)) {
      depth += (popcnt(opens) as i32) - (popcnt(closes) as i32);
    } else {
      for (let rest = opens | closes; rest != 0; rest &= rest - 1) {
        depth += (opens & rest & (0 - rest)) != 0 ? 1 : -1;
        if (depth == 0) {
          return at + (ctz(rest) as usize) + 1;
        }
      }
    }
    if (isLast) {
      return 0;
    }
    at += 64;
  }
}

/** From each opening quote up to the byte before the closing one, where none is open before. */
function insideOf(quotes: u64): u64 {
  let strings = quotes;
  strings ^= strings << 1;
  strings ^= strings << 2;
  strings ^= strings << 4;
  strings ^= strings << 8;
  strings ^= strings << 16;
  strings ^= strings << 32;
  return strings;
}

function isBetween(bytes: v128): v128 {
  return v128.or(i8x16.eq(bytes, comma()), i8x16.eq(bytes, colon()));
}

function controls(a: v128, b: v128, c: v128, d: v128): u64 {
  const blank = space();
  return bitsOf(i8x16.lt_u(a, blank), i8x16.lt_u(b, blank), i8x16.lt_u(c, blank), i8x16.lt_u(d, blank));
}
