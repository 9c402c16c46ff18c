// Finds in a line that was taken what somebody wants to be told of it. A line and its template have the same quotes in the same order, so
// that what stands behind so many of them in one stands there in the other.
import { closingQuote } from "./blocks";
import { quote } from "./bytes";
import { MOMENT, TOLD, TOLD_OBJECT, TOLD_OBJECT_BYTES } from "./memory";
import { noteMoment } from "./moment";

// Words of TOLD before a line is learned: where the opening quotes stand of auditID, of requestURI, of objectRef.namespace and .name, of the
// key of the requestObject, of stageTimestamp and requestReceivedTimestamp (0: there is none); from the key of the requestObject to its
// value; whether there are bodies.
const PLACES_IN_HEAD: usize = 4;
const REQUEST: usize = 16;
const TIME: usize = 20;
const RECEIVED: usize = 24;
const REQUEST_VALUE: usize = 28;
const BODIES: usize = 32;

/** How many bytes `noteTold` takes. */
export const NOTED_BYTES: usize = 18;
const NONE: u16 = 0xffff;
/** Behind MOMENT: see ./moment. */
const OBJECT_HASH: usize = 12;
const FACTOR: u32 = 0x9e3779b1;

/**
 * Writes to `notes` by how many quotes what TOLD holds is found in the line at `line`, each counted from the one before; its times are counted
 * from `tail` where that is another place.
 */
export function noteTold(line: usize, tail: usize, notes: usize): void {
  let from = line;
  for (let i: usize = 0; i < PLACES_IN_HEAD; i++) {
    const quote: usize = load<u32>(TOLD + 4 * i);
    store<u16>(notes + 2 * i, quote == 0 ? NONE : quotesIn(from, quote));
    from = quote == 0 ? from : endOfText(quote + 1) + 1;
  }
  const request: usize = load<u32>(TOLD, REQUEST);
  store<u16>(notes, request == 0 ? NONE : quotesIn(from, request), 8);
  store<u16>(notes, load<u32>(TOLD, REQUEST_VALUE) as u16, 10);
  from = tail == line ? from : tail;
  const received: usize = load<u32>(TOLD, RECEIVED);
  store<u16>(notes, received == 0 ? NONE : quotesIn(from, received), 14);
  from = received == 0 ? from : quoteAt(received + 1, 0) + 1;
  store<u16>(notes, quotesIn(from, load<u32>(TOLD, TIME)), 12);
  store<u16>(notes, load<u32>(TOLD, BODIES) as u16, 16);
}

/**
 * Finds it in another line, whose tail begins at `tail` and whose first body at `body` (0: that is not known, or there is none). TOLD then
 * holds from where to where auditID, requestURI, objectRef.name, stageTimestamp and requestReceivedTimestamp stand (0: there is none), how
 * long the text at TOLD_OBJECT is (the namespace, a slash and the name), where the requestObject begins, where bodies have ended, where
 * the first of them begins (NOWHERE: that is not known), and the line; ./moment says what is noted beside. False where namespace and name are too long.
 */
export function findTold(line: usize, body: usize, tail: usize, behind: usize, notes: usize): bool {
  const auditID = quoteAt(line, load<u16>(notes)) + 1;
  const auditIDEnd = quoteAt(auditID, 0);
  const uri = quoteAt(auditIDEnd + 1, load<u16>(notes, 2)) + 1;
  const uriEnd = endOfText(uri);
  let from = uriEnd + 1;
  let space: usize = 0;
  let spaceEnd: usize = 0;
  if (load<u16>(notes, 4) != NONE) {
    space = quoteAt(from, load<u16>(notes, 4)) + 1;
    spaceEnd = quoteAt(space, 0);
    from = spaceEnd + 1;
  }
  let name: usize = 0;
  let nameEnd: usize = 0;
  if (load<u16>(notes, 6) != NONE) {
    name = quoteAt(from, load<u16>(notes, 6)) + 1;
    nameEnd = quoteAt(name, 0);
    from = nameEnd + 1;
  }
  const length = spaceEnd - space + 1 + (nameEnd - name);
  if (length > TOLD_OBJECT_BYTES) {
    return false;
  }
  memory.copy(TOLD_OBJECT, space, spaceEnd - space);
  store<u8>(TOLD_OBJECT + (spaceEnd - space), 47);
  memory.copy(TOLD_OBJECT + (spaceEnd - space) + 1, name, nameEnd - name);
  store<u32>(MOMENT, hashOfObject(space, spaceEnd, name, nameEnd), OBJECT_HASH);
  const quotes = load<u16>(notes, 8);
  const request: usize = quotes == NONE ? 0 : quoteAt(from, quotes) + (load<u16>(notes, 10) as usize);
  from = tail == line ? from : tail;
  const received: usize = load<u16>(notes, 14) == NONE ? 0 : quoteAt(from, load<u16>(notes, 14)) + 1;
  const receivedEnd: usize = received == 0 ? 0 : quoteAt(received, 0);
  const time = quoteAt(received == 0 ? from : receivedEnd + 1, load<u16>(notes, 12)) + 1;
  const timeEnd = quoteAt(time, 0);
  noteMoment(auditID, auditIDEnd, time, timeEnd);
  store<u32>(TOLD, auditID);
  store<u32>(TOLD, auditIDEnd, 4);
  store<u32>(TOLD, length, 8);
  store<u32>(TOLD, request, 12);
  store<u32>(TOLD, time, 16);
  store<u32>(TOLD, timeEnd as u32, 20);
  store<u32>(TOLD, tail == line ? behind : tail, 24);
  store<u32>(TOLD, line, 28);
  store<u32>(TOLD, behind, 32);
  store<u32>(TOLD, uri, 36);
  store<u32>(TOLD, uriEnd, 40);
  store<u32>(TOLD, name, 44);
  store<u32>(TOLD, nameEnd, 48);
  store<u32>(TOLD, received, 52);
  store<u32>(TOLD, receivedEnd, 56);
  store<u32>(TOLD, load<u16>(notes, 16) == 0 ? 0 : body == 0 ? NOWHERE : (body as u32), 60);
  return true;
}

/** As src/object-hash.ts makes it. */
function hashOfObject(space: usize, spaceEnd: usize, name: usize, nameEnd: usize): u32 {
  const hash = mixed(name, nameEnd, mixed(space, spaceEnd, 0));
  return hash ^ (hash >>> 16);
}

function mixed(from: usize, end: usize, seed: u32): u32 {
  let hash = seed;
  let at = from;
  for (; at + 4 <= end; at += 4) {
    hash = (rotl(hash, 5) ^ load<u32>(at)) * FACTOR;
  }
  const rest = load<u32>(at) & ((1 << (8 * ((end - at) as u32))) - 1);
  return (rotl(hash, 5) ^ rest ^ (((end - from) as u32) << 24)) * FACTOR;
}

/** In the place of where bodies begin: there are some. */
const NOWHERE: u32 = 0xffff_ffff;
const WORDS: usize = 16;
/** Of these words the one that is no place. */
const LENGTH: usize = 2;

/** The line now stands `by` bytes before where it was found. */
export function moveTold(by: usize): void {
  for (let word: usize = 0; word < WORDS; word++) {
    const at: usize = load<u32>(TOLD + 4 * word);
    if (word != LENGTH && at != 0 && at != (NOWHERE as usize)) {
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
    let quotes = i8x16.bitmask(i8x16.eq(v128.load(at), quote())) as u32;
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

/** The quote that ends a text which may hold escapes. */
export function endOfText(from: usize): usize {
  const at = quoteAt(from, 0);
  return isEscaped(at, from) ? closingQuote(at + 1) : at;
}

/** Whether an odd number of backslashes stands before `at`, none of them before `from`. */
function isEscaped(at: usize, from: usize): bool {
  let back = at;
  while (back > from && load<u8>(back - 1) == 92) {
    back--;
  }
  return ((at - back) & 1) != 0;
}
