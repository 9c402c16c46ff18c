// Tells of most suspects at once that they are harmless: no shape of a credential begins or stands there, and the string around them is a
// value, so that it names nothing. What src/redact/quiet-line.ts looks for is said there; this finds too little harmless, never too much.

/** `\u00`, and the two letters behind it of the escapes that hide no letter. */
const ESCAPE: u32 = 0x3030_755c;
const AMPERSAND: u16 = 0x3632;
const LESS: u16 = 0x6333;
const GREATER: u16 = 0x6533;
/** Behind which no key ends. */
const NAME_BYTES: usize = 128;

/** Sets with parts of the names of fields. */
const NAME_SETS: u32 = 0b1111_1001;

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
  // `_` of a token's prefix, `://`.
  if (c == 95 || (a == 58 && b == 47)) {
    return true;
  }
  // eyJ, XlK, ha256~, KEY
  if ((a == 101 && b == 121) || (a == 88 && b == 108) || (a == 104 && c == 50 && load<u8>(at, 5) == 126)) {
    return true;
  }
  if (a == 75 && b == 69 && c == 89) {
    return true;
  }
  // xox, vs., lpat, LS1
  if ((a == 120 && b == 111) || (a == 118 && c == 46) || (a == 108 && b == 112) || (a == 76 && b == 83)) {
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
    (lower == 0x72_6365 && load<u8>(at - 1) == 83) ||
    (lower == 0x61_6562 && next == 114) ||
    (lower == 0x69_7361 && next == 99)
  );
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
  const quoting = i8x16.splat(34);
  for (let on: usize = 1; on < NAME_BYTES; on += 16) {
    const marks = i8x16.bitmask(i8x16.eq(v128.load(at + on), quoting)) as u32;
    if (marks != 0) {
      const behind = load<u8>(at + on + (ctz(marks) as usize), 1);
      // , } ]
      return behind != 44 && behind != 125 && behind != 93;
    }
  }
  return false;
}
