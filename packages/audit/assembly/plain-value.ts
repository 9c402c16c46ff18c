// Tells of most suspects at once that they are harmless: no shape of a credential begins or stands there, and the string around them is a
// value, so that it names nothing. What src/redact/quiet-line.ts looks for is said there; this finds too little harmless, never too much.
import { quote } from "./bytes";
import { mayHoldCredential } from "./url";

/** `\u00`, and the two letters behind it of the escapes that hide no letter. */
const ESCAPE: u32 = 0x3030_755c;
const AMPERSAND: u16 = 0x3632;
const LESS: u16 = 0x6333;
const GREATER: u16 = 0x6533;
/** `:"redact`, and `ed:` behind it. */
const REDACTED: u64 = ((0x7463_6164 as u64) << 32) | 0x6572_223a;
const BEHIND_REDACTED: u32 = 0x3a_6465;
/** How `args`, `command` and `value` end. */
const ARGS: u32 = 0x7367_7261;
const COMMAND: u32 = 0x646e_616d;
const VALUE: u32 = 0x6575_6c61;
const LOWER: u32 = 0x2020_2020;
/** Behind which no key ends. */
const NAME_BYTES: usize = 128;
/** Of a token's part that is looked through. */
const LONGEST_PART: usize = 1984;

/** Sets with parts of the names of fields. */
const NAME_SETS: u32 = 0b1111_1110;

/** Whether the suspect at `at`, which is in these sets, is no shape, and no part of a name, in a value, or in a string too long for a name. */
export function isPlainValue(at: usize, sets: u32): bool {
  return !mayBeShape(at) && ((sets & NAME_SETS) == 0 || !mayBeKey(at));
}

function mayBeShape(at: usize): bool {
  const a = load<u8>(at);
  const b = load<u8>(at, 1);
  const c = load<u8>(at, 2);
  // Of an escape.
  if (a == 92) {
    if (b != 117) {
      return b == 47;
    }
    const code = load<u16>(at, 4);
    const isPlain =
      load<u32>(at) == ESCAPE && (code == AMPERSAND || (code | 0x2000) == LESS || (code | 0x2000) == GREATER);
    return !isPlain;
  }
  // A string that begins with a blank or a bracket.
  if (b == 34) {
    return isBeforeValue(a) && (c == 32 || c == 123 || c == 91 || (c == 92 && isBlankEscape(load<u8>(at, 3))));
  }
  const before = load<u8>(at - 1);
  // github_pat_, gh?_
  if (c == 95) {
    return (a == 97 && b == 116 && before == 112) || (a == 104 && before == 103);
  }
  if (a == 58 && b == 47) {
    return c == 47 && mayHoldCredential(at);
  }
  if (a == 101 && b == 121) {
    return c == 74 && isBeforeDot(at + 3);
  }
  // ZXlK, sha256~
  if ((a == 88 && b == 108 && before == 90) || (a == 104 && c == 50 && load<u8>(at, 5) == 126)) {
    return true;
  }
  // PRIVATE KEY
  if (a == 75 && b == 69 && c == 89) {
    return before == 32;
  }
  // xox, hvs., glpat, LS1
  if (
    (a == 120 && b == 111) ||
    (a == 118 && c == 46 && before == 104) ||
    (a == 108 && b == 112 && before == 103) ||
    (a == 76 && b == 83)
  ) {
    return true;
  }
  const lower = (a as u32) | ((b as u32) << 8) | ((c as u32) << 16) | 0x20_2020;
  const next = load<u8>(at, 3) | 32;
  // authorization, unless a dot or the end of the string follows
  if (lower == 0x7a_6972) {
    const behind = load<u8>(at, 8);
    return next == 97 && behind != 46 && behind != 34;
  }
  // "Secret, bearer, basic
  return (
    (lower == 0x72_6365 && before == 83) || (lower == 0x61_6562 && next == 114) || (lower == 0x69_7361 && next == 99)
  );
}

/** Whether a dot ends the letters of a token's part; yes, too, where that is far away. */
function isBeforeDot(from: usize): bool {
  const lower = i8x16.splat(32);
  for (let at = from; at < from + LONGEST_PART; at += 16) {
    const bytes = v128.load(at);
    const letters = i8x16.lt_u(i8x16.sub(v128.or(bytes, lower), i8x16.splat(97)), i8x16.splat(26));
    const digits = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(48)), i8x16.splat(10));
    const others = v128.or(i8x16.eq(bytes, i8x16.splat(45)), i8x16.eq(bytes, i8x16.splat(95)));
    const end = i8x16.bitmask(v128.or(v128.or(letters, digits), others)) ^ 0xffff;
    if (end != 0) {
      return load<u8>(at + (ctz(end) as usize)) == 46;
    }
  }
  return true;
}

/** : , [ and white space */
function isBeforeValue(byte: u8): bool {
  return byte == 58 || byte == 44 || byte == 91 || byte == 32 || byte == 9 || byte == 13 || byte == 10;
}

/** Of n r t f. */
function isBlankEscape(byte: u8): bool {
  return byte == 110 || byte == 114 || byte == 116 || byte == 102;
}

function mayBeKey(at: usize): bool {
  const quoting = quote();
  for (let on: usize = 1; on < NAME_BYTES; on += 16) {
    const marks = i8x16.bitmask(i8x16.eq(v128.load(at + on), quoting)) as u32;
    if (marks != 0) {
      const end = at + on + (ctz(marks) as usize);
      const behind = load<u8>(end, 1);
      // An escaped quote ends no name, nor does one before , } or ].
      return load<u8>(end - 1) != 92 && behind != 44 && behind != 125 && behind != 93 && !isOfRedacted(end);
    }
  }
  return false;
}

/**
 * Whether a key ends at `end` whose value is a string that was redacted before: it stays as it is, unless arguments are looked for in it, as
 * behind `args`, `command` and `value`.
 */
export function isOfRedacted(end: usize): bool {
  if (load<u64>(end + 1) != REDACTED || (load<u32>(end, 9) & 0xff_ffff) != BEHIND_REDACTED || load<u8>(end, 28) != 34) {
    return false;
  }
  const hash = v128.load(end, 12);
  const digits = i8x16.lt_u(i8x16.sub(hash, i8x16.splat(48)), i8x16.splat(10));
  const letters = i8x16.lt_u(i8x16.sub(hash, i8x16.splat(97)), i8x16.splat(6));
  const ending = load<u32>(end - 4) | LOWER;
  return i8x16.all_true(v128.or(digits, letters)) && ending != ARGS && ending != COMMAND && ending != VALUE;
}
