// As packages/ingest/src/timestamp.ts: whether bytes are an RFC 3339 time in UTC from 1970 to 2261.

/** Digits of the month's days, two for each month. */
const DAYS: usize = memory.data<u8>([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
const SECONDS_LENGTH: u32 = 19;
const LONGEST: u32 = 30;

export function isTimestamp(at: usize, length: u32): bool {
  if (length <= SECONDS_LENGTH || length > LONGEST || !hasForm(at, length)) {
    return false;
  }
  const year = pair(at) * 100 + pair(at + 2);
  const month = pair(at + 5);
  const day = pair(at + 8);
  if (month < 1 || month > 12) {
    return false;
  }
  const isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  const days = (load<u8>(DAYS + (month as usize)) as u32) + (month == 2 && isLeap ? 1 : 0);
  return (
    year >= 1970 &&
    year < 2262 &&
    day >= 1 &&
    day <= days &&
    pair(at + 11) < 24 &&
    pair(at + 14) < 60 &&
    pair(at + 17) < 60
  );
}

function hasForm(at: usize, length: u32): bool {
  if (
    load<u8>(at, 4) != 45 ||
    load<u8>(at, 7) != 45 ||
    load<u8>(at, 10) != 84 ||
    load<u8>(at, 13) != 58 ||
    load<u8>(at, 16) != 58
  ) {
    return false;
  }
  for (let i: u32 = 0; i < SECONDS_LENGTH; i++) {
    const isSeparator = i == 4 || i == 7 || i == 10 || i == 13 || i == 16;
    if (!isSeparator && !isDigit(load<u8>(at + (i as usize)))) {
      return false;
    }
  }
  const last = length - 1;
  if (load<u8>(at + (last as usize)) != 90) {
    return false;
  }
  if (last == SECONDS_LENGTH) {
    return true;
  }
  if (load<u8>(at, 19) != 46 || last == SECONDS_LENGTH + 1) {
    return false;
  }
  for (let i = SECONDS_LENGTH + 1; i < last; i++) {
    if (!isDigit(load<u8>(at + (i as usize)))) {
      return false;
    }
  }
  return true;
}

function isDigit(byte: u8): bool {
  return byte - 48 <= 9;
}

/** The number that two digits are. */
export function pair(at: usize): u32 {
  return ((load<u8>(at) as u32) - 48) * 10 + (load<u8>(at, 1) as u32) - 48;
}
