// What stands at several paths of an object whose members were found by ./members: src/key-paths.ts says what for.
import { MEMBERS } from "./memory";

const ENTRY_BYTES: usize = 24;
/** Of a set: pairs of places, as many as there are paths; how many keys; the keys. */
const KEY_COUNT: usize = 96;
const KEYS_OF_SET: usize = 128;
/** Of a key: how long it is, behind which path's place what it stands for is written (-1: none), how many keys below it follow, its text. */
const KEY_BYTES: usize = 64;
const TEXT: usize = 12;

/**
 * Writes to the set at `set` where its values stand, places less `base`, of the `count` members at MEMBERS; of several of one name the last
 * counts, and of what is not there both are 0. False where a key that may be one of them is spelled with escapes or beyond ASCII.
 */
export function findPaths(count: u32, base: usize, set: usize): bool {
  memory.fill(set, 0, KEY_COUNT);
  const end = MEMBERS + ENTRY_BYTES * (count as usize);
  for (let entry = MEMBERS; entry < end; entry = behind(entry)) {
    const key = keyOf(entry, base, set + KEYS_OF_SET, load<u32>(set, KEY_COUNT));
    if (key == UNSURE) {
      return false;
    }
    if (key == 0) {
      continue;
    }
    note(entry, key, set);
    const below = load<u32>(key, 8);
    if (below > 0 && !findBelow(entry, base, set, key + KEY_BYTES, below)) {
      return false;
    }
  }
  return true;
}

/** The same of the members below an entry, and the `count` keys from `keys` on. */
function findBelow(entry: usize, base: usize, set: usize, keys: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    // Those of an earlier member of this name count no more.
    forget(keys + KEY_BYTES * (i as usize), set);
  }
  const end = behind(entry);
  for (let at = entry + ENTRY_BYTES; at < end; at += ENTRY_BYTES) {
    const key = keyOf(at, base, keys, count);
    if (key == UNSURE) {
      return false;
    }
    if (key != 0) {
      note(at, key, set);
    }
  }
  return true;
}

const UNSURE: usize = 1;

/** Which of `count` keys from `keys` on the entry has, of those that stand beside one another; 0 for none. */
function keyOf(entry: usize, base: usize, keys: usize, count: u32): usize {
  if (load<u32>(entry, 20) == 0) {
    return UNSURE;
  }
  const start: usize = load<u32>(entry);
  const length = load<u32>(entry, 4) - (start as u32);
  for (let i: u32 = 0, key = keys; i < count; i += 1 + load<u32>(key, 8), key = keys + KEY_BYTES * (i as usize)) {
    if (load<u32>(key) == length && memory.compare(start + base, key + TEXT, length as usize) == 0) {
      return key;
    }
  }
  return 0;
}

function note(entry: usize, key: usize, set: usize): void {
  const place = load<i32>(key, 4);
  if (place >= 0) {
    store<u32>(set + 8 * (place as usize), load<u32>(entry, 8));
    store<u32>(set + 8 * (place as usize), load<u32>(entry, 12), 4);
  }
}

function forget(key: usize, set: usize): void {
  const place = load<i32>(key, 4);
  if (place >= 0) {
    store<u64>(set + 8 * (place as usize), 0);
  }
}

/** Behind an entry and those below it. */
function behind(entry: usize): usize {
  return entry + ENTRY_BYTES * (1 + (load<u32>(entry, 16) as usize));
}
