// Finds where something may stand that must not leave: three bytes that are among those of a needle, and a dot before sixteen small letters
// or digits with something like `token` before it. It finds too much, never too little; src/redact/quiet-line.ts says what the needles are and looks closer.
import { isHarmless } from "./harmless";
import { isPlainValue } from "./plain-value";
import { NEEDLES, SCAN, SUSPECTS } from "./memory";

/**
 * The first suspect at or behind `from` of the `length` bytes at SCAN that is not known to be harmless: its place times 256, and the sets of needles that it is among.
 * No set: the dot. All ones where there is none.
 */
export function nextSuspect(from: u32, length: u32): u32 {
  const at = findSuspect(SCAN + from, SCAN + length);
  return at == 0 ? 0xffff_ffff : (((at - SCAN) as u32) << 8) | found;
}

/** The sets of needles that the last suspect is among. */
let found: u32 = 0;

/** The first suspect in `[from, end)` that is not known to be harmless; 0 where there is none. Reads a few bytes behind the end. */
export function findSuspect(from: usize, end: usize): usize {
  const low1 = v128.load(NEEDLES);
  const high1 = v128.load(NEEDLES, 16);
  const low2 = v128.load(NEEDLES, 32);
  const high2 = v128.load(NEEDLES, 48);
  const low3 = v128.load(NEEDLES, 64);
  const high3 = v128.load(NEEDLES, 80);
  const dot = i8x16.splat(46);
  for (let at = from; at < end; at += 16) {
    const a = v128.load(at);
    const sets = v128.and(
      v128.and(setsOf(a, low1, high1), setsOf(v128.load(at, 1), low2, high2)),
      setsOf(v128.load(at, 2), low3, high3),
    );
    const dots = i8x16.eq(a, dot);
    if (!v128.any_true(v128.or(sets, dots))) {
      continue;
    }
    v128.store(SUSPECTS, sets);
    let marks = i8x16.bitmask(v128.or(i8x16.ne(sets, i8x16.splat(0)), dots)) as u32;
    for (; marks != 0; marks &= marks - 1) {
      const suspect = at + (ctz(marks) as usize);
      if (suspect >= end) {
        break;
      }
      found = load<u8>(SUSPECTS + (suspect - at)) as u32;
      if (found != 0 ? !isPlainValue(suspect) && !isHarmless(suspect) : isRun(suspect + 1) && isBehindToken(suspect)) {
        return suspect;
      }
    }
  }
  return 0;
}

/** For each byte the sets that have one with the same two halves. */
function setsOf(bytes: v128, low: v128, high: v128): v128 {
  return v128.and(i8x16.swizzle(low, v128.and(bytes, i8x16.splat(15))), i8x16.swizzle(high, i8x16.shr_u(bytes, 4)));
}

/** Sixteen small letters or digits. */
function isRun(at: usize): bool {
  const bytes = v128.load(at);
  return i8x16.all_true(
    v128.or(
      i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(48)), i8x16.splat(10)),
      i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(97)), i8x16.splat(26)),
    ),
  );
}

/** Whether `tok` or `bea` stands before it in what may hold `token` or `bearer`: 96 bytes. */
function isBehindToken(at: usize): bool {
  const lower = i8x16.splat(32);
  for (let start = at - 96; start < at; start += 16) {
    const a = v128.or(v128.load(start), lower);
    const b = v128.or(v128.load(start, 1), lower);
    const c = v128.or(v128.load(start, 2), lower);
    const token = v128.and(
      v128.and(i8x16.eq(a, i8x16.splat(116)), i8x16.eq(b, i8x16.splat(111))),
      i8x16.eq(c, i8x16.splat(107)),
    );
    const bearer = v128.and(
      v128.and(i8x16.eq(a, i8x16.splat(98)), i8x16.eq(b, i8x16.splat(101))),
      i8x16.eq(c, i8x16.splat(97)),
    );
    if (v128.any_true(v128.or(token, bearer))) {
      return true;
    }
  }
  return false;
}
