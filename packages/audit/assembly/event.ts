// Finds the fields of an event, as src/scan.ts does. A false may be wrong (keys with escapes are left to the JavaScript); a true
// never is.
import { KEYS, NAMES, PLACES, SCAN } from "./memory";
import { skipColon, skipSpace, skipString, skipValue } from "./walk";

// A slot of a table of keys: its length, its field, its parent's table or 0, the form of its value, then its name.
const SLOT_BYTES: usize = 64;
const SLOT_COUNT: u32 = 64;
const TABLE_BYTES: usize = SLOT_BYTES * SLOT_COUNT;

const FORM_STRING: u8 = 1;
const FORM_OBJECT: u8 = 2;
const FORM_LIST: u8 = 3;
const FORM_NUMBER: u8 = 4;

// A name: its length, then its bytes as they stand in a line, with quotes.
const NAME_BYTES: usize = 32;
/** Four levels, four stages, one kind and one apiVersion. */
const LEVELS: usize = NAMES;
const STAGES: usize = NAMES + 4 * NAME_BYTES;
const KIND: usize = NAMES + 8 * NAME_BYTES;
const API_VERSION: usize = NAMES + 9 * NAME_BYTES;
/** Numbers of fields: src/scan-fields.ts. */
const FIELD_KIND: usize = 0;
const FIELD_API_VERSION: usize = 1;
const FIELD_LEVEL: usize = 2;
const FIELD_STAGE: usize = 4;
/** level, stage, requestURI, verb and user. */
const REQUIRED: u64 = 0b1111_0100;

let seen: u64 = 0;

/**
 * Scans the `length` bytes at SCAN. PLACES then holds for each field its value's start and end (0: absent) and its key's start. Gives 0
 * where they are no event, else 1, with the numbers of its level and its stage, from 1 on, in the next bits, three each, where these
 * and all else that makes an event are spelled as an apiserver spells them.
 */
export function scanEvent(length: usize): u32 {
  const end = SCAN + length;
  store<u8>(end, 0);
  memory.fill(PLACES, 0, 512);
  seen = 0;
  const open = skipSpace(SCAN);
  if (load<u8>(open) != 123) {
    return 0;
  }
  const close = scanObject(open, KEYS);
  return close != 0 && skipSpace(close) == end ? 1 | (plainNames() << 1) : 0;
}

/** The numbers of level and stage; 0 where a name is missing, another one or spelled otherwise. */
function plainNames(): u32 {
  if (!isAbsentOr(FIELD_KIND, KIND) || !isAbsentOr(FIELD_API_VERSION, API_VERSION)) {
    return 0;
  }
  for (let rest = REQUIRED; rest != 0; rest &= rest - 1) {
    if (load<u32>(PLACES + 12 * (ctz(rest) as usize), 4) == 0) {
      return 0;
    }
  }
  const level = nameAmong(FIELD_LEVEL, LEVELS);
  const stage = nameAmong(FIELD_STAGE, STAGES);
  return level == 0 || stage == 0 ? 0 : level | (stage << 3);
}

function isAbsentOr(field: usize, name: usize): bool {
  return load<u32>(PLACES + 12 * field, 4) == 0 || isValue(field, name);
}

/** Which of four names the field's value is, from 1 on; 0 for none. */
function nameAmong(field: usize, names: usize): u32 {
  for (let i: u32 = 0; i < 4; i++) {
    if (isValue(field, names + NAME_BYTES * i)) {
      return i + 1;
    }
  }
  return 0;
}

function isValue(field: usize, name: usize): bool {
  const start: usize = load<u32>(PLACES + 12 * field);
  const length = load<u32>(PLACES + 12 * field, 4) - (start as u32);
  return load<u8>(name) == length && isName(SCAN + start, name + 1, length);
}

/** Behind the object at `open`, whose known keys are in `table`; 0 also where a known field is no field of an event. */
function scanObject(open: usize, table: usize): usize {
  const factor = load<u32>(table);
  let at = skipSpace(open + 1);
  if (load<u8>(at) == 125) {
    return at + 1;
  }
  while (true) {
    if (load<u8>(at) != 34) {
      return 0;
    }
    const key = at;
    const keyEnd = skipString(key);
    if (keyEnd == 0) {
      return 0;
    }
    const value = skipColon(keyEnd);
    if (value == 0) {
      return 0;
    }
    const slot = findKey(key + 1, keyEnd - 1, table, factor);
    if (slot == 1) {
      return 0;
    }
    at = slot == 0 ? skipValue(value) : scanField(slot, key, value);
    if (at == 0) {
      return 0;
    }
    at = skipSpace(at);
    const next = load<u8>(at);
    if (next == 125) {
      return at + 1;
    }
    if (next != 44) {
      return 0;
    }
    at = skipSpace(at + 1);
  }
}

/** The slot of the key, 0 where it is unknown, 1 where it is written with escapes. */
function findKey(start: usize, end: usize, table: usize, factor: u32): usize {
  const length = (end - start) as u32;
  if (length == 0) {
    return 0;
  }
  const number =
    (((length << 16) ^
      ((load<u8>(start) as u32) << 12) ^
      ((load<u8>(start + (length >> 1)) as u32) << 6) ^
      (load<u8>(end - 1) as u32)) *
      factor) >>>
    26;
  const slot = table + 64 + SLOT_BYTES * number;
  if (load<u8>(slot) == length && isName(start, slot + 8, length)) {
    return slot;
  }
  for (let at = start; at < end; at++) {
    if (load<u8>(at) == 92) {
      return 1;
    }
  }
  return 0;
}

function isName(start: usize, name: usize, length: u32): bool {
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) {
    if (load<u64>(start + at) != load<u64>(name + at)) {
      return false;
    }
  }
  const rest = length - at;
  return rest == 0 || (load<u64>(start + at) ^ load<u64>(name + at)) << (64 - 8 * rest) == 0;
}

function scanField(slot: usize, key: usize, value: usize): usize {
  const field = load<u8>(slot, 1);
  const nested = load<u8>(slot, 2);
  const form = load<u8>(slot, 3);
  const first = load<u8>(value);
  const behind = nested != 0 && first == 123 ? scanObject(value, KEYS + nested * (TABLE_BYTES + 64)) : skipValue(value);
  if (behind == 0) {
    return 0;
  }
  const bit = (1 as u64) << field;
  if ((seen & bit) != 0) {
    return 0;
  }
  seen |= bit;
  // null: as good as absent.
  if (first == 110) {
    return behind;
  }
  const isForm =
    form == FORM_STRING
      ? first == 34
      : form == FORM_OBJECT
        ? first == 123
        : form == FORM_LIST
          ? first == 91 && isStringList(value)
          : form != FORM_NUMBER || isPlainInteger(value, behind);
  if (!isForm) {
    return 0;
  }
  const place = PLACES + 12 * (field as usize);
  store<u32>(place, value - SCAN);
  store<u32>(place, behind - SCAN, 4);
  store<u32>(place, key - SCAN, 8);
  return behind;
}

/** The list is well-formed. */
function isStringList(list: usize): bool {
  let at = skipSpace(list + 1);
  while (load<u8>(at) != 93) {
    if (load<u8>(at) != 34) {
      return false;
    }
    at = skipSpace(skipString(at));
    if (load<u8>(at) == 44) {
      at = skipSpace(at + 1);
    }
  }
  return true;
}

function isPlainInteger(start: usize, end: usize): bool {
  if (end - start > 5) {
    return false;
  }
  for (let at = start; at < end; at++) {
    if (load<u8>(at) - 48 > 9) {
      return false;
    }
  }
  return true;
}
