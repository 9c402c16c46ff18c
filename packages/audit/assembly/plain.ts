// Bytes that stand for themselves inside a string: 32 to 127 but quote and backslash.
import { backslash, quote, unitSeparator } from "./bytes";

/** All ones for each plain byte. Signed: a byte over 127 is below 32 too. */
export function plainMask(bytes: v128): v128 {
  return v128.andnot(
    i8x16.gt_s(bytes, unitSeparator()),
    v128.or(i8x16.eq(bytes, quote()), i8x16.eq(bytes, backslash())),
  );
}

/** The first byte at or behind `at` that is not plain. A newline must stand somewhere behind. */
export function skipPlain(at: usize): usize {
  while (true) {
    const other = i8x16.bitmask(plainMask(v128.load(at))) ^ 0xffff;
    if (other != 0) {
      return at + ctz(other);
    }
    at += 16;
  }
}
