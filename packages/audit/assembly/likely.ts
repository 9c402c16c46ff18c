// Which entry a line is likely like: the one that follows the entry of the line before, or that of the last line that began so. It proves nothing: it
// spares looking for what decides in a head.
import { ENTRY_COUNT, FOLLOWERS, SAME_STARTS, SAME_START_COUNT } from "./memory";

/** Behind `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"`, and behind `{"level":"` as an EventList's items begin. */
const LEVEL: usize = 56;
const LEVEL_OF_ITEM: usize = 10;
/** Of `"Metadata"` the first eight letters, and of `RequestResponse`. */
const METADATA: u64 = ((0x61746164 as u64) << 32) | 0x6174654d;
const REQUEST_R: u64 = ((0x52747365 as u64) << 32) | 0x75716552;
const REQUEST_LENGTH: usize = 7;
/** From a level's end to its line's stage: `","auditID":"`, 36 letters, `","stage":"`. */
const TO_STAGE: usize = 60;
/** From a stage's end to the URI: `","requestURI":"`. */
const TO_URI: usize = 16;
const FACTOR: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;
const SHIFT: u64 = 52;

/**
 * Behind a follower's number: how sure it is. One that came another time is surer by one, one that did not less sure by two; only one that hardly ever fails is
 * worth asking, because a branch that goes either way costs as much as it saves.
 */
const SURENESS: u32 = 1 << 16;
const ENTRY_MASK: u32 = SURENESS - 1;
const ENOUGH: u32 = 6 * SURENESS;
const MOST: u32 = 7 * SURENESS;

/** How much more often lines were like the one that began so than not, of the last ones. */
let sameStarts: i32 = 0;
const BOUND: i32 = 64;
/** As long as they were not, one of so many lines is asked: names that change make that fail. */
const RARELY: u32 = 512;
let asked: u32 = 0;
/** The entry of the line before; 0 where that is not known. */
let before: u32 = 0;

export function forgetLikely(): void {
  memory.fill(FOLLOWERS, 0, 4 * ENTRY_COUNT);
  memory.fill(SAME_STARTS, 0, 4 * SAME_START_COUNT);
  sameStarts = 0;
  before = 0;
}

/** The entry that nearly always follows that of the line before; 0 where none does. */
export function likelyNext(): u32 {
  const follower = load<u32>(FOLLOWERS + 4 * (before as usize));
  return follower < ENOUGH ? 0 : follower & ENTRY_MASK;
}

/** The line that follows is of this entry. */
export function noteTaken(entry: u32): void {
  const place = FOLLOWERS + 4 * (before as usize);
  const noted = load<u32>(place);
  if ((noted & ENTRY_MASK) == entry) {
    store<u32>(place, noted + (noted < MOST ? SURENESS : 0));
  } else {
    store<u32>(place, noted >= 3 * SURENESS ? noted - 2 * SURENESS : entry | SURENESS);
  }
  before = entry;
}

/** The line that follows made this entry: that says nothing of what comes behind the one before. */
export function noteLearned(entry: u32): void {
  before = entry;
}

/** Whether lines are mostly like those that began so. */
export function isSameStartLikely(): bool {
  return sameStarts >= 0 || ++asked % RARELY == 0;
}

export function noteStart(isLike: bool): void {
  sameStarts = isLike ? min(sameStarts + 1, BOUND) : max(sameStarts - 1, -BOUND);
}

export function entryWithStart(line: usize): u32 {
  return load<u32>(sameStartOf(line));
}

export function rememberStart(line: usize, entry: u32): void {
  if (sameStarts >= 0 || asked % RARELY == 0) {
    store<u32>(sameStartOf(line), entry);
  }
}

/**
 * By its stage and the 112 bytes from its URI on, if all before has its usual length, and without a branch: what this finds is waited for. May read some bytes of
 * what stands behind the line.
 */
function sameStartOf(line: usize): usize {
  const first = line + (load<u8>(line, 2) == 108 ? LEVEL_OF_ITEM : LEVEL);
  const level = load<u64>(first);
  const length: usize = level == METADATA ? 8 : level == REQUEST_R ? 15 : REQUEST_LENGTH;
  const stage = first + length + TO_STAGE;
  // All but ResponseComplete have fifteen letters.
  const uri = stage + (load<u8>(stage, 15) == 34 ? 15 : 16) + TO_URI;
  const even = absorb(absorb(absorb(v128.load(uri), v128.load(uri, 32)), v128.load(uri, 64)), v128.load(uri, 96));
  const odd = absorb(absorb(v128.load(uri, 16), v128.load(uri, 48)), v128.load(uri, 80));
  const lanes = absorb(even, odd);
  const hash = (level + load<u64>(stage, 8) + i64x2.extract_lane(lanes, 0)) * FACTOR + i64x2.extract_lane(lanes, 1);
  return SAME_STARTS + 4 * (((hash * FACTOR) >>> SHIFT) as usize);
}

/**
 * Whether a line is like one that was seen before in two places, the usual ones of stage and URI. Sooner said than by comparing all, and where a name stands
 * there that decides nothing, the line is looked for like any other.
 */
export function mayBeLike(line: usize, known: usize): bool {
  const stage = v128.xor(v128.load(line, 128), v128.load(known, 128));
  const uri = v128.xor(v128.load(line, 176), v128.load(known, 176));
  return !v128.any_true(v128.or(stage, uri));
}

function absorb(hash: v128, bytes: v128): v128 {
  return v128.xor(i32x4.add(i32x4.shl(hash, 5), hash), bytes);
}
