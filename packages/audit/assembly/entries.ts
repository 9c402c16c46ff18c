// Lines that were proven and decided, each as a template of its head and its tail, found by a number of what decides in its head.
import { ARENA, ARENA_BYTES, BUCKET_COUNT, BUCKETS, CLASS, ENTRIES, ENTRY_COUNT } from "./memory";
import { skipBalanced } from "./balance";
import { skipBody } from "./body";
import { forgetLikely, mayBeLike, noteLearned } from "./likely";
import { forgetDifferences, makeTail, makeTemplate, matchTemplate, NAME, reached } from "./template";
import { noteTold, NOTED_BYTES } from "./told";

/**
 * Entries of a bucket that are compared; a log that fills one with near misses costs no more than these. As many pods of one service account, each
 * with a credential of its own, are still told apart: that costs some 30 ns an entry, and 10 us and more where a line is read by itself.
 */
const MAX_CHAIN = 64;
/** Set in an entry's decision when its lines are kept. */
export const KEEP: u32 = 0x100;
/** Set where the head alone must be alike: what stands behind it must be whole only. */
const HEAD: u32 = 0x200;
/** Set where a body stands between head and tail. */
export const BODY: u32 = 0x400;
/** Set where the tail decides too: another one is another line. */
const TAIL: u32 = 0x800;
/** Set where a line may be taken only if nothing stands in it that might have to be redacted. */
export const SEARCHED: u32 = 0x1000;
/** Set beside that where each line is looked at: none is taken. */
export const LOOKED_AT: u32 = 0x4000;
/** Set where somebody must be told of each line before the next one is looked at. */
export const TELLS: u32 = 0x2000;
/** Set where such a line is searched only where it differs: the rest was, in another one, and finds the same. */
export const ALIKE: u32 = 0x8000;
/** Set where it is known that this cannot be. */
export const UNLIKE: u32 = 0x1_0000;
/** Behind the flags: which answer must stand. */
export const STANDING_SHIFT: u32 = 18;

// An entry: place of the head, of the tail behind it, decision, next entry of the bucket, number of the head, end of the tail.
const ENTRY_BYTES: usize = 24;

let entries: u32 = 1;
let used: usize = ARENA;

/** Forgets all templates. */
export function forgetTemplates(): void {
  memory.fill(BUCKETS, 0, 4 * BUCKET_COUNT);
  forgetLikely();
  entries = 1;
  used = ARENA;
}

/** Behind the line of the last entry that was found. */
export let matched: usize = 0;
/** Where its body begins, if it has one, or else what is not like the entry's line. */
export let body: usize = 0;
/** Where it has none: whether all of it is like the entry's line. */
export let isWhole: bool = false;

/** The entry if the line at `line` is like it, else 0. */
export function ifLike(line: usize, entry: u32): u32 {
  const place = placeOf(entry);
  // A dropped one has the number 0.
  if (entry == 0 || load<u32>(place, 16) == 0 || !mayBeLike(line, load<u32>(place))) {
    return 0;
  }
  matched = matchEntry(line, place);
  return matched > 1 ? entry : 0;
}

/** The entry that the line at `line` is like, 0 for none. */
export function entryWithHash(line: usize, hash: u32): u32 {
  const bucket = BUCKETS + 4 * (hash & (BUCKET_COUNT - 1));
  const first = load<u32>(bucket);
  let entry: u32 = first;
  let previous: u32 = 0;
  for (let tries = 0; entry != 0 && tries < MAX_CHAIN; tries++) {
    const place = placeOf(entry);
    if (load<u32>(place, 16) == hash) {
      matched = matchEntry(line, place);
      if (matched != 0) {
        if (matched == 1) {
          return 0;
        }
        if (previous != 0) {
          // The last one found comes first.
          store<u32>(placeOf(previous) + 12, load<u32>(place, 12));
          store<u32>(place, first, 12);
          store<u32>(bucket, entry);
        }
        return entry;
      }
    }
    previous = entry;
    entry = load<u32>(place, 12);
  }
  return 0;
}

/** Which answer the lines of an entry rest on. */
export function standingOf(entry: u32): u32 {
  return load<u32>(placeOf(entry), 8) >>> STANDING_SHIFT;
}

/** No line is like the entry any more: no head has its number. */
export function dropLine(entry: u32): void {
  store<u32>(placeOf(entry), 0, 16);
}

/** From now on the lines of an entry rest on another answer. */
export function renewLine(entry: u32, standing: u32): void {
  const place = placeOf(entry);
  store<u32>(place, (load<u32>(place, 8) & ((1 << STANDING_SHIFT) - 1)) | (standing << STANDING_SHIFT), 8);
}

/** Behind the line if it is like the entry at `place`, 0 if its head is not, or its tail decides and is another, 1 if what follows is not whole. */
function matchEntry(line: usize, place: usize): usize {
  const known: usize = load<u32>(place);
  const tail: usize = load<u32>(place, 4);
  const decision = load<u32>(place, 8);
  const tailEnd: usize = load<u32>(place, 20);
  let behind: usize;
  forgetDifferences();
  if ((decision & BODY) == 0) {
    behind = matchTemplate(line, known, tailEnd);
    isWhole = behind != 0;
    if (behind != 0 || (decision & HEAD) == 0 || reached < tail) {
      return behind;
    }
    // Another tail: others may be as whole.
    behind = matchTemplate(line, known, tail);
    body = behind;
    behind = behind == 0 ? 0 : max(skipBalanced(behind), 1);
  } else {
    behind = matchTemplate(line, known, tail);
    body = behind;
    if ((decision & TAIL) != 0) {
      return behind == 0 ? 0 : skipBody(behind, tail, tailEnd, true);
    }
    behind = behind == 0 ? 0 : max(skipBody(behind, tail, tailEnd, false), 1);
  }
  return behind;
}

/**
 * Remembers a line of which `[from, headEnd)` decides and `[tail, to)` ends it, with its newline; between them may be a body. `hash`
 * is one of the numbers of the line's head: one to which nothing adds that decides nothing, so the one without the name where `[name, nameEnd)`, a name
 * in the path, is not empty, and the one without the namespace where `[space, spaceEnd)` is not. FIXED holds `fixed` spans of the head that must stay as they are, then `fixedBehind` of the tail, and TOLD what
 * somebody is to be told. Where there is no room, all others are forgotten. Gives the entry.
 */
export function learnLine(
  from: usize,
  headEnd: usize,
  tail: usize,
  to: usize,
  hash: u32,
  decision: u32,
  fixed: i32,
  fixedBehind: i32,
  query: usize,
  queryEnd: usize,
  name: usize,
  nameEnd: usize,
  space: usize,
  spaceEnd: usize,
): u32 {
  const isTelling = (decision & TELLS) != 0;
  const length = headEnd - from + (to - tail) + (isTelling ? NOTED_BYTES : 0);
  // Comparing reads 64 bytes behind a template.
  if (entries >= ENTRY_COUNT || used + length + 64 > ARENA + ARENA_BYTES) {
    forgetTemplates();
  }
  const known = used + (headEnd - from);
  makeTemplate(from, headEnd, used, fixed, query, queryEnd, name, nameEnd);
  memory.fill(used + (space - from) + CLASS, NAME, spaceEnd - space);
  makeTail(tail, to, known, fixed, fixed + fixedBehind);
  if (isTelling) {
    noteTold(from, (decision & BODY) == 0 ? from : tail, known + (to - tail));
  }
  const bucket = BUCKETS + 4 * (hash & (BUCKET_COUNT - 1));
  const place = placeOf(entries);
  store<u32>(place, used);
  store<u32>(place, known, 4);
  store<u32>(place, decision, 8);
  store<u32>(place, load<u32>(bucket), 12);
  store<u32>(place, hash, 16);
  store<u32>(place, known + (to - tail), 20);
  store<u32>(bucket, entries);
  noteLearned(entries);
  used += length;
  return entries++;
}

/** Where an entry stands. */
export function placeOf(entry: u32): usize {
  return ENTRIES + ENTRY_BYTES * (entry as usize);
}
