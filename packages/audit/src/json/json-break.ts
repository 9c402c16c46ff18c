import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipDigits,
  skipSpace,
  skipString,
} from "./json-bytes.ts";

const COLON = 58;
/** Deepest nesting that is still walked, as everywhere else. */
const MAX_DEPTH = 65_536;
const closes = new Uint8Array(MAX_DEPTH);

/**
 * Behind the JSON object or list at `open`; or `~at` with the first byte that no JSON can go on with there, `end` where all of it could be
 * the beginning of one.
 */
export function walkContainer(bytes: Uint8Array, open: number, end: number): number {
  closes[0] = bytes[open] === OPEN_LIST ? CLOSE_LIST : CLOSE_OBJECT;
  let depth = 1;
  let at = skipSpace(bytes, open + 1, end);
  let isBegun = false;
  for (;;) {
    // At a member, an item, or the end of an object or list.
    const close = closes[depth - 1] as number;
    if (at >= end) {
      return ~end;
    }
    if (!isBegun && bytes[at] === close) {
      depth--;
      at++;
    } else {
      if (close === CLOSE_OBJECT) {
        at = walkKey(bytes, at, end);
        if (at < 0) {
          return at;
        }
        if (at >= end) {
          return ~end;
        }
      }
      const first = bytes[at] as number;
      if (first === OPEN_OBJECT || first === OPEN_LIST) {
        if (depth === MAX_DEPTH) {
          return ~at;
        }
        closes[depth++] = first === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST;
        at = skipSpace(bytes, at + 1, end);
        isBegun = false;
        continue;
      }
      at = first === QUOTE ? walkString(bytes, at, end) : walkScalar(bytes, at, end);
      if (at < 0) {
        return at;
      }
    }
    // Behind a value: what ends with it, and the comma before the next one.
    for (;;) {
      if (depth === 0) {
        return at;
      }
      at = skipSpace(bytes, at, end);
      if (at >= end) {
        return ~end;
      }
      const next = bytes[at] as number;
      if (next === COMMA) {
        at = skipSpace(bytes, at + 1, end);
        isBegun = true;
        break;
      }
      if (next !== closes[depth - 1]) {
        return ~at;
      }
      depth--;
      at++;
    }
  }
}

/** Behind `"key" :` and the white space after it. */
function walkKey(bytes: Uint8Array, pos: number, end: number): number {
  if (bytes[pos] !== QUOTE) {
    return ~pos;
  }
  const behind = walkString(bytes, pos, end);
  if (behind < 0) {
    return behind;
  }
  const colon = skipSpace(bytes, behind, end);
  return colon < end && bytes[colon] === COLON ? skipSpace(bytes, colon + 1, end) : ~colon;
}

function walkString(bytes: Uint8Array, pos: number, end: number): number {
  const behind = skipString(bytes, pos, end);
  return behind === -1 ? ~stringBreak(bytes, pos, end) : behind;
}

/** Where the string at `pos`, of which it is known that it does not end well, breaks off. */
function stringBreak(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos + 1;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH) {
      const bad = escapeBreak(bytes, at, end);
      if (bad !== -1) {
        return bad;
      }
      at += bytes[at + 1] === 117 ? 6 : 2;
    } else if (byte < 32) {
      return at;
    } else if (byte < 128) {
      at++;
    } else {
      const behind = walkCharacter(bytes, at, end);
      if (behind < 0) {
        return ~behind;
      }
      at = behind;
    }
  }
  return end;
}

/** Where the escape at `pos` breaks off; -1 where it does not. */
function escapeBreak(bytes: Uint8Array, pos: number, end: number): number {
  if (pos + 1 >= end) {
    return end;
  }
  if (!ESCAPES.includes(bytes[pos + 1] as number)) {
    return pos + 1;
  }
  if (bytes[pos + 1] === 117) {
    for (let at = pos + 2; at < pos + 6; at++) {
      if (at >= end || !HEX.includes(bytes[at] as number)) {
        return at;
      }
    }
  }
  return -1;
}

const ESCAPES: Buffer = Buffer.from('"\\/bfnrtu');
const HEX: Buffer = Buffer.from("0123456789abcdefABCDEF");

/** Behind the UTF-8 sequence at `pos`, which is not ASCII. */
function walkCharacter(bytes: Uint8Array, pos: number, end: number): number {
  const first = bytes[pos] as number;
  const more =
    first >= 0xc2 && first <= 0xdf ? 1 : first >= 0xe0 && first <= 0xef ? 2 : first >= 0xf0 && first <= 0xf4 ? 3 : 0;
  if (more === 0) {
    return ~pos;
  }
  for (let i = 1; i <= more; i++) {
    const byte = pos + i < end ? (bytes[pos + i] as number) : 0;
    const low = i > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = i > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) {
      return ~(pos + i);
    }
  }
  return pos + more + 1;
}

const WORDS: readonly Buffer[] = ["true", "false", "null"].map((word) => Buffer.from(word));

function walkScalar(bytes: Uint8Array, pos: number, end: number): number {
  const word = WORDS.find(([first]) => first === bytes[pos]);
  return word === undefined ? walkNumber(bytes, pos, end) : walkWord(bytes, pos, end, word);
}

function walkWord(bytes: Uint8Array, pos: number, end: number, word: Uint8Array): number {
  for (let i = 0; i < word.length; i++) {
    if (pos + i >= end || bytes[pos + i] !== word[i]) {
      return ~(pos + i);
    }
  }
  return pos + word.length;
}

function walkNumber(bytes: Uint8Array, pos: number, end: number): number {
  const first = bytes[pos] === 45 ? pos + 1 : pos;
  let at = bytes[first] === 48 && first < end ? first + 1 : skipDigits(bytes, first, end);
  if (at === first) {
    return ~at;
  }
  if (at < end && bytes[at] === 46) {
    const digits = at + 1;
    at = skipDigits(bytes, digits, end);
    if (at === digits) {
      return ~at;
    }
  }
  if (at < end && (bytes[at] === 101 || bytes[at] === 69)) {
    const digits = at + 1 < end && (bytes[at + 1] === 43 || bytes[at + 1] === 45) ? at + 2 : at + 1;
    at = skipDigits(bytes, digits, end);
    if (at === digits) {
      return ~at;
    }
  }
  return at;
}
