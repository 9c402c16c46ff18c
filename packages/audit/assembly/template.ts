// Compares a line with a template: a line that was proven and decided before. It may differ only where no decision looks and
// where another byte cannot change how the line is read, so it is proven and decided alike.
import { backslash, quote } from "./bytes";
import { CLASS, DIFFERENCES, FIXED } from "./memory";
import { plainMask, skipPlain } from "./plain";

// Classes of a template's bytes. Only FREE and LOOSE have the highest bit. Everything else must be equal.
/** Inside a string: any plain byte may stand there. */
const FREE: u8 = 0xff;
/** The closing quote of such a string: the string may be longer or shorter. */
const CLOSE: u8 = 1;
/** A digit of an integer that nothing looks at. */
const INTEGER: u8 = 2;
/** A digit of the part of the URI's query that cannot decide. */
const QUERY_DIGIT: u8 = 4;
/** A byte of a name in the URI's path that cannot decide: an object's, or a namespace's. */
export const NAME: u8 = 6;
/** Inside a string where µ may stand, too: other plain bytes, and those of a µ. */
const LOOSE: u8 = 0xfe;
const MICRO: u8 = 8;
/** µ as it is read. */
const MICRO_SIGN: u16 = 0xb5c2;

/** Each costs a few nanoseconds; a line that needs more is scanned. */
const MAX_DETOURS = 64;

/** Where in the template the last comparison that failed had come to. */
export let reached: usize = 0;

/** Behind the pairs at DIFFERENCES, of all comparisons that came out since they were forgotten. */
export let differencesEnd: usize = DIFFERENCES;

export function forgetDifferences(): void {
  differencesEnd = DIFFERENCES;
}

/**
 * Behind what is like the template in `[template, end)` if the line at `line` begins so, else 0. Adds to DIFFERENCES from where to where the line
 * may differ: behind such a place both go on with the same bytes, one beside the other.
 */
export function matchTemplate(line: usize, template: usize, end: usize): usize {
  const quoting = quote();
  const escaping = backslash();
  let at = line;
  let known = template;
  let noted = differencesEnd;
  let differentEnd: usize = 0;
  for (let detours = 0; detours < MAX_DETOURS; detours++) {
    if (detours != 0) {
      // What was longer or shorter is different up to here.
      differentEnd = at;
      store<u32>(noted - 4, at);
    }
    while (true) {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      const c = v128.load(at, 32);
      const d = v128.load(at, 48);
      const sameA = i8x16.eq(a, v128.load(known));
      const sameB = i8x16.eq(b, v128.load(known, 16));
      const sameC = i8x16.eq(c, v128.load(known, 32));
      const sameD = i8x16.eq(d, v128.load(known, 48));
      if (i8x16.bitmask(v128.and(v128.and(sameA, sameB), v128.and(sameC, sameD))) != 0xffff) {
        if (at > differentEnd) {
          store<u32>(noted, at);
          noted += 8;
        }
        differentEnd = at + 64;
        store<u32>(noted - 4, differentEnd);
        const alike = v128.and(
          v128.and(
            v128.or(sameA, mayDiffer(a, v128.load(known, CLASS), quoting, escaping)),
            v128.or(sameB, mayDiffer(b, v128.load(known, CLASS + 16), quoting, escaping)),
          ),
          v128.and(
            v128.or(sameC, mayDiffer(c, v128.load(known, CLASS + 32), quoting, escaping)),
            v128.or(sameD, mayDiffer(d, v128.load(known, CLASS + 48), quoting, escaping)),
          ),
        );
        if (i8x16.bitmask(alike) != 0xffff) {
          const other = otherBits(at, known);
          if (other != 0) {
            at += ctz(other) as usize;
            known += ctz(other) as usize;
            break;
          }
        }
      }
      at += 64;
      known += 64;
      if (known >= end) {
        break;
      }
    }
    if (known >= end) {
      differencesEnd = noted;
      return at - (known - end);
    }
    const kind = load<u8>(known, CLASS);
    const before = load<u8>(known - 1, CLASS);
    if (isLoose(kind) || isLoose(before)) {
      // What the line has may begin with half of a µ.
      const from = load<u8>(at - 1) == 0xc2 ? at - 1 : at;
      const behind = skipLoose(from);
      if (behind <= at && !isLoose(kind)) {
        reached = known;
        return 0;
      }
      at = behind;
      while (isLoose(load<u8>(known, CLASS))) {
        known++;
      }
      continue;
    }
    if (kind == FREE || kind == CLOSE || before == FREE) {
      // Both are inside the same string; go on at its end, or at what must be the same in both.
      const plain = skipPlain(at);
      if (plain == at && kind != FREE) {
        reached = known;
        return 0;
      }
      at = plain;
      known = skipClass(known, FREE);
      continue;
    }
    if (kind == NAME || (before == NAME && isName(load<u8>(at)))) {
      known = skipClass(known, NAME);
      at = skipName(at);
      // What stands in both before this place is the same; a name that is shorter must not be empty.
      if (!isName(load<u8>(at - 1))) {
        reached = known;
        return 0;
      }
      continue;
    }
    const isDigitBefore = (before == INTEGER || before == QUERY_DIGIT) && isDigit(load<u8>(at));
    const digits = kind == INTEGER || kind == QUERY_DIGIT ? kind : isDigitBefore ? before : 0;
    if (digits == 0) {
      reached = known;
      return 0;
    }
    // The digits before this place are the same in both.
    let first = at;
    for (let same = known; load<u8>(same - 1, CLASS) == digits; same--) {
      first--;
    }
    while (load<u8>(known, CLASS) == digits) {
      known++;
    }
    while (isDigit(load<u8>(at))) {
      at++;
    }
    if (at == first || (digits == INTEGER && at - first > 1 && load<u8>(first) == 48)) {
      reached = known;
      return 0;
    }
  }
  reached = known;
  return 0;
}

/** For each byte whether it may stand for another one inside the same string: too few, as neither a space nor an exclamation mark does. */
function mayDiffer(bytes: v128, classes: v128, quoting: v128, escaping: v128): v128 {
  return v128.andnot(v128.and(classes, i8x16.gt_s(bytes, quoting)), i8x16.eq(bytes, escaping));
}

/** A bit for each of 64 bytes that neither is the template's nor stands for another one inside the same string. */
function otherBits(at: usize, known: usize): u64 {
  const low = alikeBits(at, known) | (alikeBits(at + 16, known + 16) << 16);
  const high = alikeBits(at + 32, known + 32) | (alikeBits(at + 48, known + 48) << 16);
  return ~((low as u64) | ((high as u64) << 32));
}

function alikeBits(at: usize, known: usize): u32 {
  const bytes = v128.load(at);
  const free = v128.and(v128.load(known, CLASS), plainMask(bytes));
  return i8x16.bitmask(v128.or(i8x16.eq(bytes, v128.load(known)), free)) as u32;
}

/** Whether all in that part of a template is the same in each line that is like it. */
export function isFixed(from: usize, to: usize): bool {
  for (let known = from; known < to; known++) {
    if (load<u8>(known, CLASS) != 0) {
      return false;
    }
  }
  return true;
}

function isLoose(kind: u8): bool {
  return kind == LOOSE || kind == MICRO;
}

/** Behind plain bytes and µ. */
function skipLoose(from: usize): usize {
  let at = skipPlain(from);
  while (load<u16>(at) == MICRO_SIGN) {
    at = skipPlain(at + 2);
  }
  return at;
}

/** Behind the template's bytes of one class that begin at `known`. */
function skipClass(known: usize, kind: u8): usize {
  const wanted = i8x16.splat(kind as i8);
  let at = known;
  while (true) {
    const other = i8x16.bitmask(i8x16.eq(v128.load(at, CLASS), wanted)) ^ 0xffff;
    if (other != 0) {
      return at + ctz(other);
    }
    at += 16;
  }
}

/** Makes a template at `template` of `[tail, to)`, the end of a well-formed line. FIXED holds spans of it that decide, from the first to the last. */
export function makeTail(tail: usize, to: usize, template: usize, first: i32, last: i32): void {
  memory.copy(template, tail, to - tail);
  paintValues(template, template + (to - tail));
  for (let i = first; i < last; i++) {
    fix(i, template - tail);
  }
}

/**
 * What stands in a span of FIXED must stay as it is; `shift` leads from the line to its template. One that is written from its end to
 * its beginning is loose: it is of plain bytes and µ inside a string, and so may be what stands there instead.
 */
function fix(i: i32, shift: usize): void {
  const from: usize = load<u32>(FIXED + 8 * i);
  const behind: usize = load<u32>(FIXED + 8 * i + 4);
  if (from <= behind) {
    memory.fill(from + shift + CLASS, 0, behind - from);
    return;
  }
  let at = behind + shift;
  while (at < from + shift) {
    const isMicro = load<u16>(at) == MICRO_SIGN;
    store<u8>(at, isMicro ? MICRO : LOOSE, CLASS);
    if (isMicro) {
      store<u8>(at + 1, MICRO, CLASS);
    }
    at += isMicro ? 2 : 1;
  }
}

/**
 * Makes a template at `template` of `[line, end)`, of a well-formed line its whole with the newline or a beginning that ends between
 * two tokens. FIXED holds `fixed` spans that decide, `[query, queryEnd)` is the part of the URI where digits may differ but in such spans,
 * `[name, nameEnd)` the one where another name may stand.
 */
export function makeTemplate(
  line: usize,
  end: usize,
  template: usize,
  fixed: i32,
  query: usize,
  queryEnd: usize,
  name: usize,
  nameEnd: usize,
): void {
  memory.copy(template, line, end - line);
  const classes = template + CLASS;
  paintValues(template, template + (end - line));
  paintQuery(template + (query - line), template + (queryEnd - line));
  for (let i = 0; i < fixed; i++) {
    fix(i, template - line);
  }
  memory.fill(classes + (name - line), NAME, nameEnd - name);
}

/** Strings and integers may differ; keys of the event and of the objects right below it are what it is read by. */
function paintValues(start: usize, end: usize): void {
  let at = start;
  let depth = 0;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == 34) {
      const open = at;
      store<u8>(open, 0, CLASS);
      at = paintString(open);
      if (depth <= 2 && isKey(at)) {
        memory.fill(open + CLASS, 0, at - open);
      }
    } else if (isDigit(byte)) {
      at = paintNumber(at);
    } else {
      if (byte == 123 || byte == 91) {
        depth++;
      } else if (byte == 125 || byte == 93) {
        depth--;
      }
      store<u8>(at, 0, CLASS);
      at++;
    }
  }
}

/** Gives the place behind the string. Escapes and bytes over 127 must stay. Paints up to 15 bytes too many: they are painted again. */
function paintString(open: usize): usize {
  let at = open + 1;
  while (true) {
    const plain = plainMask(v128.load(at));
    v128.store(at, plain, CLASS);
    const other = i8x16.bitmask(plain) ^ 0xffff;
    if (other == 0) {
      at += 16;
      continue;
    }
    at += ctz(other);
    const byte = load<u8>(at);
    if (byte == 34) {
      store<u8>(at, CLOSE, CLASS);
      return at + 1;
    }
    const stay = byte != 92 ? 1 : load<u8>(at + 1) == 117 ? 6 : 2;
    for (let i = 0; i < stay; i++) {
      store<u8>(at + i, 0, CLASS);
    }
    at += stay;
  }
}

function isKey(behind: usize): bool {
  let at = behind;
  while (load<u8>(at) == 32 || load<u8>(at) == 9 || load<u8>(at) == 13) {
    at++;
  }
  return load<u8>(at) == 58;
}

function paintNumber(start: usize): usize {
  let at = start;
  while (isDigit(load<u8>(at))) {
    store<u8>(at++, INTEGER, CLASS);
  }
  const behind = load<u8>(at);
  if (behind != 46 && (behind | 32) != 101) {
    return at;
  }
  // A fraction or an exponent: all of it stays.
  while (isDigit(load<u8>(at)) || load<u8>(at) == 46 || (load<u8>(at) | 32) == 101 || isSign(load<u8>(at))) {
    at++;
  }
  memory.fill(start + CLASS, 0, at - start);
  return at;
}

function paintQuery(start: usize, end: usize): void {
  let at = start;
  while (at < end) {
    const byte = load<u8>(at);
    const length: usize = byte != 92 ? 1 : load<u8>(at + 1) == 117 ? 6 : 2;
    memory.fill(at + CLASS, isDigit(byte) ? QUERY_DIGIT : 0, length);
    at += length;
  }
}

function isDigit(byte: u8): bool {
  return byte >= 48 && byte <= 57;
}

function isSign(byte: u8): bool {
  return byte == 43 || byte == 45;
}

/** Letters, digits, and what else stands in names: - . : */
function isName(byte: u8): bool {
  return (byte | 32) - 97 < 26 || (byte - 45 < 14 && byte != 47);
}

function skipName(from: usize): usize {
  let at = from;
  while (true) {
    const bytes = v128.load(at);
    const letters = i8x16.lt_u(i8x16.sub(v128.or(bytes, i8x16.splat(32)), i8x16.splat(97)), i8x16.splat(26));
    const others = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(45)), i8x16.splat(14));
    const names = v128.or(letters, v128.andnot(others, i8x16.eq(bytes, i8x16.splat(47))));
    const stop = i8x16.bitmask(names) ^ 0xffff;
    if (stop != 0) {
      return at + ctz(stop);
    }
    at += 16;
  }
}
