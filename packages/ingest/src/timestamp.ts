/** "2026-11-24T00:13:26" */
const SECONDS_LENGTH = 19;
const LONGEST = SECONDS_LENGTH + ".123456789Z".length;
const PATTERN = "0000-00-00T00:00:00";
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const UPPER_Z = 90;

/**
 * Whether a text from a log is an RFC 3339 time in UTC that every sink can hold (nanoseconds in 64 bits end in 2262). Asked of
 * every delivered line: makes no Date, which would cost more than the rest of the document.
 */
export function isTimestamp(text: string | undefined): text is string {
  if (typeof text !== "string" || text.length <= SECONDS_LENGTH || text.length > LONGEST || !hasForm(text)) {
    return false;
  }
  const year = pair(text, 0) * 100 + pair(text, 2);
  const month = pair(text, 5);
  const day = pair(text, 8);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = (MONTH_DAYS[month - 1] ?? 0) + (month === 2 && isLeap ? 1 : 0);
  return (
    year >= 1970 &&
    year < 2262 &&
    day >= 1 &&
    day <= days &&
    pair(text, 11) < 24 &&
    pair(text, 14) < 60 &&
    pair(text, 17) < 60
  );
}

/** Digits where digits stand, then up to nine more behind a dot, and a Z. */
function hasForm(text: string): boolean {
  for (let i = 0; i < SECONDS_LENGTH; i++) {
    const expected = PATTERN.charCodeAt(i);
    const code = text.charCodeAt(i);
    if (expected === ZERO ? code < ZERO || code > NINE : code !== expected) {
      return false;
    }
  }
  const last = text.length - 1;
  if (text.charCodeAt(last) !== UPPER_Z) {
    return false;
  }
  if (last === SECONDS_LENGTH) {
    return true;
  }
  if (text.charCodeAt(SECONDS_LENGTH) !== DOT || last === SECONDS_LENGTH + 1) {
    return false;
  }
  for (let i = SECONDS_LENGTH + 1; i < last; i++) {
    const code = text.charCodeAt(i);
    if (code < ZERO || code > NINE) {
      return false;
    }
  }
  return true;
}

function pair(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}
