// Finds where something may stand that must not leave: three bytes that are among those of a needle, and a dot before sixteen small letters
// or digits. It finds too much, never too little; src/redact/clean-line.ts says what the needles are and looks closer.
import { NEEDLES, SCAN, SUSPECTS } from "./memory";

/**
 * The first suspect at or behind `from` of the `length` bytes at SCAN: its place times 256, and the sets of needles that it is among.
 * No set: the dot. All ones where there is none.
 */
export function nextSuspect(from: u32, length: u32): u32 {
  const low1 = v128.load(NEEDLES);
  const high1 = v128.load(NEEDLES, 16);
  const low2 = v128.load(NEEDLES, 32);
  const high2 = v128.load(NEEDLES, 48);
  const low3 = v128.load(NEEDLES, 64);
  const high3 = v128.load(NEEDLES, 80);
  const dot = i8x16.splat(46);
  for (let place = from; place < length; place += 16) {
    const at = SCAN + place;
    const a = v128.load(at);
    const found = v128.and(
      v128.and(setsOf(a, low1, high1), setsOf(v128.load(at, 1), low2, high2)),
      setsOf(v128.load(at, 2), low3, high3),
    );
    const dots = i8x16.eq(a, dot);
    if (!v128.any_true(v128.or(found, dots))) {
      continue;
    }
    v128.store(SUSPECTS, found);
    let marks = i8x16.bitmask(v128.or(i8x16.ne(found, i8x16.splat(0)), dots)) as u32;
    for (; marks != 0; marks &= marks - 1) {
      const lane = ctz(marks);
      if (place + lane >= length) {
        break;
      }
      const sets = load<u8>(SUSPECTS + lane) as u32;
      if (sets != 0 || isRun(at + lane + 1)) {
        return ((place + lane) << 8) | sets;
      }
    }
  }
  return 0xffff_ffff;
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
