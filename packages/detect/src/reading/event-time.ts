/** The last text that was parsed: each event is asked for its time several times. */
let lastText = "";
let lastTime = Number.NaN;
/** The beginning of it up to the minute, where it is written as every apiserver does; and the time then. */
let minute = "";
let minuteTime = Number.NaN;

// At 24:00 there is one moment only.
const WRITTEN = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z$/;
const MINUTE_END = 17;
const DIGIT = 48;

/** What `Date.parse` gives. */
export function parsedTime(text: string): number {
  if (text !== lastText) {
    lastText = text;
    lastTime = withinMinute(text) ?? parse(text);
  }
  return lastTime;
}

/** Milliseconds of an event's time; NaN when it says none. */
export function timeOf(event: {
  readonly stageTimestamp?: string;
  readonly requestReceivedTimestamp?: string;
}): number {
  return parsedTime(event.stageTimestamp ?? event.requestReceivedTimestamp ?? "");
}

/** Microseconds since 1970 of a timestamp as the apiserver writes it; NaN when it is none. */
export function microseconds(timestamp: string | undefined): number {
  const text = timestamp ?? "";
  // 2026-11-24T00:13:26.471919Z, as every apiserver writes it.
  const micros = isWrittenAlike(text) ? number(text, 23, 26) : Number.NaN;
  if (micros >= 0) {
    return parsedTime(text) * 1000 + micros;
  }
  const [, digits = ""] = /\.\d{3}(\d{1,3})/.exec(text.slice(0, 64)) ?? [];
  return parsedTime(text) * 1000 + Number(digits.padEnd(3, "0"));
}

/** The time of a text that begins like the one before. */
function withinMinute(text: string): number | undefined {
  if (!isWrittenAlike(text) || minute === "" || !text.startsWith(minute)) {
    return undefined;
  }
  const time = minuteTime + 1000 * number(text, MINUTE_END, 19) + number(text, 20, 23);
  // There is no second 60 for `Date.parse`; what is no digit makes NaN of its number.
  return text.charCodeAt(MINUTE_END) < DIGIT + 6 && number(text, 23, 26) >= 0 && time >= 0 ? time : undefined;
}

function parse(text: string): number {
  const time = Date.parse(text);
  if (WRITTEN.test(text) && time >= 0) {
    minute = text.slice(0, MINUTE_END);
    minuteTime = time - 1000 * number(text, MINUTE_END, 19) - number(text, 20, 23);
  }
  return time;
}

function isWrittenAlike(text: string): boolean {
  return text.length === 27 && text[19] === "." && text[26] === "Z";
}

/** The number that a few digits are; NaN where one is none. */
function number(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - DIGIT;
    if (!(digit >= 0 && digit <= 9)) {
      return Number.NaN;
    }
    value = 10 * value + digit;
  }
  return value;
}
