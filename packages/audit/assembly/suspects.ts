// Finds where something may stand that must not leave: three bytes that are among those of a needle.
// It finds too much, never too little; src/redact/quiet-line.ts says what the needles are and looks closer.
import { fifteen } from "./bytes";
import { isHarmless, isHarmlessAlike } from "./harmless";
import { isPlainValue } from "./plain-value";
import { NEEDLE_BITS, NEEDLES, SUSPECTS } from "./memory";

/** The set with `ken` and `bea`. */
export const TOKEN_SET: u32 = 0b0000_1000;
/** `toke` and `bear` */
const TOKE: u32 = 0x656b_6f74;
const BEAR: u32 = 0x7261_6562;
const LOWER: u32 = 0x2020_2020;
const NUMBER_FACTOR: u32 = 0x9e37_79b1;
const NUMBER_SHIFT: u32 = 20;

/**
 * The first suspect in `[from, end)` that is not known to be harmless: how far behind `from` it stands times 256, and the sets of needles that it
 * is among. All ones where there is none.
 */
export function nextSuspect(from: usize, end: usize): u32 {
  const at = findSuspect(from, end);
  return at == 0 ? 0xffff_ffff : (((at - from) as u32) << 8) | found;
}

/** The sets of needles that the last suspect is among. */
export let found: u32 = 0;

/**
 * Whether a line that is like the part `[from, to)` of a template can have no suspect where both are the same, if a line like it has none there: what
 * is looked at of each is the same, too.
 */
export function areHarmlessAlike(from: usize, to: usize): bool {
  templateTo = to;
  const place = findSuspect(from, to);
  templateTo = 0;
  return place == 0;
}

let templateTo: usize = 0;

/** The first suspect in `[from, end)` that is not known to be harmless; 0 where there is none. Reads a few bytes behind the end. */
export function findSuspect(from: usize, end: usize): usize {
  const low1 = v128.load(NEEDLES);
  const high1 = v128.load(NEEDLES, 16);
  const low2 = v128.load(NEEDLES, 32);
  const high2 = v128.load(NEEDLES, 48);
  const low3 = v128.load(NEEDLES, 64);
  const high3 = v128.load(NEEDLES, 80);
  const half = fifteen();
  const none = i8x16.splat(0);
  // Of the sixteen bytes before: the sets of which they may be the first and the second byte. What begins before `from` is not looked for.
  let first = i8x16.splat(0);
  let second = i8x16.splat(0);
  // The third byte of a suspect stands up to two bytes behind it.
  const last = end + 2;
  let at = from;
  while (at < last) {
    let setsA: v128;
    let setsB: v128;
    // A loop of its own, so that what it needs stays in registers.
    while (true) {
      const a = v128.load(at);
      const lowA = v128.and(a, half);
      const highA = v128.and(i16x8.shr_u(a, 4), half);
      const firstA = setsOf(lowA, highA, low1, high1);
      const secondA = setsOf(lowA, highA, low2, high2);
      setsA = v128.and(
        v128.and(twoBefore(first, firstA), oneBefore(second, secondA)),
        setsOf(lowA, highA, low3, high3),
      );
      const b = v128.load(at, 16);
      const lowB = v128.and(b, half);
      const highB = v128.and(i16x8.shr_u(b, 4), half);
      first = setsOf(lowB, highB, low1, high1);
      second = setsOf(lowB, highB, low2, high2);
      setsB = v128.and(
        v128.and(twoBefore(firstA, first), oneBefore(secondA, second)),
        setsOf(lowB, highB, low3, high3),
      );
      at += 32;
      if (i8x16.bitmask(i8x16.eq(v128.or(setsA, setsB), none)) != 0xffff) {
        break;
      }
      if (at >= last) {
        return 0;
      }
    }
    v128.store(SUSPECTS, setsA);
    v128.store(SUSPECTS, setsB, 16);
    let marks = ~(i8x16.bitmask(i8x16.eq(setsA, none)) | (i8x16.bitmask(i8x16.eq(setsB, none)) << 16));
    for (; marks != 0; marks &= marks - 1) {
      const place = ctz(marks) as usize;
      const suspect = at + place - 34;
      if (suspect >= end) {
        break;
      }
      if (!mayBeNeedle(suspect)) {
        continue;
      }
      found = load<u8>(SUSPECTS + place) as u32;
      if (templateTo != 0) {
        if (isWord(suspect, found) || !isHarmlessAlike(suspect, templateTo)) {
          return suspect;
        }
        continue;
      }
      if (
        (isWord(suspect, found) && isBeforeBootstrap(suspect)) ||
        (!isPlainValue(suspect, found) && !isHarmless(suspect))
      ) {
        return suspect;
      }
    }
  }
  return 0;
}

/** Whether the three bytes there may be those of a needle: halves of several ones make up others. src/redact/needles.ts makes their numbers. */
function mayBeNeedle(at: usize): bool {
  const number = ((load<u32>(at) & 0xff_ffff) * NUMBER_FACTOR) >>> NUMBER_SHIFT;
  return ((load<u8>(NEEDLE_BITS + ((number >>> 3) as usize)) >>> (number & 7)) & 1) != 0;
}

/** For each byte, given by its two halves, the sets that have one with the same halves. No half is over fifteen, so relaxed means the same on any machine. */
function setsOf(lowHalf: v128, highHalf: v128, low: v128, high: v128): v128 {
  return v128.and(i8x16.relaxed_swizzle(low, lowHalf), i8x16.relaxed_swizzle(high, highHalf));
}

/** For each of sixteen places what stands at the one before it. */
function oneBefore(earlier: v128, here: v128): v128 {
  return i8x16.shuffle(earlier, here, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}

function twoBefore(earlier: v128, here: v128): v128 {
  return i8x16.shuffle(earlier, here, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
}

/** Whether the suspect is in what may be the `token` or `bearer` before a bootstrap token. */
function isWord(at: usize, sets: u32): bool {
  return (
    (sets & TOKEN_SET) != 0 &&
    (((load<u32>(at - 2) | LOWER) == TOKE && (load<u8>(at, 2) | 32) == 110) || (load<u32>(at) | LOWER) == BEAR)
  );
}

/** Whether a dot before sixteen small letters or digits follows within 96 bytes. */
function isBeforeBootstrap(at: usize): bool {
  for (let start = at; start < at + 96; start += 16) {
    let dots = i8x16.bitmask(i8x16.eq(v128.load(start), i8x16.splat(46))) as u32;
    for (; dots != 0; dots &= dots - 1) {
      if (isRun(start + (ctz(dots) as usize) + 1)) {
        return true;
      }
    }
  }
  return false;
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
