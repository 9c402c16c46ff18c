// A number made of what decides in a line's head, in the order in which an apiserver writes it: lines with the same number are
// worth comparing. It proves nothing.

/** Behind `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"`. */
const LEVEL: usize = 56;
/** From the closing quote of the value before, eight bytes each: `","audit`, `","stage`, `","reque`. */
const AUDIT_ID: u64 = ((0x74696475 as u64) << 32) | 0x61222c22;
const STAGE: u64 = ((0x65676174 as u64) << 32) | 0x73222c22;
const REQUEST_URI: u64 = ((0x65757165 as u64) << 32) | 0x72222c22;
const FACTOR: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;

/** 0 for a line in another order. Reads no further than 64 bytes behind `end`. */
export function headHash(line: usize, end: usize): u32 {
  let at = line + LEVEL;
  let hash = mix(1, load<u64>(at));
  at = nextQuote(at, end);
  if (at >= end || load<u64>(at) != AUDIT_ID) {
    return 0;
  }
  at = nextQuote(at + 13, end);
  if (at >= end || load<u64>(at) != STAGE) {
    return 0;
  }
  // "Received", "Started"", "Complete": where stages differ.
  hash = mix(hash, load<u64>(at + 19));
  at = nextQuote(at + 11, end);
  if (at >= end || load<u64>(at) != REQUEST_URI) {
    return 0;
  }
  at += 16;
  while (true) {
    const bytes = v128.load(at);
    const stop = i8x16.bitmask(v128.or(i8x16.eq(bytes, i8x16.splat(34)), i8x16.eq(bytes, i8x16.splat(63))));
    if (stop != 0) {
      const length = ctz(stop);
      hash = mix(hash, length < 8 ? lowBytes(load<u64>(at), length) : load<u64>(at));
      hash = mix(hash, length > 8 ? lowBytes(load<u64>(at, 8), length - 8) : 0);
      at += length;
      break;
    }
    hash = mix(mix(hash, load<u64>(at)), load<u64>(at, 8));
    at += 16;
    if (at >= end) {
      return 0;
    }
  }
  at = nextQuote(at, end);
  if (at >= end) {
    return 0;
  }
  // The verb and the first letters of the name: `","verb":"update","user":{"username":"system:node:n1`.
  for (let i = 0; i < 6; i++) {
    hash = mix(hash, load<u64>(at + 8 * i));
  }
  const number = (hash >> 32) as u32;
  return number == 0 ? 1 : number;
}

function nextQuote(from: usize, end: usize): usize {
  let at = from;
  while (at < end) {
    const quotes = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(34)));
    if (quotes != 0) {
      return at + ctz(quotes);
    }
    at += 16;
  }
  return end;
}

function mix(hash: u64, word: u64): u64 {
  return rotl<u64>((hash ^ word) * FACTOR, 29);
}

/** `count` is below 8. */
function lowBytes(word: u64, count: u32): u64 {
  return word & (((1 as u64) << (8 * count)) - 1);
}
