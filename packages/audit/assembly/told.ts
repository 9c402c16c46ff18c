// Finds in a line that was taken what somebody wants to be told of it. A line and its template have the same quotes in the same order, so
// that what stands behind so many of them in one stands there in the other.
import { TOLD, TOLD_OBJECT, TOLD_OBJECT_BYTES } from "./memory";

// Words of TOLD before a line is learned: where the opening quotes stand of auditID, of objectRef.namespace and .name, of the key of
// the requestObject (0: there is none), of stageTimestamp; and from that key to its value.
const REQUEST: usize = 12;
const TIME: usize = 16;
const REQUEST_VALUE: usize = 20;

/** How many bytes `noteTold` takes. */
export const NOTED_BYTES: usize = 12;
const NO_REQUEST: u16 = 0xffff;

/** Writes to `notes` by how many quotes what TOLD holds is found in the line at `line`, whose time is counted from `tail`. */
export function noteTold(line: usize, tail: usize, notes: usize): void {
  let from = line;
  for (let i: usize = 0; i < 3; i++) {
    const quote: usize = load<u32>(TOLD + 4 * i);
    store<u16>(notes + 2 * i, quotesIn(from, quote));
    from = quoteAt(quote + 1, 0) + 1;
  }
  const request: usize = load<u32>(TOLD, REQUEST);
  store<u16>(notes, request == 0 ? NO_REQUEST : quotesIn(from, request), 6);
  store<u16>(notes, load<u32>(TOLD, REQUEST_VALUE) as u16, 8);
  store<u16>(notes, quotesIn(tail, load<u32>(TOLD, TIME)), 10);
}

/**
 * Finds it in another line, whose tail begins at `tail`: TOLD then holds where auditID begins and ends, how long the text at TOLD_OBJECT
 * is (the namespace, a slash and the name), where the requestObject begins (0: there is none), where stageTimestamp begins and ends, where
 * bodies have ended, and the line. False where namespace and name are too long.
 */
export function findTold(line: usize, tail: usize, behind: usize, notes: usize): bool {
  const auditID = quoteAt(line, load<u16>(notes)) + 1;
  const auditIDEnd = quoteAt(auditID, 0);
  const space = quoteAt(auditIDEnd + 1, load<u16>(notes, 2)) + 1;
  const spaceEnd = quoteAt(space, 0);
  const name = quoteAt(spaceEnd + 1, load<u16>(notes, 4)) + 1;
  const nameEnd = quoteAt(name, 0);
  const length = spaceEnd - space + 1 + (nameEnd - name);
  if (length > TOLD_OBJECT_BYTES) {
    return false;
  }
  memory.copy(TOLD_OBJECT, space, spaceEnd - space);
  store<u8>(TOLD_OBJECT + (spaceEnd - space), 47);
  memory.copy(TOLD_OBJECT + (spaceEnd - space) + 1, name, nameEnd - name);
  const quotes = load<u16>(notes, 6);
  const request: usize = quotes == NO_REQUEST ? 0 : quoteAt(nameEnd + 1, quotes) + (load<u16>(notes, 8) as usize);
  const time = quoteAt(tail, load<u16>(notes, 10)) + 1;
  store<u32>(TOLD, auditID);
  store<u32>(TOLD, auditIDEnd, 4);
  store<u32>(TOLD, length, 8);
  store<u32>(TOLD, request, 12);
  store<u32>(TOLD, time, 16);
  store<u32>(TOLD, quoteAt(time, 0), 20);
  store<u32>(TOLD, tail == line ? behind : tail, 24);
  store<u32>(TOLD, line, 28);
  store<u32>(TOLD, behind, 32);
  return true;
}

/** The line now stands `by` bytes before where it was found. */
export function moveTold(by: usize): void {
  for (let word: usize = 0; word < 9; word++) {
    const at: usize = load<u32>(TOLD + 4 * word);
    if (word != 2 && at != 0) {
      store<u32>(TOLD + 4 * word, at - by);
    }
  }
}

/** How many quotes stand in `[from, to)`. */
function quotesIn(from: usize, to: usize): u16 {
  let quotes: u16 = 0;
  for (let at = from; at < to; at++) {
    quotes += load<u8>(at) == 34 ? 1 : 0;
  }
  return quotes;
}

/** The quote behind so many others, from `from` on: there must be one. */
function quoteAt(from: usize, others: u32): usize {
  let at = from;
  let left = others;
  while (true) {
    let quotes = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(34))) as u32;
    const found = popcnt(quotes);
    if (left >= found) {
      left -= found;
      at += 16;
      continue;
    }
    for (; left != 0; left--) {
      quotes &= quotes - 1;
    }
    return at + ctz(quotes);
  }
}
