/** The last text that was parsed: each event is asked for its time several times. */
let lastText = "";
let lastTime = Number.NaN;

// As every apiserver writes it: 2026-11-24T00:13:26.471919Z.
const LENGTH = 27;
const MONTH = 5;
const DAY = 8;
const HOUR = 11;
const MINUTE = 14;
const MINUTE_END = 17;
const POINT = 19;
const MILLIS = 20;
const MICROS = 23;
const ZONE = 26;
const DIGIT = 48;
const DASH = 45;
const T = 84;
const COLON = 58;
const DOT = 46;
const Z = 90;

/** The beginning of the last one up to its seconds, and the time then; NaN where there has been none. */
const minute = new Uint8Array(MINUTE_END);
let minuteTime = Number.NaN;
/** For one that is text: bytes are what is read. */
const letters = new Uint8Array(LENGTH);

/** What `Date.parse` gives. */
export function parsedTime(text: string): number {
  if (text !== lastText) {
    lastText = text;
    lastTime = (toLetters(text) ? writtenTime(letters, 0) : undefined) ?? Date.parse(text);
  }
  return lastTime;
}

/** What {@link parsedTime} gives of the text in plain ASCII that stands there; of most none is made. */
export function timeAt(bytes: Buffer, start: number, end: number): number {
  const time = end - start === LENGTH ? writtenTime(bytes, start) : undefined;
  return time ?? parsedTime(bytes.toString("latin1", start, end));
}

/**
 * Milliseconds of an event's time; NaN when it says none.
 *
 * @example
 * assert.equal(timeOf({ stageTimestamp: "1970-01-01T00:00:01.500000Z" }), 1500);
 */
export function timeOf(event: {
  readonly stageTimestamp?: string;
  readonly requestReceivedTimestamp?: string;
}): number {
  return parsedTime(event.stageTimestamp ?? event.requestReceivedTimestamp ?? "");
}

/**
 * Microseconds since 1970 of a timestamp as the apiserver writes it; NaN when it is none.
 *
 * @example
 * assert.equal(microseconds("1970-01-01T00:00:00.000123Z"), 123);
 */
export function microseconds(timestamp: string | undefined): number {
  const text = timestamp ?? "";
  const micros = toLetters(text) && isWrittenAlike(letters, 0) ? number(letters, MICROS, ZONE) : Number.NaN;
  if (micros >= 0) {
    return parsedTime(text) * 1000 + micros;
  }
  const [, digits = ""] = /\.\d{3}(\d{1,3})/.exec(text.slice(0, 64)) ?? [];
  return parsedTime(text) * 1000 + Number(digits.padEnd(3, "0"));
}

/** What {@link microseconds} gives of the text in plain ASCII that stands there, whose {@link timeAt} is `time`; of most none is made. */
export function microsecondsAt(bytes: Buffer, start: number, end: number, time: number): number {
  const isAlike = end - start === LENGTH && isWrittenAlike(bytes, start);
  const micros = isAlike ? number(bytes, start + MICROS, start + ZONE) : Number.NaN;
  return micros >= 0 ? time * 1000 + micros : microseconds(bytes.toString("latin1", start, end));
}

/** Puts a text of as many letters into {@link letters}; false for another one. */
function toLetters(text: string): boolean {
  if (text.length !== LENGTH) {
    return false;
  }
  let all = 0;
  for (let i = 0; i < LENGTH; i++) {
    const code = text.charCodeAt(i);
    letters[i] = code;
    all |= code;
  }
  return all < 128;
}

/** The time of what is written as an apiserver does; undefined for all else, whatever time that may say. */
function writtenTime(bytes: Uint8Array, start: number): number | undefined {
  if (!isWrittenAlike(bytes, start) || !(isInMinute(bytes, start) || takeMinute(bytes, start))) {
    return undefined;
  }
  const seconds = number(bytes, start + MINUTE_END, start + POINT);
  const time = minuteTime + 1000 * seconds + number(bytes, start + MILLIS, start + MICROS);
  // There is no second 60 for `Date.parse`; what is no digit makes NaN of its number.
  const isTime = seconds < 60 && number(bytes, start + MICROS, start + ZONE) >= 0;
  return isTime && time >= 0 ? time : undefined;
}

/** Whether it begins like the one before. */
function isInMinute(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < MINUTE_END; i++) {
    if (bytes[start + i] !== minute[i]) {
      return false;
    }
  }
  return true;
}

/** Makes its minute the one that is known. `Date.parse` takes longer, and so does the text that it needs: few lines of a quiet log are of one minute. */
function takeMinute(bytes: Uint8Array, start: number): boolean {
  const year = number(bytes, start, start + MONTH - 1);
  const month = number(bytes, start + MONTH, start + DAY - 1);
  const day = number(bytes, start + DAY, start + HOUR - 1);
  const hours = number(bytes, start + HOUR, start + MINUTE - 1);
  const minutes = number(bytes, start + MINUTE, start + MINUTE_END - 1);
  // What is no digit makes NaN of its number. At 24:00 there is one moment only.
  const isMinute = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hours <= 23 && minutes <= 59;
  if (!isMinute || !isParted(bytes, start)) {
    return false;
  }
  for (let i = 0; i < MINUTE_END; i++) {
    minute[i] = bytes[start + i] as number;
  }
  minuteTime = Date.UTC(year, month - 1, day, hours, minutes);
  return true;
}

function isParted(bytes: Uint8Array, start: number): boolean {
  return (
    bytes[start + MONTH - 1] === DASH &&
    bytes[start + DAY - 1] === DASH &&
    bytes[start + HOUR - 1] === T &&
    bytes[start + MINUTE - 1] === COLON &&
    bytes[start + MINUTE_END - 1] === COLON
  );
}

function isWrittenAlike(bytes: Uint8Array, start: number): boolean {
  return bytes[start + POINT] === DOT && bytes[start + ZONE] === Z;
}

/** The number that a few digits are; NaN where one is none. */
function number(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - DIGIT;
    if (!(digit >= 0 && digit <= 9)) {
      return Number.NaN;
    }
    value = 10 * value + digit;
  }
  return value;
}
