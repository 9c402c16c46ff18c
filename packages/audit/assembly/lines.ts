// Takes line after line by its template, and stops where a line has none.
import { BYTES, CONTROL, DIFFERENCES, EVENTS, STANDING } from "./memory";
import { areBodiesProven, tailStart } from "./body";
import {
  ALIKE,
  BODY,
  body,
  entryWithHash,
  forgetTemplates,
  ifLike,
  isWhole,
  KEEP,
  LOOKED_AT,
  matched,
  placeOf,
  SEARCHED,
  STANDING_SHIFT,
  TELLS,
  UNLIKE,
} from "./entries";
import { hashWithName, hashWithObject, hashWithoutSpace, headHash } from "./head-hash";
import { entryWithStart, isSameStartLikely, likelyNext, noteStart, noteTaken, rememberStart } from "./likely";
import { areHarmlessAlike, findSuspect } from "./suspects";
import { differencesEnd } from "./template";
import { findTold as findToldIn, moveTold } from "./told";

const MAX_DECISIONS = 256;
/** In the place of an entry: the line is like one, but something stands in it. */
const SUSPECT: u32 = 0xffff_ffff;

/** Forgets all templates and counts. */
export function forget(): void {
  forgetTemplates();
  store<u8>(STANDING, 1);
  memory.fill(EVENTS, 0, 4 * MAX_DECISIONS);
  memory.fill(BYTES, 0, 8 * MAX_DECISIONS);
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
    let entry = ifLike(at, likelyNext());
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
      entry = entryWithHash(at, hash);
      if (entry == 0) {
        const withoutSpace = hashWithoutSpace();
        entry = withoutSpace == 0 ? 0 : entryWithHash(at, withoutSpace);
      }
      if (entry == 0) {
        const withObject = hashWithObject(end);
        entry = withObject == hash ? 0 : entryWithHash(at, withObject);
        if (entry == 0) {
          noteNumbers(hash, end);
          break;
        }
      }
      rememberStart(at, entry);
    }
    noteTaken(entry);
    const behind = matched;
    const place = placeOf(entry);
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
