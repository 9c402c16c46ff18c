// Proves of what stands between a head and a tail, both compared with those of a line seen before, what damage would break: see
// docs/filter.md. Sums only, no strings: where they do not come out, ./balance decides.
import { skipBalanced } from "./balance";
import { matchTemplate } from "./template";
import { skipValue } from "./walk";
import { capitalI, capitalP, closeBracket, lowerP, openBracket, space } from "./bytes";

/** `urceIPs"`, the end of a key that every event has behind its user and that bodies have not. */
const SOURCE_IPS: u64 = ((0x22735049 as u64) << 32) | 0x65637275;
/** `,"responseObject":`, as it stands between both bodies. */
const COMMA_RESPON: u64 = ((0x6e6f7073 as u64) << 32) | 0x6572222c;
const SE_OBJECT: u64 = ((0x7463656a as u64) << 32) | 0x624f6573;
const QUOTE_COLON: u16 = 0x3a22;
/** By how many bytes tails that are alike may differ in length. */
const SPREAD: usize = 192;

/** Where the tail begins that was found last; 0 where none was. */
export let tailStart: usize = 0;

/** So many blocks add less than 128 to each byte of a sum: four a block. */
const BLOCKS: i32 = 31;

/** For each byte from p on what it adds to the depth: { and }. */
const VALUES: usize = memory.data<i8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0]);

/**
 * Behind the newline of a line of which `[…, from)` is the head, where its end is like the tail in `[tail, tailEnd)`, no control
 * character stands before the newline, as many brackets are closed as opened, and no other event's sourceIPs follow. Otherwise what
 * ./balance says; where the end must be like the tail, that as well.
 */
export function skipBody(from: usize, tail: usize, tailEnd: usize, isTailNeeded: bool): usize {
  const blank = space();
  const first = lowerP();
  const values = v128.load(VALUES);
  const letter = capitalI();
  tailStart = 0;
  let at = from;
  let depth = 1;
  let isLast = false;
  while (!isLast) {
    let sum = i8x16.splat(0);
    const limit = at + 64 * BLOCKS;
    while (at < limit) {
      let a: v128;
      let b: v128;
      let c: v128;
      let d: v128;
      let stops: v128;
      while (true) {
        a = v128.load(at);
        b = v128.load(at, 16);
        c = v128.load(at, 32);
        d = v128.load(at, 48);
        const isLetter = v128.or(
          v128.or(i8x16.eq(a, letter), i8x16.eq(b, letter)),
          v128.or(i8x16.eq(c, letter), i8x16.eq(d, letter)),
        );
        // Signed: a byte over 127 is less, too, where all four are.
        stops = i8x16.gt_s(blank, i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d)));
        if (i8x16.bitmask(v128.or(isLetter, stops)) != 0) {
          break;
        }
        sum = i8x16.add(
          sum,
          i8x16.add(
            i8x16.add(brackets(a, blank, first, values), brackets(b, blank, first, values)),
            i8x16.add(brackets(c, blank, first, values), brackets(d, blank, first, values)),
          ),
        );
        at += 64;
        if (at >= limit) {
          break;
        }
      }
      if (at >= limit) {
        break;
      }
      const isName = v128.or(
        v128.or(isBeforeP(a, at, letter), isBeforeP(b, at + 16, letter)),
        v128.or(isBeforeP(c, at + 32, letter), isBeforeP(d, at + 48, letter)),
      );
      if (i8x16.bitmask(isName) != 0 && hasSourceIPs(at)) {
        return balancedWith(from, tail, tailEnd, isTailNeeded);
      }
      if (i8x16.bitmask(stops) != 0) {
        isLast = i8x16.bitmask(i8x16.lt_u(i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d)), blank)) != 0;
        if (isLast) {
          break;
        }
      }
      // As above: to send such a block through that loop once more makes all calls 3 % slower.
      sum = i8x16.add(
        sum,
        i8x16.add(
          i8x16.add(brackets(a, blank, first, values), brackets(b, blank, first, values)),
          i8x16.add(brackets(c, blank, first, values), brackets(d, blank, first, values)),
        ),
      );
      at += 64;
    }
    depth += total(sum);
  }
  while (true) {
    const bytes = v128.load(at);
    const end = i8x16.bitmask(i8x16.lt_u(bytes, space()));
    const opens = openMask(bytes);
    const closes = closeMask(bytes);
    if (end == 0) {
      depth += popcnt(opens) - popcnt(closes);
      at += 16;
      continue;
    }
    const within = (1 << ctz(end)) - 1;
    depth += popcnt(opens & within) - popcnt(closes & within);
    at += ctz(end);
    break;
  }
  // A line may end with \r\n, in its tail too.
  const newline = load<u8>(at) == 13 ? at + 1 : at;
  if (depth == 0 && load<u8>(newline) == 10 && findTail(from, newline + 1, tail, tailEnd)) {
    return newline + 1;
  }
  return balancedWith(from, tail, tailEnd, isTailNeeded);
}

/** Whether bodies, well-formed ones, are all that stands from `from`, where the first one begins, to the tail that was found last. */
export function areBodiesProven(from: usize): bool {
  const behind = skipValue(from);
  if (behind == 0 || behind == tailStart) {
    return behind != 0;
  }
  const isAnswer =
    load<u64>(behind) == COMMA_RESPON && load<u64>(behind, 8) == SE_OBJECT && load<u16>(behind, 16) == QUOTE_COLON;
  return isAnswer && skipValue(behind + 18) == tailStart;
}

/** What ./balance says; with a tail that is needed, 0 where the end is not like it: quotes are paired on both sides of where it begins. */
function balancedWith(from: usize, tail: usize, tailEnd: usize, isTailNeeded: bool): usize {
  const behind = skipBalanced(from);
  if (!isTailNeeded || behind == 0) {
    return behind;
  }
  return findTail(from, behind, tail, tailEnd) ? behind : 0;
}

/** Looks for where what ends before `behind` is like the tail, first where it is as long. Values that nobody asks for may be longer or shorter. */
function findTail(from: usize, behind: usize, tail: usize, tailEnd: usize): bool {
  const alike = behind - (tailEnd - tail);
  if (alike >= from && matchTemplate(alike, tail, tailEnd) == behind) {
    tailStart = alike;
    return true;
  }
  const first = load<u64>(tail);
  const last = max(from, alike - SPREAD);
  for (let at = min(behind - 8, alike + SPREAD); at >= last; at--) {
    if (load<u64>(at) == first && at != alike && matchTemplate(at, tail, tailEnd) == behind) {
      tailStart = at;
      return true;
    }
  }
  return false;
}

/**
 * 1 for an opening bracket, -1 for a closing one: { and [ differ in one bit, as } and ] do. What is not among the sixteen bytes from p on becomes
 * negative and so 0 on any machine, because the difference stays where it would be less than a byte holds.
 */
function brackets(bytes: v128, blank: v128, first: v128, values: v128): v128 {
  return i8x16.relaxed_swizzle(values, i8x16.sub_sat_s(v128.or(bytes, blank), first));
}

function openMask(bytes: v128): i32 {
  return i8x16.bitmask(i8x16.eq(v128.or(bytes, space()), openBracket()));
}

function closeMask(bytes: v128): i32 {
  return i8x16.bitmask(i8x16.eq(v128.or(bytes, space()), closeBracket()));
}

/** All ones for each of the sixteen bytes at `at` that is an I before a P: few are, though bodies have many an ID and Image. */
function isBeforeP(bytes: v128, at: usize, letter: v128): v128 {
  return v128.and(i8x16.eq(bytes, letter), i8x16.eq(v128.load(at, 1), capitalP()));
}

/** Whether the key ends in one of the 64 bytes at `at`. */
function hasSourceIPs(at: usize): bool {
  for (let part: usize = 0; part < 64; part += 16) {
    for (let rest = i8x16.bitmask(i8x16.eq(v128.load(at + part), capitalI())); rest != 0; rest &= rest - 1) {
      if (load<u64>(at + part + ctz(rest) - 4) == SOURCE_IPS) {
        return true;
      }
    }
  }
  return false;
}

function total(bytes: v128): i32 {
  const words = i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(bytes));
  return (
    i32x4.extract_lane(words, 0) +
    i32x4.extract_lane(words, 1) +
    i32x4.extract_lane(words, 2) +
    i32x4.extract_lane(words, 3)
  );
}
