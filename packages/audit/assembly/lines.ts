// Takes line after line by its template, and stops where a line has none.
import {
  ARENA,
  ARENA_BYTES,
  BUCKET_COUNT,
  BUCKETS,
  BYTES,
  CONTROL,
  ENTRIES,
  ENTRY_COUNT,
  EVENTS,
  RUNS,
} from "./memory";
import { skipBalanced } from "./balance";
import { headHash } from "./head-hash";
import { makeTemplate, matchTemplate } from "./template";

/** Entries of a bucket that are compared; a log that fills one with near misses costs no more than these. */
const MAX_CHAIN = 16;
const MAX_DECISIONS = 256;
/** Set in an entry's decision when its lines are kept. */
const KEEP: u32 = 0x100;
/** Set where the template is a head: what stands behind it is not compared but must balance. */
const HEAD: u32 = 0x200;

// An entry: place and end of the template, decision, next entry of the bucket, number of the head.
const ENTRY_BYTES: usize = 20;

let entries: u32 = 1;
let used: usize = ARENA;

/** Forgets all templates and counts. */
export function forget(): void {
  forgetTemplates();
  memory.fill(EVENTS, 0, 4 * MAX_DECISIONS);
  memory.fill(BYTES, 0, 8 * MAX_DECISIONS);
}

function forgetTemplates(): void {
  memory.fill(BUCKETS, 0, 4 * BUCKET_COUNT);
  entries = 1;
  used = ARENA;
}

/**
 * Takes lines of `[from, end)`, whole ones, as long as they are like a template. Gives where it stopped. CONTROL then holds how
 * many lines it took, how many of them are kept, the runs of kept bytes in RUNS, and the two numbers of the line's head.
 */
export function takeLines(from: usize, end: usize): usize {
  let at = from;
  let lines = 0;
  let keptLines = 0;
  let run = RUNS;
  let runEnd: usize = 0;
  while (at < end) {
    const hash = headHash(at, end);
    if (hash == 0) {
      store<u32>(CONTROL, 0, 12);
      break;
    }
    let entry = findEntry(at, hash);
    if (entry == 0) {
      const withName = load<u32>(CONTROL, 16);
      entry = withName == hash ? 0 : findEntry(at, withName);
    }
    if (entry == 0) {
      break;
    }
    const behind = matched;
    const place = ENTRIES + ENTRY_BYTES * (entry as usize);
    const decision = load<u32>(place, 8);
    const index = decision & 0xff;
    store<u32>(EVENTS + 4 * index, load<u32>(EVENTS + 4 * index) + 1);
    store<f64>(BYTES + 8 * index, load<f64>(BYTES + 8 * index) + ((behind - at) as f64));
    lines++;
    if ((decision & KEEP) != 0) {
      keptLines++;
      if (at != runEnd) {
        store<u32>(run, at);
        run += 8;
      }
      runEnd = behind;
      store<u32>(run - 4, behind);
    }
    at = behind;
  }
  store<u32>(CONTROL, lines);
  store<u32>(CONTROL + 4, keptLines);
  store<u32>(CONTROL + 8, (run - RUNS) / 8);
  return at;
}

/** Behind the line of the last entry that was found. */
let matched: usize = 0;

/** The entry that the line at `line` is like, 0 for none. */
function findEntry(line: usize, hash: u32): u32 {
  const bucket = BUCKETS + 4 * (hash & (BUCKET_COUNT - 1));
  const first = load<u32>(bucket);
  let entry: u32 = first;
  let previous: u32 = 0;
  for (let tries = 0; entry != 0 && tries < MAX_CHAIN; tries++) {
    const place = ENTRIES + ENTRY_BYTES * (entry as usize);
    if (load<u32>(place, 16) == hash) {
      const behind = matchTemplate(line, load<u32>(place), load<u32>(place, 4));
      if (behind != 0) {
        matched = (load<u32>(place, 8) & HEAD) != 0 ? skipBalanced(behind) : behind;
        if (matched == 0) {
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

/**
 * Makes `[from, to)` a template: a line with its newline, or its head up to a value. `hash` is one of the numbers of the line's head:
 * the one without the name where `[name, nameEnd)`, a name in the path that decides nothing, is not empty. Where there is no room, all others are forgotten.
 */
export function learnLine(
  from: usize,
  to: usize,
  hash: u32,
  decision: u32,
  fixed: i32,
  query: usize,
  queryEnd: usize,
  name: usize,
  nameEnd: usize,
): void {
  const length = to - from;
  // Comparing reads 16 bytes behind a template.
  if (entries >= ENTRY_COUNT || used + length + 64 > ARENA + ARENA_BYTES) {
    forgetTemplates();
  }
  makeTemplate(from, to, used, fixed, query, queryEnd, name, nameEnd);
  const bucket = BUCKETS + 4 * (hash & (BUCKET_COUNT - 1));
  const place = ENTRIES + ENTRY_BYTES * entries;
  store<u32>(place, used);
  store<u32>(place, used + length, 4);
  store<u32>(place, decision, 8);
  store<u32>(place, load<u32>(bucket), 12);
  store<u32>(place, hash, 16);
  store<u32>(bucket, entries);
  entries++;
  used += length;
}
