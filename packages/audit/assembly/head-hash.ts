// A number made of what decides in a line's head, in the order in which an apiserver writes it: lines with the same number are
// worth comparing. It proves nothing.
import { CONTROL } from "./memory";

/** Behind `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"`, and behind `{"level":"` as an EventList's items begin. */
const LEVEL: usize = 56;
const LEVEL_OF_ITEM: usize = 10;
/** From the closing quote of the value before, eight bytes each: `","audit`, `","stage`, `","reque`. */
const AUDIT_ID: u64 = ((0x74696475 as u64) << 32) | 0x61222c22;
const STAGE: u64 = ((0x65676174 as u64) << 32) | 0x73222c22;
const REQUEST_URI: u64 = ((0x65757165 as u64) << 32) | 0x72222c22;
/** `/api` and `namespac`. */
const API: u32 = 0x6970612f;
const NAMESPAC: u64 = ((0x63617073 as u64) << 32) | 0x656d616e;
const FACTOR: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;

/**
 * 0 for a line in another order. CONTROL then holds two numbers: at 12 the one that is given, to which the name of the object in the
 * path adds nothing, and at 16 one to which it does. Reads no further than 96 bytes behind `end`.
 */
export function headHash(line: usize, end: usize): u32 {
  let at = line + (load<u8>(line, 2) == 108 ? LEVEL_OF_ITEM : LEVEL);
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
  const uri = at + 16;
  const isCore = load<u8>(uri, 4) == 47;
  // The slash before the resource, or before `namespaces`; for a path that is no API's, none.
  let wanted: i32 = load<u32>(uri) != API ? i32.MAX_VALUE : isCore ? 3 : 4;
  let isNext = false;
  let name: usize = 0;
  let nameEnd: usize = 0;
  at = uri;
  while (true) {
    const bytes = v128.load(at);
    const stop = i8x16.bitmask(v128.or(i8x16.eq(bytes, i8x16.splat(34)), i8x16.eq(bytes, i8x16.splat(63))));
    let slashes = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(47)));
    if (stop != 0) {
      slashes &= (1 << ctz(stop)) - 1;
    }
    while (slashes != 0) {
      const slash = at + ctz(slashes);
      slashes &= slashes - 1;
      if (--wanted != 0) {
        continue;
      }
      if (!isNext) {
        isNext = true;
        wanted = load<u64>(slash, 1) == NAMESPAC && load<u16>(slash, 9) == 0x7365 && load<u8>(slash, 11) == 47 ? 3 : 1;
      } else if (name == 0) {
        name = slash;
        wanted = 1;
      } else {
        nameEnd = slash;
      }
    }
    if (stop != 0) {
      at += ctz(stop);
      break;
    }
    at += 16;
    if (at >= end) {
      return 0;
    }
  }
  let withName: u64 = 0;
  if (name != 0) {
    nameEnd = nameEnd == 0 ? at : nameEnd;
    hash = mixSpan(hash, uri, name);
    withName = mixSpan(1, name, nameEnd);
    hash = mixSpan(hash, nameEnd, at);
  } else {
    hash = mixSpan(hash, uri, at);
  }
  at = nextQuote(at, end);
  if (at >= end) {
    return 0;
  }
  // The verb and the user: `","verb":"update","user":{"username":"system:serviceaccount:kube-system:generic-garbage-collector`.
  for (let i = 0; i < 12; i++) {
    hash = mix(hash, load<u64>(at + 8 * i));
  }
  const number = numberOf(hash);
  store<u32>(CONTROL, number, 12);
  store<u32>(CONTROL, name == 0 ? number : numberOf(mix(hash, withName)), 16);
  return number;
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

function mixSpan(before: u64, from: usize, to: usize): u64 {
  let hash = before;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    hash = mix(hash, load<u64>(at));
  }
  return at == to ? hash : mix(hash, load<u64>(at) & (((1 as u64) << (8 * ((to - at) as u64))) - 1));
}

function mix(hash: u64, word: u64): u64 {
  return rotl<u64>((hash ^ word) * FACTOR, 29);
}

function numberOf(hash: u64): u32 {
  const number = (hash >> 32) as u32;
  return number == 0 ? 1 : number;
}
