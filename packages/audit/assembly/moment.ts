// The time of a line that is told, and the number by which its auditID is mostly known to be of no open request: of most lines nothing
// else is asked for. Times are read as src/event-time.ts does, who reads those that are not known here.
import { MOMENT } from "./memory";
import { isTimestamp, pair } from "./timestamp";

// Behind MOMENT: microseconds since 1970 of the line's stageTimestamp, below 0 where they are not known; the number of its auditID; that of
// its object, which ./told notes; the microseconds at which the minute in hand begins, and how that is written, up to the minute.
const ID_HASH: usize = 8;
const MINUTE: usize = 16;
const MINUTE_TEXT: usize = 24;

/** As every apiserver writes it: 2026-11-24T00:13:26.471919Z. */
const LENGTH: usize = 27;
const COLON: usize = 16;
const SECONDS: usize = 17;
const POINT: usize = 19;
const ZONE: usize = 26;
/** In so many letters at their ends those auditIDs differ that an apiserver makes. */
const LETTERS: usize = 8;
const UNKNOWN: f64 = -1;
const MINUTE_MICROS: i64 = 60_000_000;
/** What a number of JavaScript holds. */
const MOST_MICROS: f64 = 9_007_199_254_740_991;

/** Notes both of a line whose auditID and stageTimestamp stand there. */
export function noteMoment(auditID: usize, auditIDEnd: usize, time: usize, timeEnd: usize): void {
  store<f64>(MOMENT, microseconds(time, timeEnd));
  store<u32>(MOMENT, hashOfID(auditID, auditIDEnd), ID_HASH);
}

function microseconds(at: usize, end: usize): f64 {
  if (
    end - at != LENGTH ||
    !(isInMinute(at) || takeMinute(at)) ||
    load<u8>(at, COLON) != 58 ||
    load<u8>(at, POINT) != 46 ||
    load<u8>(at, ZONE) != 90
  ) {
    return UNKNOWN;
  }
  let value: u32 = 0;
  for (let i = SECONDS; i < ZONE; i++) {
    const digit = (load<u8>(at + i) as u32) - 48;
    if (i == POINT) {
      continue;
    }
    if (digit > 9) {
      return UNKNOWN;
    }
    value = 10 * value + digit;
  }
  const micros = load<f64>(MOMENT, MINUTE) + (value as f64);
  return value < (MINUTE_MICROS as u32) && micros <= MOST_MICROS ? micros : UNKNOWN;
}

function isInMinute(at: usize): bool {
  return !v128.any_true(v128.xor(v128.load(at), v128.load(MOMENT, MINUTE_TEXT)));
}

/** Makes its minute the one in hand, where a time stands there. */
function takeMinute(at: usize): bool {
  if (!isTimestamp(at, LENGTH as u32)) {
    return false;
  }
  const minutes = ((daysAt(at) as i64) * 24 + (pair(at + 11) as i64)) * 60 + (pair(at + 14) as i64);
  store<f64>(MOMENT, (minutes * MINUTE_MICROS) as f64, MINUTE);
  v128.store(MOMENT, v128.load(at), MINUTE_TEXT);
  return true;
}

/** From the first day of 1970 to the date there. Years are counted from March, so that a leap day is the last one of its year. */
function daysAt(at: usize): u32 {
  const month = pair(at + 5);
  const year = pair(at) * 100 + pair(at + 2) - (month <= 2 ? 1 : 0);
  const monthFromMarch = month <= 2 ? month + 9 : month - 3;
  const leapDays = year / 4 - year / 100 + year / 400;
  return 365 * year + leapDays + (153 * monthFromMarch + 2) / 5 + pair(at + 8) - 1 - TO_1970;
}

/** From the first of March of a year 0 to the first day of 1970. */
const TO_1970: u32 = 719_468;

/** As src/audit-id-hash.ts makes it. */
function hashOfID(start: usize, end: usize): u32 {
  let sum: u32 = 0;
  for (let at = end - start > LETTERS ? end - LETTERS : start; at < end; at++) {
    sum = sum * 0x2f + (load<u8>(at) as u32);
  }
  return (sum ^ (sum >>> 16)) & 0xffff;
}
