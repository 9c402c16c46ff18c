import {
  BACKSLASH,
  CLOSE_OBJECT,
  COMMA,
  OPEN_OBJECT,
  QUOTE,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "./json-bytes.ts";

/** Where a value stands in the bytes: `[start, end)`. */
export interface ValueRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the value at a path of keys stands in the JSON value `bytes[start, end)`, without parsing what it passes: the value that
 * `JSON.parse` would have there, so that of several members of one name the last counts, and keys may be spelled with escapes. Undefined when there is
 * none. The bytes must be well-formed JSON, as `EventScan` proves it.
 */
export function findMember(bytes: Buffer, start: number, end: number, keys: readonly string[]): ValueRange | undefined {
  let range: ValueRange | undefined = { start: skipSpace(bytes, start, end), end };
  for (const key of keys) {
    range = range && memberOf(bytes, range.start, range.end, key);
  }
  return range;
}

function memberOf(bytes: Buffer, open: number, end: number, key: string): ValueRange | undefined {
  let found: ValueRange | undefined;
  const isObject = eachMember(bytes, open, end, (start, keyEnd, range) => {
    found = isKey(bytes, start, keyEnd, key) ? range : found;
  });
  return isObject ? found : undefined;
}

/** Gives each member's key, without its quotes, and where its value stands. False where no whole object stands at `open`. */
function eachMember(
  bytes: Buffer,
  open: number,
  end: number,
  visit: (key: number, keyEnd: number, value: ValueRange) => void,
): boolean {
  if (bytes[open] !== OPEN_OBJECT) {
    return false;
  }
  let at = skipSpace(bytes, open + 1, end);
  while (at < end && bytes[at] === QUOTE) {
    const behindKey = skipString(bytes, at, end);
    const value = behindKey === -1 ? -1 : skipColon(bytes, behindKey, end);
    const behind = value === -1 ? -1 : skipValue(bytes, value, end);
    if (behind === -1) {
      return false;
    }
    visit(at + 1, behindKey - 1, { start: value, end: behind });
    at = skipSpace(bytes, behind, end);
    if (bytes[at] !== COMMA) {
      break;
    }
    at = skipSpace(bytes, at + 1, end);
  }
  return bytes[at] === CLOSE_OBJECT;
}

/** Whether the string `bytes[start, end)`, without its quotes, is this key. */
export function isKey(bytes: Buffer, start: number, end: number, key: string): boolean {
  let isPlain = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte >= 128) {
      isPlain = false;
      break;
    }
    if (byte !== key.charCodeAt(at - start)) {
      // An escape further on may stand for fewer characters, but none before it can be other ones.
      return false;
    }
  }
  return isPlain ? end - start === key.length : spelledKey(bytes.toString("utf8", start - 1, end + 1)) === key;
}

/** Undefined for what is no JSON, which nobody may have proven that it is. */
function spelledKey(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
