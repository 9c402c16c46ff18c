// Whether JSON may have a key that ends in one of some texts: src/key-endings.ts says what for.
import { backslash, lowerU, quote } from "./bytes";

/** An ending: its length with the quote behind it, and the bytes of both. */
const ENDING_BYTES: usize = 64;
const TEXT: usize = 4;

/**
 * Whether in `[from, end)` no string ends as one of `count` endings that stand at `endings`, spelled in plain letters, and nothing stands that may
 * spell a letter in another way. As many bytes before `from` may be read as an ending has, and 32 behind the end.
 */
export function lacksEndings(from: usize, end: usize, endings: usize, count: u32): bool {
  if (hasEscape(from, end)) {
    return false;
  }
  for (let i: u32 = 0; i < count; i++) {
    if (hasEnding(from, end, endings + ENDING_BYTES * (i as usize))) {
      return false;
    }
  }
  return true;
}

function hasEscape(from: usize, end: usize): bool {
  const escaping = backslash();
  const letter = lowerU();
  for (let at = from; at < end; at += 32) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const escapesA = i8x16.eq(a, escaping);
    const escapesB = i8x16.eq(b, escaping);
    if (v128.any_true(v128.or(escapesA, escapesB))) {
      const spelledA = v128.and(escapesA, i8x16.eq(v128.load(at, 1), letter));
      const spelledB = v128.and(escapesB, i8x16.eq(v128.load(at, 17), letter));
      const marks = i8x16.bitmask(spelledA) | (i8x16.bitmask(spelledB) << 16);
      if (marks != 0 && at + ctz(marks) + 1 < end) {
        return true;
      }
    }
  }
  return false;
}

/** Whether the ending stands there; by its first byte, its last one and the quote it is found, and then compared as a whole. */
function hasEnding(from: usize, end: usize, ending: usize): bool {
  const length: usize = load<u32>(ending);
  const quoting = quote();
  const first = v128.load8_splat(ending, TEXT);
  const last = v128.load8_splat(ending + length - 2, TEXT);
  for (let at = from + length - 1; at < end; at += 32) {
    const a = v128.and(
      v128.and(i8x16.eq(v128.load(at), quoting), i8x16.eq(v128.load(at - 1), last)),
      i8x16.eq(v128.load(at + 1 - length), first),
    );
    const b = v128.and(
      v128.and(i8x16.eq(v128.load(at, 16), quoting), i8x16.eq(v128.load(at - 1, 16), last)),
      i8x16.eq(v128.load(at + 1 - length, 16), first),
    );
    if (!v128.any_true(v128.or(a, b))) {
      continue;
    }
    for (let marks = i8x16.bitmask(a) | (i8x16.bitmask(b) << 16); marks != 0; marks &= marks - 1) {
      const place = at + ctz(marks);
      if (place < end && memory.compare(place + 1 - length, ending + TEXT, length) == 0) {
        return true;
      }
    }
  }
  return false;
}
