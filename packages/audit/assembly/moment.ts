// The time of a line that is told, and the number by which its auditID is mostly known to be of no open request: of most lines nothing
// else is asked for. Times are read as src/event-time.ts does, who tells of the minute in hand.
import { MOMENT } from "./memory";

// Behind MOMENT: microseconds since 1970 of the line's stageTimestamp, below 0 where they are not known; the number of its auditID; that of
// its object, which ./told notes. Written by the JavaScript side: the microseconds at which a minute begins, and how that is written, up to the minute.
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

/** Notes both of a line whose auditID and stageTimestamp stand there. */
export function noteMoment(auditID: usize, auditIDEnd: usize, time: usize, timeEnd: usize): void {
  store<f64>(MOMENT, microseconds(time, timeEnd));
  store<u32>(MOMENT, hashOfID(auditID, auditIDEnd), ID_HASH);
}

function microseconds(at: usize, end: usize): f64 {
  if (
    end - at != LENGTH ||
    v128.any_true(v128.xor(v128.load(at), v128.load(MOMENT, MINUTE_TEXT))) ||
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
  return value < 60_000_000 ? load<f64>(MOMENT, MINUTE) + (value as f64) : UNKNOWN;
}

/** As src/audit-id-hash.ts makes it. */
function hashOfID(start: usize, end: usize): u32 {
  let sum: u32 = 0;
  for (let at = end - start > LETTERS ? end - LETTERS : start; at < end; at++) {
    sum = sum * 0x2f + (load<u8>(at) as u32);
  }
  return (sum ^ (sum >>> 16)) & 0xffff;
}
