// A text of JSON as a string of JSON: what of it must be escaped are quotes, backslashes and the white space between tokens.
import { SPREAD } from "./memory";
import { backslash, quote, space } from "./bytes";

/** For each set of eight bytes: where each of sixteen comes from (over 127: nowhere), then the backslashes among them. */
const ROW_BYTES: usize = 32;

/** Fills SPREAD; once. */
export function buildSpread(): void {
  for (let set: usize = 0; set < 256; set++) {
    const row = SPREAD + ROW_BYTES * set;
    let to: usize = 0;
    for (let from: usize = 0; from < 8; from++) {
      if (((set >>> from) & 1) != 0) {
        store<u8>(row + to, 128);
        store<u8>(row + 16 + to, 92);
        to++;
      }
      store<u8>(row + to, from as u8);
      store<u8>(row + 16 + to, 0);
      to++;
    }
    for (; to < 16; to++) {
      store<u8>(row + to, 128);
      store<u8>(row + 16 + to, 0);
    }
  }
}

/** Writes the well-formed JSON of `length` bytes at `from` to `to` as a string. Gives the place behind it. */
export function quoted(to: usize, from: usize, length: usize): usize {
  const quoting = quote();
  const escaping = backslash();
  const blank = space();
  const end = from + length;
  let out = to;
  store<u8>(out++, 34);
  let at = from;
  for (; at + 16 <= end; at += 16) {
    const bytes = v128.load(at);
    const controls = i8x16.lt_u(bytes, blank);
    const marks = i8x16.bitmask(v128.or(v128.or(i8x16.eq(bytes, quoting), i8x16.eq(bytes, escaping)), controls)) as u32;
    if (marks == 0) {
      v128.store(out, bytes);
      out += 16;
      continue;
    }
    if (v128.any_true(controls)) {
      out = quotedOneByOne(out, at, at + 16);
      continue;
    }
    const low = marks & 255;
    const high = marks >>> 8;
    out = spread(out, bytes, low);
    out = spread(out, i8x16.shuffle(bytes, bytes, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15), high);
  }
  out = quotedOneByOne(out, at, end);
  store<u8>(out++, 34);
  return out;
}

function spread(out: usize, bytes: v128, set: u32): usize {
  const row = SPREAD + ROW_BYTES * (set as usize);
  v128.store(out, v128.or(i8x16.swizzle(bytes, v128.load(row)), v128.load(row, 16)));
  return out + 8 + (popcnt(set) as usize);
}

function quotedOneByOne(to: usize, from: usize, end: usize): usize {
  let out = to;
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    // Other control characters stand in no JSON text.
    const escaped: u8 =
      byte == 34 || byte == 92 ? byte : byte == 9 ? 116 : byte == 10 ? 110 : byte == 13 ? 114 : (0 as u8);
    if (escaped == 0) {
      store<u8>(out++, byte);
    } else {
      store<u8>(out, 92);
      store<u8>(out, escaped, 1);
      out += 2;
    }
  }
  return out;
}
