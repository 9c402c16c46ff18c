// Strings 64 bytes at a time: a bit for each byte.
import { backslash, quote } from "./bytes";

/** Bits at odd places. */
const ODD: u64 = ((0xaaaaaaaa as u64) << 32) | 0xaaaaaaaa;

/** Which of 64 bytes are `wanted`. */
export function maskOf(a: v128, b: v128, c: v128, d: v128, wanted: v128): u64 {
  return bitsOf(i8x16.eq(a, wanted), i8x16.eq(b, wanted), i8x16.eq(c, wanted), i8x16.eq(d, wanted));
}

export function bitsOf(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = (i8x16.bitmask(a) as u32) | ((i8x16.bitmask(b) as u32) << 16);
  const high = (i8x16.bitmask(c) as u32) | ((i8x16.bitmask(d) as u32) << 16);
  return (low as u64) | ((high as u64) << 32);
}

/**
 * Of 64 bytes with these `backslashes`, of which the first is escaped where `escape` is 1: what {@link escapedBy} and {@link carryOf} tell of
 * them. Of a run of backslashes every second one is escaped.
 */
export function codesOf(backslashes: u64, escape: u64): u64 {
  const starts = backslashes & ~escape;
  return (((starts << 1) | ODD) - starts) ^ ODD;
}

/** The bytes behind backslashes that are not escaped themselves. */
export function escapedBy(codes: u64, backslashes: u64, escape: u64): u64 {
  return codes ^ (backslashes | escape);
}

/** 1 where the byte behind the 64 is escaped. */
export function carryOf(codes: u64, backslashes: u64): u64 {
  return (codes & backslashes) >>> 63;
}

/** The quote that ends a string of which `from` is the first byte, or a later one that is not escaped; there must be one. */
export function closingQuote(from: usize): usize {
  let at = from;
  let escape: u64 = 0;
  while (true) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const backslashes = maskOf(a, b, c, d, backslash());
    const codes = codesOf(backslashes, escape);
    const quotes = maskOf(a, b, c, d, quote()) & ~escapedBy(codes, backslashes, escape);
    if (quotes != 0) {
      return at + (ctz(quotes) as usize);
    }
    escape = carryOf(codes, backslashes);
    at += 64;
  }
}

/**
 * The first place at or behind `from` that must be looked at by itself: a quote that ends the string, a byte that does not stand for itself, or an
 * escape of anything but a quote or a backslash. `from` is not escaped.
 */
export function skipQuotes(from: usize): usize {
  const blank = i8x16.splat(32);
  let at = from;
  let escape: u64 = 0;
  while (true) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const backslashes = maskOf(a, b, c, d, backslash());
    const quotes = maskOf(a, b, c, d, quote());
    // Signed: a byte over 127 is below 32 too.
    const others = bitsOf(i8x16.lt_s(a, blank), i8x16.lt_s(b, blank), i8x16.lt_s(c, blank), i8x16.lt_s(d, blank));
    const codes = codesOf(backslashes, escape);
    const escaped = escapedBy(codes, backslashes, escape);
    const stops = (quotes & ~escaped) | (escaped & ~(quotes | backslashes)) | others;
    if (stops != 0) {
      const place = ctz(stops);
      // An escape begins with its backslash.
      return at + (place as usize) - (((escaped >>> place) & 1) as usize);
    }
    escape = carryOf(codes, backslashes);
    at += 64;
  }
}
