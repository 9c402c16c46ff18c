const KEY = Buffer.from('"stageTimestamp":"');
const KEY_LENGTH = KEY.length;
const QUOTE = 34;
const ZERO = 48;
const SECONDS_A_DAY = 86_400;
/** Annotations stand behind the time; longer ones are looked for in another way. */
const NEAR_BYTES = 2048;

/** No time could be read. */
export const NO_TIME = -1;

/**
 * Microseconds since 1970 of the stageTimestamp of the line `bytes[start, end)`, found from its end without reading the line; or
 * {@link NO_TIME}. In well-formed JSON the key with its quotes can stand in no string, but in an object below the event: what is found
 * must be compared with the scanned event before it is relied on.
 */
export function guessLineMicros(bytes: Buffer, start: number, end: number): number {
  const least = Math.max(start, end - NEAR_BYTES);
  for (let at = end - KEY_LENGTH - 1; at >= least; at -= SHIFTS[bytes[at] as number] as number) {
    if (bytes[at] === QUOTE && isKey(bytes, at)) {
      return textMicros(bytes, at + KEY_LENGTH, end);
    }
  }
  const line = bytes.subarray(start, end);
  const at = line.lastIndexOf(KEY);
  return at === -1 ? NO_TIME : textMicros(line, at + KEY_LENGTH, line.length);
}

/** By the byte that stands where the key might begin: how far before it the key may begin at the latest (Horspool, from the end). */
const SHIFTS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const place = KEY.indexOf(byte, 1);
  return place === -1 ? KEY_LENGTH : place;
});

function isKey(bytes: Buffer, at: number): boolean {
  for (let i = KEY_LENGTH - 1; i >= 0; i--) {
    if (bytes[at + i] !== KEY[i]) {
      return false;
    }
  }
  return true;
}

/** Microseconds since 1970 of the RFC 3339 time that begins at `at` and ends with a quote before `end`; or {@link NO_TIME}. */
export function textMicros(bytes: Buffer, at: number, end: number): number {
  // What every apiserver writes: 2026-11-24T00:13:26.471919Z
  if (at + 27 < end && bytes[at + 26] === 90 && bytes[at + 27] === QUOTE && bytes[at + 10] === 84) {
    const hour = pair(bytes, at + 11);
    const minute = pair(bytes, at + 14);
    const second = pair(bytes, at + 17);
    const seconds =
      hour < 24 && minute < 60 && second < 60
        ? dayOf(bytes, at) * SECONDS_A_DAY + hour * 3600 + minute * 60 + second
        : Number.NaN;
    const micros = pair(bytes, at + 20) * 10_000 + pair(bytes, at + 22) * 100 + pair(bytes, at + 24);
    const total = seconds * 1_000_000 + micros;
    if (total >= 0) {
      return total;
    }
  }
  const close = bytes.indexOf(QUOTE, at);
  return close === -1 || close >= end || close - at > 40 ? NO_TIME : instantMicros(bytes.toString("latin1", at, close));
}

/** Microseconds since 1970 of an RFC 3339 time; or {@link NO_TIME}. */
export function instantMicros(text: string): number {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const ms = parts === null ? Number.NaN : Date.parse(`${parts[1]}${parts[3]}`);
  return Number.isNaN(ms) || ms < 0 ? NO_TIME : ms * 1000 + Number((parts?.[2] ?? "").slice(0, 6).padEnd(6, "0"));
}

/** The time as audit events write it: UTC with six decimals. */
export function microsText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros % 1_000_000).padStart(6, "0")}Z`;
}

let knownDate = -1;
let knownDay = -1;

/** Days since 1970; a log stays on one day for long. Not a number where there are no digits. */
function dayOf(bytes: Buffer, at: number): number {
  const year = pair(bytes, at) * 100 + pair(bytes, at + 2);
  const month = pair(bytes, at + 5);
  const day = pair(bytes, at + 8);
  const date = (year * 100 + month) * 100 + day;
  if (date !== knownDate) {
    knownDate = date;
    const isDate = month >= 1 && month <= 12 && day >= 1 && day <= 31;
    knownDay = isDate ? Date.UTC(year, month - 1, day) / 86_400_000 : Number.NaN;
  }
  return knownDay;
}

/** Two digits as a number; not a number where they are none, so that the sum of a time is none either. */
function pair(bytes: Buffer, at: number): number {
  const high = (bytes[at] as number) - ZERO;
  const low = (bytes[at + 1] as number) - ZERO;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : Number.NaN;
}
