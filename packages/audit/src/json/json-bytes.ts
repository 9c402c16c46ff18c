/**
 * Walks JSON in bytes, exactly as RFC 8259 says, without making a value of it. Every function takes a position and
 * gives the position behind what it walked over, or -1 where the bytes are no JSON (or no UTF-8) before `end`.
 * Nothing is allocated and nothing recurses: depth costs one byte of a fixed stack, and deeper than that is -1 too.
 */

export const QUOTE = 34;
export const COMMA = 44;
const COLON = 58;
export const OPEN_LIST = 91;
export const BACKSLASH = 92;
export const CLOSE_LIST = 93;
export const OPEN_OBJECT = 123;
export const CLOSE_OBJECT = 125;

/** Deepest nesting that is still walked. What an apiserver writes stays below 100. */
const MAX_DEPTH = 65_536;
const containers = new Uint8Array(MAX_DEPTH);

/** 1 for bytes that stand for themselves inside a string: printable ASCII but quote and backslash. */
const PLAIN: Uint8Array = new Uint8Array(256).fill(1, 32, 128);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** Behind any white space at `pos`. */
export function skipSpace(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos;
  while (at < end) {
    const byte = bytes[at];
    if (byte !== 32 && byte !== 10 && byte !== 13 && byte !== 9) {
      break;
    }
    at++;
  }
  return at;
}

/** Behind the string whose opening quote is at `pos`. */
export function skipString(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos + 1;
  while (at < end) {
    const byte = bytes[at] as number;
    if (PLAIN[byte] === 1) {
      at++;
    } else if (byte === QUOTE) {
      return at + 1;
    } else {
      at = byte === BACKSLASH ? skipEscape(bytes, at, end) : skipMultibyte(bytes, at, end);
      if (at === -1) {
        return -1;
      }
    }
  }
  return -1;
}

function skipEscape(bytes: Uint8Array, pos: number, end: number): number {
  const kind = pos + 1 < end ? (bytes[pos + 1] as number) : 0;
  switch (kind) {
    case QUOTE:
    case BACKSLASH:
    case 47: // /
    case 98: // b
    case 102: // f
    case 110: // n
    case 114: // r
    case 116: // t
      return pos + 2;
    case 117: // u
      if (pos + 6 > end) {
        return -1;
      }
      for (let at = pos + 2; at < pos + 6; at++) {
        if (!isHex(bytes[at] as number)) {
          return -1;
        }
      }
      return pos + 6;
    default:
      return -1;
  }
}

/** Behind the UTF-8 sequence at `pos`: no overlong form, no surrogate, nothing above U+10FFFF. */
function skipMultibyte(bytes: Uint8Array, pos: number, end: number): number {
  const first = bytes[pos] as number;
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0 || pos + length > end) {
    return -1;
  }
  const second = bytes[pos + 1] as number;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) {
    return -1;
  }
  for (let at = pos + 2; at < pos + length; at++) {
    if (((bytes[at] as number) & 0xc0) !== 0x80) {
      return -1;
    }
  }
  return pos + length;
}

/** Behind the value at `pos`: anything from a number to a deeply nested object. */
export function skipValue(bytes: Uint8Array, pos: number, end: number): number {
  const byte = pos < end ? bytes[pos] : 0;
  if (byte === QUOTE) {
    return skipString(bytes, pos, end);
  }
  if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
    return skipContainer(bytes, pos, end);
  }
  return skipScalar(bytes, pos, end);
}

function skipContainer(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos;
  let depth = 0;
  for (;;) {
    // A value begins at `at`.
    const byte = at < end ? (bytes[at] as number) : 0;
    if (byte === QUOTE) {
      at = skipString(bytes, at, end);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (depth === MAX_DEPTH) {
        return -1;
      }
      const close = byte + 2;
      containers[depth++] = close;
      at = skipSpace(bytes, at + 1, end);
      if (at < end && bytes[at] === close) {
        depth--;
        at++;
      } else {
        if (byte === OPEN_OBJECT) {
          at = skipKey(bytes, at, end);
        }
        if (at === -1) {
          return -1;
        }
        continue;
      }
    } else {
      at = skipScalar(bytes, at, end);
    }
    // A value has ended before `at`: close what ends with it, then find the next value.
    for (;;) {
      if (at === -1 || depth === 0) {
        return at;
      }
      if (at < end && (bytes[at] as number) <= 32) {
        at = skipSpace(bytes, at, end);
      }
      const next = at < end ? (bytes[at] as number) : 0;
      const close = containers[depth - 1] as number;
      at++;
      if (next === close) {
        depth--;
        continue;
      }
      if (next !== COMMA) {
        return -1;
      }
      if (at < end && (bytes[at] as number) <= 32) {
        at = skipSpace(bytes, at, end);
      }
      if (close === CLOSE_OBJECT) {
        at = skipKey(bytes, at, end);
        if (at === -1) {
          return -1;
        }
      }
      break;
    }
  }
}

/** Behind `"key" :` and the white space after it. */
function skipKey(bytes: Uint8Array, pos: number, end: number): number {
  if (pos >= end || bytes[pos] !== QUOTE) {
    return -1;
  }
  const at = skipString(bytes, pos, end);
  return at === -1 ? -1 : skipColon(bytes, at, end);
}

/** Behind a colon at `pos` with the white space around it. */
export function skipColon(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos;
  if (at < end && (bytes[at] as number) <= 32) {
    at = skipSpace(bytes, at, end);
  }
  if (at >= end || bytes[at] !== COLON) {
    return -1;
  }
  at++;
  return at < end && (bytes[at] as number) <= 32 ? skipSpace(bytes, at, end) : at;
}

function skipScalar(bytes: Uint8Array, pos: number, end: number): number {
  const word = wordOf(pos < end ? (bytes[pos] as number) : 0);
  return word === undefined ? skipNumber(bytes, pos, end) : skipWord(bytes, pos, end, word);
}

/** The word of JSON that begins with a byte. */
function wordOf(first: number): Uint8Array | undefined {
  return first === 116 ? TRUE : first === 102 ? FALSE : first === 110 ? NULL : undefined;
}

const TRUE: Uint8Array = Buffer.from("true");
const FALSE: Uint8Array = Buffer.from("false");
const NULL: Uint8Array = Buffer.from("null");

function skipWord(bytes: Uint8Array, pos: number, end: number, word: Uint8Array): number {
  if (pos + word.length > end) {
    return -1;
  }
  for (let i = 0; i < word.length; i++) {
    if (bytes[pos + i] !== word[i]) {
      return -1;
    }
  }
  return pos + word.length;
}

function skipNumber(bytes: Uint8Array, pos: number, end: number): number {
  let at = bytes[pos] === 45 ? pos + 1 : pos;
  const whole = skipDigits(bytes, at, end);
  if (whole === at || (bytes[at] === 48 && whole > at + 1)) {
    return -1;
  }
  at = whole;
  if (at < end && bytes[at] === 46) {
    const fraction = skipDigits(bytes, at + 1, end);
    if (fraction === at + 1) {
      return -1;
    }
    at = fraction;
  }
  if (at < end && (bytes[at] === 101 || bytes[at] === 69)) {
    const sign = at + 1 < end && (bytes[at + 1] === 43 || bytes[at + 1] === 45) ? at + 2 : at + 1;
    const exponent = skipDigits(bytes, sign, end);
    if (exponent === sign) {
      return -1;
    }
    at = exponent;
  }
  return at;
}

/** Behind the digits at `pos`, if there are any. */
export function skipDigits(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos;
  while (at < end && (bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) {
    at++;
  }
  return at;
}

function isHex(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102);
}
