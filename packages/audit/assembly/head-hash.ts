// A number made of what decides in a line's head, in the order in which an apiserver writes it: lines with the same number are
// worth comparing. It proves nothing.
import { CONTROL } from "./memory";

/** Behind `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"`, and behind `{"level":"` as an EventList's items begin. */
const LEVEL: usize = 56;
const LEVEL_OF_ITEM: usize = 10;
/** Spaces that a line with one behind each colon and comma has up to there, and an item. */
const LEVEL_GAPS: usize = 5;
/** Eight bytes each: `"auditID`, `"stage":`, `"request`. */
const AUDIT_ID: u64 = ((0x44497469 as u64) << 32) | 0x64756122;
const STAGE: u64 = ((0x3a226567 as u64) << 32) | 0x61747322;
const REQUEST_URI: u64 = ((0x74736575 as u64) << 32) | 0x71657222;
/** `/api` and `namespac`. */
const API: u32 = 0x6970612f;
const NAMESPAC: u64 = ((0x63617073 as u64) << 32) | 0x656d616e;
const FACTOR: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;

/**
 * 0 for a line in another order. CONTROL then holds two numbers: at 12 the one that is given, to which the name of the object in the
 * path adds nothing, and at 16 one to which it does. Reads no further than 96 bytes behind `end`.
 */
export function headHash(line: usize, end: usize): u32 {
  const isItem = load<u8>(line, 2) == 108;
  /** 1 where a space stands behind each colon and comma. */
  const gap: usize = load<u8>(line + (isItem ? 9 : 8)) == 32 ? 1 : 0;
  let at = line + (isItem ? LEVEL_OF_ITEM + gap : LEVEL + LEVEL_GAPS * gap);
  let hash = mix(1, load<u64>(at));
  at = nextQuote(at, end) + 2 + gap;
  if (at >= end || load<u64>(at) != AUDIT_ID) {
    return 0;
  }
  at = nextQuote(at + 11 + gap, end) + 2 + gap;
  if (at >= end || load<u64>(at) != STAGE) {
    return 0;
  }
  const stage = at + 9 + gap;
  // "Received", "Started"", "Complete": where stages differ.
  hash = mix(hash, load<u64>(stage + 8));
  at = nextQuote(stage, end) + 2 + gap;
  if (at >= end || load<u64>(at) != REQUEST_URI) {
    return 0;
  }
  const uri = at + 14 + gap;
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
