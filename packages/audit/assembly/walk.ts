// Walks JSON as src/json-bytes.ts does. A NUL stands behind the text: nothing walks over it, so no place is compared with the end.
// 0 stands for "not well-formed, or too deep".
import { skipQuotes } from "./blocks";
import { MAX_DEPTH, STACK } from "./memory";
import { plainMask } from "./plain";

export function skipSpace(from: usize): usize {
  let at = from;
  while (true) {
    const byte = load<u8>(at);
    if (byte > 32 || (byte != 32 && byte != 10 && byte != 13 && byte != 9)) {
      return at;
    }
    at++;
  }
}

/** Behind the string whose opening quote is at `open`. */
export function skipString(open: usize): usize {
  const other = i8x16.bitmask(plainMask(v128.load(open, 1))) ^ 0xffff;
  const at = open + 1 + ctz(other);
  // Most strings are shorter than 16 bytes.
  return other != 0 && load<u8>(at) == 34 ? at + 1 : skipLongString(other == 0 ? open + 17 : at);
}

function skipLongString(from: usize): usize {
  let at = from;
  while (true) {
    const other = i8x16.bitmask(plainMask(v128.load(at))) ^ 0xffff;
    if (other == 0) {
      at += 16;
      continue;
    }
    at += ctz(other);
    const byte = load<u8>(at);
    if (byte == 34) {
      return at + 1;
    }
    if (byte == 92 && isQuoteOrBackslash(load<u8>(at + 1))) {
      // Copies of objects have one every few bytes.
      at = skipQuotes(at + 2);
      continue;
    }
    at = byte == 92 ? skipEscape(at) : skipMultibyte(at);
    if (at == 0) {
      return 0;
    }
  }
}

function isQuoteOrBackslash(byte: u8): bool {
  return byte == 34 || byte == 92;
}

/** Of anything but those two. */
function skipEscape(at: usize): usize {
  switch (load<u8>(at + 1)) {
    case 47: // /
    case 98: // b
    case 102: // f
    case 110: // n
    case 114: // r
    case 116: // t
      return at + 2;
    case 117: // u
      return isHex(load<u8>(at + 2)) && isHex(load<u8>(at + 3)) && isHex(load<u8>(at + 4)) && isHex(load<u8>(at + 5))
        ? at + 6
        : 0;
    default:
      return 0;
  }
}

function skipMultibyte(at: usize): usize {
  const first = load<u8>(at);
  const second = load<u8>(at + 1);
  if (first >= 0xc2 && first <= 0xdf) {
    return isContinuation(second) ? at + 2 : 0;
  }
  if (first >= 0xe0 && first <= 0xef) {
    const low: u8 = first == 0xe0 ? 0xa0 : 0x80;
    const high: u8 = first == 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && isContinuation(load<u8>(at + 2)) ? at + 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low: u8 = first == 0xf0 ? 0x90 : 0x80;
    const high: u8 = first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && isContinuation(load<u8>(at + 2)) && isContinuation(load<u8>(at + 3))
      ? at + 4
      : 0;
  }
  return 0;
}

/** Behind the value at `at`. */
export function skipValue(at: usize): usize {
  const byte = load<u8>(at);
  return byte == 34 ? skipString(at) : byte == 123 || byte == 91 ? skipContainer(at) : skipScalar(at);
}

function skipContainer(from: usize): usize {
  let at = from;
  let stack = STACK;
  while (true) {
    // A value begins at `at`.
    const byte = load<u8>(at);
    if (byte == 34) {
      at = skipString(at);
    } else if (byte == 123 || byte == 91) {
      if (stack == STACK + MAX_DEPTH) {
        return 0;
      }
      const close = byte + 2;
      store<u8>(stack++, close);
      at = skipSpace(at + 1);
      if (load<u8>(at) == close) {
        stack--;
        at++;
      } else {
        if (byte == 123) {
          at = skipKey(at);
          if (at == 0) {
            return 0;
          }
        }
        continue;
      }
    } else {
      at = skipScalar(at);
    }
    if (at == 0) {
      return 0;
    }
    // A value has ended before `at`: close what ends with it, then find the next value.
    while (true) {
      if (stack == STACK) {
        return at;
      }
      at = skipSpace(at);
      const next = load<u8>(at++);
      const close = load<u8>(stack - 1);
      if (next == close) {
        stack--;
        continue;
      }
      if (next != 44) {
        return 0;
      }
      at = skipSpace(at);
      if (close == 125) {
        at = skipKey(at);
        if (at == 0) {
          return 0;
        }
      }
      break;
    }
  }
}

function skipKey(at: usize): usize {
  if (load<u8>(at) != 34) {
    return 0;
  }
  const behind = skipString(at);
  return behind == 0 ? 0 : skipColon(behind);
}

export function skipColon(from: usize): usize {
  const at = skipSpace(from);
  return load<u8>(at) == 58 ? skipSpace(at + 1) : 0;
}

function skipScalar(at: usize): usize {
  // "true", "null", "fals" and "alse", the first byte in the lowest place.
  const word = load<u32>(at);
  if (word == 0x65757274 || word == 0x6c6c756e) {
    return at + 4;
  }
  return word == 0x736c6166 && load<u8>(at + 4) == 101 ? at + 5 : skipNumber(at);
}

function skipNumber(from: usize): usize {
  const whole = load<u8>(from) == 45 ? from + 1 : from;
  let at = skipDigits(whole);
  if (at == whole || (load<u8>(whole) == 48 && at > whole + 1)) {
    return 0;
  }
  if (load<u8>(at) == 46) {
    const fraction = at + 1;
    at = skipDigits(fraction);
    if (at == fraction) {
      return 0;
    }
  }
  if ((load<u8>(at) | 32) == 101) {
    const sign = load<u8>(at + 1);
    const exponent = sign == 43 || sign == 45 ? at + 2 : at + 1;
    at = skipDigits(exponent);
    if (at == exponent) {
      return 0;
    }
  }
  return at;
}

function skipDigits(from: usize): usize {
  let at = from;
  while (load<u8>(at) - 48 <= 9) {
    at++;
  }
  return at;
}

function isContinuation(byte: u8): bool {
  return (byte & 0xc0) == 0x80;
}

function isHex(byte: u8): bool {
  return byte - 48 <= 9 || (byte | 32) - 97 <= 5;
}
