// Does with bytes what packages/ingest/src/sinks/body-extract.ts does with a parsed body: writes the values of a shape, as they
// stand, and nothing else. The text is known to be well-formed JSON. 0 stands for what only the JavaScript knows: a key twice, a key
// that escapes disguise, a number in another form.
import { skipBracketed } from "./balance";
import { skipSpace } from "./walk";
import { backslash, closeBracket, openBracket, quote, space } from "./bytes";

// A plan: its kind, and for an object the first member for each length of a name up to 31. A member: the next one of that length,
// its bit, its plan, the length of its key with quotes and colon, then the key. The plan of a body has a member of its own, its key.
const KEYWORD: u32 = 1;
const BOOLEAN: u32 = 2;
const LONG: u32 = 3;
const OBJECT: u32 = 4;
const LENGTHS: usize = 4;
const NEXT: usize = 0;
const BIT: usize = 4;
const PLAN: usize = 8;
const KEY_BYTES: usize = 12;
const KEY: usize = 16;
const LONGEST_NAME: usize = 31;

const MOST_VALUES: u32 = 1000;
const MOST_NESTED: u32 = 32;
/** Integers of fewer digits are exact in a double. */
const MOST_DIGITS: usize = 15;

let out: usize = 0;

/** Writes what is found in the value at `at`, by the member at `member`. Gives the place behind what was written. */
export function writeBody(to: usize, member: usize, at: usize): usize {
  out = to;
  return writeMember(member, at) == 0 ? 0 : out;
}

function writeMember(member: usize, at: usize): usize {
  const start = out;
  const plan = load<u32>(member, PLAN) as usize;
  copy(member + KEY, load<u32>(member, KEY_BYTES) as usize);
  if (load<u8>(at) == 91) {
    store<u8>(out++, 91);
    const behind = writeElements(plan, at, 0);
    close(start, 93);
    return behind;
  }
  const before = out;
  const behind = writeValue(plan, at);
  if (out == before) {
    out = start;
  }
  return behind;
}

/** A list in a list has no brackets of its own. */
function writeElements(plan: usize, open: usize, depth: u32): usize {
  let at = skipSpace(open + 1);
  if (load<u8>(at) == 93) {
    return at + 1;
  }
  let count: u32 = 0;
  while (true) {
    if (count++ >= MOST_VALUES || depth > MOST_NESTED) {
      at = skip(at);
    } else if (load<u8>(at) == 91) {
      at = writeElements(plan, at, depth + 1);
    } else {
      at = writeValue(plan, at);
    }
    if (at == 0) {
      return 0;
    }
    at = skipSpace(at);
    if (load<u8>(at) != 44) {
      return at + 1;
    }
    at = skipSpace(at + 1);
  }
}

function writeValue(plan: usize, at: usize): usize {
  const first = load<u8>(at);
  const kind = load<u32>(plan);
  if (kind == OBJECT) {
    return first == 123 ? writeObject(plan, at) : skip(at);
  }
  const behind = skip(at);
  if (kind == KEYWORD) {
    if (first == 34 && behind > at + 2) {
      copyValue(at, behind);
    }
  } else if (kind == BOOLEAN) {
    if (first == 116 || first == 102) {
      copyValue(at, behind);
    }
  } else if (kind == LONG && (first == 45 || first - 48 <= 9)) {
    if (!isShortInteger(at, behind)) {
      return 0;
    }
    copyValue(at, behind);
  }
  return behind;
}

function writeObject(plan: usize, open: usize): usize {
  const start = out;
  store<u8>(out++, 123);
  let seen: u32 = 0;
  let at = skipSpace(open + 1);
  if (load<u8>(at) == 125) {
    out = start;
    return at + 1;
  }
  while (true) {
    const key = at + 1;
    const end = nameEnd(key);
    if (end == 0) {
      return 0;
    }
    const member = find(plan, key, end - key);
    // Behind the colon.
    at = skipSpace(skipSpace(end + 1) + 1);
    if (member == 0) {
      at = skip(at);
    } else {
      const bit = load<u32>(member, BIT);
      if ((seen & bit) != 0) {
        return 0;
      }
      seen |= bit;
      at = writeMember(member, at);
      if (at == 0) {
        return 0;
      }
    }
    at = skipSpace(at);
    if (load<u8>(at) != 44) {
      close(start, 125);
      return at + 1;
    }
    at = skipSpace(at + 1);
  }
}

/** The closing quote of a name; 0 where a backslash stands before it. */
function nameEnd(from: usize): usize {
  const quoting = quote();
  const escaping = backslash();
  let at = from;
  while (true) {
    const bytes = v128.load(at);
    const marks = i8x16.bitmask(v128.or(i8x16.eq(bytes, quoting), i8x16.eq(bytes, escaping))) as u32;
    if (marks != 0) {
      const mark = at + (ctz(marks) as usize);
      return load<u8>(mark) == 34 ? mark : 0;
    }
    at += 16;
  }
}

function find(plan: usize, name: usize, length: usize): usize {
  if (length > LONGEST_NAME) {
    return 0;
  }
  let member = load<u32>(plan + LENGTHS + 4 * length) as usize;
  while (member != 0) {
    // The key with its opening quote.
    if (isSame(member + KEY + 1, name, length)) {
      return member;
    }
    member = load<u32>(member, NEXT) as usize;
  }
  return 0;
}

function isSame(a: usize, b: usize, length: usize): bool {
  const low = i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b))) as u32;
  const high = length > 16 ? (i8x16.bitmask(i8x16.eq(v128.load(a, 16), v128.load(b, 16))) as u32) : 0;
  const same = low | (high << 16);
  return (~same & (((1 as u32) << (length as u32)) - 1)) == 0;
}

/** Up to fifteen digits, perhaps behind a minus, without a leading zero behind it. */
function isShortInteger(start: usize, end: usize): bool {
  const digits = load<u8>(start) == 45 ? start + 1 : start;
  for (let at = digits; at < end; at++) {
    if (load<u8>(at) - 48 > 9) {
      return false;
    }
  }
  return end > digits && end - digits <= MOST_DIGITS && (digits == start || load<u8>(digits) != 48);
}

function copyValue(start: usize, end: usize): void {
  copy(start, end - start);
  store<u8>(out++, 44);
}

function copy(from: usize, size: usize): void {
  for (let at: usize = 0; at < size; at += 16) {
    v128.store(out + at, v128.load(from + at));
  }
  out += size;
}

/** Ends what was begun at `start`; takes it back when nothing stands in it. */
function close(start: usize, bracket: u8): void {
  if (load<u8>(out - 1) != 44) {
    out = start;
    return;
  }
  store<u8>(out - 1, bracket);
  store<u8>(out++, 44);
}

/** Behind the value at `from`, whatever it is. */
function skip(from: usize): usize {
  const first = load<u8>(from);
  return first == 34 ? skipText(from) : first == 123 || first == 91 ? skipContainer(from) : skipWord(from);
}

function skipWord(from: usize): usize {
  let at = from;
  while (!isEnd(load<u8>(at))) {
    at++;
  }
  return at;
}

/** Most of a body is skipped, so that is done 64 bytes at a time where no white space but blanks stands in it. */
function skipContainer(from: usize): usize {
  const behind = skipBracketed(from);
  return behind != 0 ? behind : skipSpaced(from);
}

function skipSpaced(from: usize): usize {
  const quoting = quote();
  const blank = space();
  const opening = openBracket();
  const closing = closeBracket();
  let depth: i32 = 0;
  let at = from;
  while (true) {
    const bytes = v128.load(at);
    // { and [ differ in one bit, as } and ] do.
    const upper = v128.or(bytes, blank);
    const quotes = i8x16.bitmask(i8x16.eq(bytes, quoting)) as u32;
    const opens = i8x16.bitmask(i8x16.eq(upper, opening)) as u32;
    const closes = i8x16.bitmask(i8x16.eq(upper, closing)) as u32;
    let marks = quotes | opens | closes;
    let next = at + 16;
    while (marks != 0) {
      const place = at + (ctz(marks) as usize);
      const bit = marks & (0 - marks);
      marks ^= bit;
      if ((quotes & bit) != 0) {
        const behind = skipText(place);
        // What stands in the string does not count.
        if (behind < next) {
          marks &= ~(((1 as u32) << ((behind - at) as u32)) - 1);
        } else {
          marks = 0;
          next = behind;
        }
      } else if ((opens & bit) != 0) {
        depth++;
      } else if (--depth == 0) {
        return place + 1;
      }
    }
    at = next;
  }
}

function skipText(open: usize): usize {
  const quoting = quote();
  const escaping = backslash();
  let at = open + 1;
  while (true) {
    const bytes = v128.load(at);
    const marks = i8x16.bitmask(v128.or(i8x16.eq(bytes, quoting), i8x16.eq(bytes, escaping))) as u32;
    if (marks == 0) {
      at += 16;
      continue;
    }
    at += ctz(marks) as usize;
    if (load<u8>(at) == 34) {
      return at + 1;
    }
    at += 2;
  }
}

/** A number or a word ends before it. */
function isEnd(byte: u8): bool {
  return byte == 44 || byte == 125 || byte == 93 || byte <= 32;
}
