// Takes line after line by its template, and stops where a line has none.
import {
  ARENA,
  ARENA_BYTES,
  BUCKET_COUNT,
  BUCKETS,
  BYTES,
  CLASS,
  CONTROL,
  DIFFERENCES,
  ENTRIES,
  ENTRY_COUNT,
  EVENTS,
  STANDING,
} from "./memory";
import { skipBalanced } from "./balance";
import { areBodiesProven, skipBody, tailStart } from "./body";
import { hashWithName, hashWithObject, hashWithoutSpace, headHash } from "./head-hash";
import {
  entryWithStart,
  followerOf,
  forgetLikely,
  isSameStartLikely,
  mayBeLike,
  noteFollower,
  noteStart,
  rememberStart,
} from "./likely";
import { areHarmlessAlike, findSuspect } from "./suspects";
import { differencesEnd, forgetDifferences, makeTail, makeTemplate, matchTemplate, NAME, reached } from "./template";
import { findTold as findToldIn, moveTold, noteTold, NOTED_BYTES } from "./told";

/**
 * Entries of a bucket that are compared; a log that fills one with near misses costs no more than these. As many pods of one service account, each
 * with a credential of its own, are still told apart: that costs some 30 ns an entry, and 10 us and more where a line is read by itself.
 */
const MAX_CHAIN = 64;
const MAX_DECISIONS = 256;
/** Set in an entry's decision when its lines are kept. */
const KEEP: u32 = 0x100;
/** Set where the head alone must be alike: what stands behind it must be whole only. */
const HEAD: u32 = 0x200;
/** Set where a body stands between head and tail. */
const BODY: u32 = 0x400;
/** Set where the tail decides too: another one is another line. */
const TAIL: u32 = 0x800;
/** Set where a line may be taken only if nothing stands in it that might have to be redacted. */
const SEARCHED: u32 = 0x1000;
/** Set beside that where each line is looked at: none is taken. */
const LOOKED_AT: u32 = 0x4000;
/** Set where somebody must be told of each line before the next one is looked at. */
const TELLS: u32 = 0x2000;
/** Set where such a line is searched only where it differs: the rest was, in another one, and finds the same. */
const ALIKE: u32 = 0x8000;
/** Set where it is known that this cannot be. */
const UNLIKE: u32 = 0x1_0000;
/** In the place of an entry: the line is like one, but something stands in it. */
const SUSPECT: u32 = 0xffff_ffff;
/** Behind the flags: which answer must stand. */
const STANDING_SHIFT: u32 = 18;

// An entry: place of the head, of the tail behind it, decision, next entry of the bucket, number of the head, end of the tail.
const ENTRY_BYTES: usize = 24;

let entries: u32 = 1;
let used: usize = ARENA;
/** The entry of the line before. */
let before: u32 = 0;

/** Forgets all templates and counts. */
export function forget(): void {
  forgetTemplates();
  store<u8>(STANDING, 1);
  memory.fill(EVENTS, 0, 4 * MAX_DECISIONS);
  memory.fill(BYTES, 0, 8 * MAX_DECISIONS);
}

/** Forgets all templates. */
export function forgetTemplates(): void {
  memory.fill(BUCKETS, 0, 4 * BUCKET_COUNT);
  forgetLikely();
  entries = 1;
  used = ARENA;
  before = 0;
}

/**
 * Takes lines of `[from, end)`, whole ones, as long as they are like a template, and moves those that are kept to where the first
 * of them stands, or to `to` if that is not 0: where those end that were kept before, so that all stand behind one another. Gives where it stopped. CONTROL then holds how many lines it took, how many of them are kept, from where to where
 * these stand now, two numbers of the line's head, and the entry that the line where it stopped is like, had what that rests on
 * not ended; SUSPECT where the entry stands but not every line is taken; else 0. At last the number of the answer by which somebody
 * must be told of the last line that it took, what ./told says; 0 where nobody must. Behind that the entry of the last line that it took,
 * with SUSPECT the number of the answer that stands, the third number of the line's head, with SUSPECT what was decided, and a fourth number
 * of the head. Last, with SUSPECT: from where to where the line stands, which is proven to be an event in which something may have to be redacted,
 * with what ./told says where somebody must be told of it; from 0 on where it is not.
 */
export function takeLines(from: usize, end: usize, to: usize): usize {
  let at = from;
  let lines = 0;
  let keptLines = 0;
  /** Where kept lines begin, where the moved ones end, and what is still to be moved. */
  let kept = to;
  let keptEnd = to;
  let run: usize = 0;
  let runEnd: usize = 0;
  let teller: u32 = 0;
  store<u32>(CONTROL, 0, 24);
  while (at < end) {
    let entry = ifLike(at, followerOf(before));
    if (entry == 0 && isSameStartLikely()) {
      entry = ifLike(at, entryWithStart(at));
      noteStart(entry != 0);
    }
    if (entry == 0) {
      const hash = headHash(at, end);
      if (hash == 0) {
        store<u32>(CONTROL, 0, 12);
        break;
      }
      entry = findEntry(at, hash);
      if (entry == 0) {
        const withoutSpace = hashWithoutSpace();
        entry = withoutSpace == 0 ? 0 : findEntry(at, withoutSpace);
      }
      if (entry == 0) {
        const withObject = hashWithObject(end);
        entry = withObject == hash ? 0 : findEntry(at, withObject);
        if (entry == 0) {
          noteNumbers(hash, end);
          break;
        }
      }
      rememberStart(at, entry);
    }
    noteFollower(before, entry);
    before = entry;
    const behind = matched;
    const place = ENTRIES + ENTRY_BYTES * (entry as usize);
    const decision = load<u32>(place, 8);
    if (load<u8>(STANDING + (decision >>> STANDING_SHIFT)) == 0) {
      store<u32>(CONTROL, entry, 24);
      noteNumbers(headHash(at, end), end);
      break;
    }
    const isLookedAt = (decision & LOOKED_AT) != 0;
    const isSuspect = !isLookedAt && (decision & SEARCHED) != 0 && hasSuspect(at, behind, decision, place);
    const isTelling = !isLookedAt && (decision & TELLS) != 0;
    const isFound = !isTelling || findTold(at, decision, behind, place);
    if (isLookedAt || isSuspect || !isFound) {
      noteSuspect(decision);
      if (isSuspect && isFound && isProven(decision)) {
        store<u32>(CONTROL, at, 52);
        store<u32>(CONTROL, behind, 56);
      }
      break;
    }
    if (isTelling) {
      teller = decision >>> STANDING_SHIFT;
    }
    store<u32>(CONTROL, entry, 32);
    const index = decision & 0xff;
    store<u32>(EVENTS + 4 * index, load<u32>(EVENTS + 4 * index) + 1);
    store<f64>(BYTES + 8 * index, load<f64>(BYTES + 8 * index) + ((behind - at) as f64));
    lines++;
    if ((decision & KEEP) != 0) {
      keptLines++;
      if (at != runEnd) {
        if (kept == 0) {
          kept = at;
          keptEnd = at;
        }
        keptEnd = move(keptEnd, run, runEnd);
        run = at;
      }
      runEnd = behind;
    }
    at = behind;
    if (teller != 0) {
      break;
    }
  }
  store<u32>(CONTROL, lines);
  store<u32>(CONTROL + 4, keptLines);
  store<u32>(CONTROL + 8, kept);
  keptEnd = move(keptEnd, run, runEnd);
  store<u32>(CONTROL + 20, keptEnd);
  store<u32>(CONTROL, teller, 28);
  // What is not kept stays where it was: what is moved before it comes no further than that.
  if (teller != 0 && runEnd == at) {
    moveTold(at - keptEnd);
  }
  return at;
}

/** Tells which answer stands of the line that was not taken although it is like an entry with this decision, and what was decided. */
function noteSuspect(decision: u32): void {
  store<u32>(CONTROL, SUSPECT, 24);
  store<u32>(CONTROL, decision >>> STANDING_SHIFT, 36);
  store<u32>(CONTROL, decision & 0xff, 44);
  store<u32>(CONTROL, 0, 52);
}

/** Whether the line of the last entry that was found is an event, without looking at its head again. */
function isProven(decision: u32): bool {
  return (decision & BODY) == 0 ? isWhole : areBodiesProven(body);
}

/** Whether something in the line of the last entry that was found, which is at `place`, may have to be redacted. */
function hasSuspect(at: usize, behind: usize, decision: u32, place: usize): bool {
  const hasBody = (decision & BODY) != 0;
  const isTailKnown = hasBody ? tailStart != 0 : isWhole;
  if ((decision & ALIKE) == 0) {
    if (findSuspect(at, behind) != 0) {
      return true;
    }
    if ((decision & UNLIKE) == 0 && isTailKnown) {
      const tail: usize = load<u32>(place, 4);
      const isAlike = areHarmlessAlike(load<u32>(place), tail) && areHarmlessAlike(tail, load<u32>(place, 20));
      store<u32>(place, decision | (isAlike ? ALIKE : UNLIKE), 8);
    }
    return false;
  }
  // What begins two bytes before may end there.
  for (let pair = DIFFERENCES; pair < differencesEnd; pair += 8) {
    if (findSuspect(max(at, (load<u32>(pair) as usize) - 2), min(load<u32>(pair, 4) as usize, behind)) != 0) {
      return true;
    }
  }
  if (isTailKnown && !hasBody) {
    return false;
  }
  return findSuspect(body - 2, isTailKnown ? tailStart : behind) != 0;
}

/** As ./told has it, of the line of the last entry that was found, which is at `place`. */
function findTold(at: usize, decision: u32, behind: usize, place: usize): bool {
  const hasBody = (decision & BODY) != 0;
  return findToldIn(at, hasBody ? body : 0, hasBody ? tailStart : at, behind, load<u32>(place, 20) as usize);
}

/** Tells by which numbers the line that was not taken may be found once it is learned. */
function noteNumbers(hash: u32, end: usize): void {
  store<u32>(CONTROL, hash, 12);
  store<u32>(CONTROL, hashWithName(), 16);
  store<u32>(CONTROL, hashWithObject(end), 40);
  store<u32>(CONTROL, hashWithoutSpace(), 48);
}

/** Moves `[run, runEnd)` to `to`; gives where it ends there. */
function move(to: usize, run: usize, runEnd: usize): usize {
  if (to != run) {
    memory.copy(to, run, runEnd - run);
  }
  return to + (runEnd - run);
}

/** Behind the line of the last entry that was found. */
let matched: usize = 0;
/** Where its body begins, if it has one, or else what is not like the entry's line. */
let body: usize = 0;
/** Where it has none: whether all of it is like the entry's line. */
let isWhole: bool = false;

/** The entry if the line at `line` is like it, else 0. */
function ifLike(line: usize, entry: u32): u32 {
  const place = ENTRIES + ENTRY_BYTES * (entry as usize);
  // A dropped one has the number 0.
  if (entry == 0 || load<u32>(place, 16) == 0 || !mayBeLike(line, load<u32>(place))) {
    return 0;
  }
  matched = matchEntry(line, place);
  return matched > 1 ? entry : 0;
}

/** The entry that the line at `line` is like, 0 for none. */
function findEntry(line: usize, hash: u32): u32 {
  const bucket = BUCKETS + 4 * (hash & (BUCKET_COUNT - 1));
  const first = load<u32>(bucket);
  let entry: u32 = first;
  let previous: u32 = 0;
  for (let tries = 0; entry != 0 && tries < MAX_CHAIN; tries++) {
    const place = ENTRIES + ENTRY_BYTES * (entry as usize);
    if (load<u32>(place, 16) == hash) {
      matched = matchEntry(line, place);
      if (matched != 0) {
        if (matched == 1) {
          return 0;
        }
        if (previous != 0) {
          // The last one found comes first.
          store<u32>(ENTRIES + ENTRY_BYTES * (previous as usize) + 12, load<u32>(place, 12));
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
  return load<u32>(ENTRIES + ENTRY_BYTES * (entry as usize), 8) >>> STANDING_SHIFT;
}

/** No line is like the entry any more: no head has its number. */
export function dropLine(entry: u32): void {
  store<u32>(ENTRIES + ENTRY_BYTES * (entry as usize), 0, 16);
}

/** From now on the lines of an entry rest on another answer. */
export function renewLine(entry: u32, standing: u32): void {
  const place = ENTRIES + ENTRY_BYTES * (entry as usize);
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
  const place = ENTRIES + ENTRY_BYTES * entries;
  store<u32>(place, used);
  store<u32>(place, known, 4);
  store<u32>(place, decision, 8);
  store<u32>(place, load<u32>(bucket), 12);
  store<u32>(place, hash, 16);
  store<u32>(place, known + (to - tail), 20);
  store<u32>(bucket, entries);
  before = entries;
  used += length;
  return entries++;
}
