// Proves of what stands between a head and a tail, both compared with those of a line seen before, what damage would break: see
// docs/filter.md. Sums only, no strings: where they do not come out, ./balance decides.
import { skipBalanced } from "./balance";
import { matchTemplate } from "./template";

/** `ceIPs":[`, the end of a key that every event has behind its user and that bodies have not. */
const SOURCE_IPS: u64 = ((0x5b3a2273 as u64) << 32) | 0x50496563;
/** So many blocks add less than 128 to each byte of a sum: four a block. */
const BLOCKS: i32 = 31;

/**
 * Behind the newline of a line of which `[…, from)` is the head, where its end is like the tail in `[tail, tailEnd)`, no control
 * character stands before the newline, as many brackets are closed as opened, and no other event's sourceIPs follow. Otherwise what
 * ./balance says.
 */
export function skipBody(from: usize, tail: usize, tailEnd: usize): usize {
  let at = from;
  let depth = 1;
  while (true) {
    let sum = i8x16.splat(0);
    let isLast = false;
    for (let block = 0; block < BLOCKS; block++) {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      const c = v128.load(at, 32);
      const d = v128.load(at, 48);
      const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d));
      const isLetter = v128.or(
        v128.or(i8x16.eq(a, i8x16.splat(73)), i8x16.eq(b, i8x16.splat(73))),
        v128.or(i8x16.eq(c, i8x16.splat(73)), i8x16.eq(d, i8x16.splat(73))),
      );
      if (v128.any_true(v128.or(isLetter, i8x16.lt_u(least, i8x16.splat(32))))) {
        isLast = v128.any_true(i8x16.lt_u(least, i8x16.splat(32)));
        if (v128.any_true(isLetter) && hasSourceIPs(at)) {
          return skipBalanced(from);
        }
        if (isLast) {
          break;
        }
      }
      sum = i8x16.add(sum, i8x16.add(i8x16.add(brackets(a), brackets(b)), i8x16.add(brackets(c), brackets(d))));
      at += 64;
    }
    depth += total(sum);
    if (isLast) {
      break;
    }
  }
  while (true) {
    const bytes = v128.load(at);
    const end = i8x16.bitmask(i8x16.lt_u(bytes, i8x16.splat(32)));
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
  const tailStart = newline + 1 - (tailEnd - tail);
  if (
    depth == 0 &&
    load<u8>(newline) == 10 &&
    tailStart >= from &&
    matchTemplate(tailStart, tail, tailEnd) == newline + 1
  ) {
    return newline + 1;
  }
  return skipBalanced(from);
}

/** 1 for an opening bracket, -1 for a closing one: { and [ differ in one bit, as } and ] do. */
function brackets(bytes: v128): v128 {
  const upper = v128.or(bytes, i8x16.splat(32));
  return i8x16.sub(i8x16.eq(upper, i8x16.splat(125)), i8x16.eq(upper, i8x16.splat(123)));
}

function openMask(bytes: v128): i32 {
  return i8x16.bitmask(i8x16.eq(v128.or(bytes, i8x16.splat(32)), i8x16.splat(123)));
}

function closeMask(bytes: v128): i32 {
  return i8x16.bitmask(i8x16.eq(v128.or(bytes, i8x16.splat(32)), i8x16.splat(125)));
}

/** Whether the key ends in one of the 64 bytes at `at`. */
function hasSourceIPs(at: usize): bool {
  for (let part: usize = 0; part < 64; part += 16) {
    for (let rest = i8x16.bitmask(i8x16.eq(v128.load(at + part), i8x16.splat(73))); rest != 0; rest &= rest - 1) {
      if (load<u64>(at + part + ctz(rest) - 2) == SOURCE_IPS) {
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
