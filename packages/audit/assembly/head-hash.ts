// A number made of what decides in a line's head, in the order in which an apiserver writes it: lines with the same number are
// worth comparing. It proves nothing.
import { questionMark, quote, slash } from "./bytes";

/** Behind `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"`, and behind `{"level":"` as an EventList's items begin. */
const LEVEL: usize = 56;
const LEVEL_OF_ITEM: usize = 10;
/** Spaces that a line with one behind each colon and comma has up to there, and an item. */
const LEVEL_GAPS: usize = 5;
/** `{"`. */
const OPENED: u16 = 0x227b;
/** Eight bytes each: `"auditID`, `"stage":`, `"request`. */
const AUDIT_ID: u64 = ((0x44497469 as u64) << 32) | 0x64756122;
const STAGE: u64 = ((0x3a226567 as u64) << 32) | 0x61747322;
const REQUEST_URI: u64 = ((0x74736575 as u64) << 32) | 0x71657222;
/** `/api` and `namespac`. */
const API: u32 = 0x6970612f;
const NAMESPAC: u64 = ((0x63617073 as u64) << 32) | 0x656d616e;
const FACTOR: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;

/** `Metadata` and `RequestR`, the levels of most lines, and how long the latter is. */
const METADATA: u64 = ((0x61746164 as u64) << 32) | 0x6174654d;
const REQUEST_R: u64 = ((0x52747365 as u64) << 32) | 0x75716552;
/** Sixteen bytes of all ones and sixteen of none. */
const ONES: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0,
]);

/** `"objectR` and `"name":`, and how far behind the user the former is looked for, and the latter behind that. */
const OBJECT_REF: u64 = ((0x52746365 as u64) << 32) | 0x6a626f22;
const NAME: u64 = ((0x003a2265 as u64) << 32) | 0x6d616e22;
const NAME_MASK: u64 = ((0x00ffffff as u64) << 32) | 0xffffffff;
const NEAR_USER: usize = 1536;
const NEAR_OBJECT: usize = 512;

/** Of the last line: the number before the name of the object in the path is added, and where that name stands, 0 for none. */
let withoutName: u64 = 0;
let name: usize = 0;
let nameEnd: usize = 0;
/** Where the namespace stands in the path, if a resource stands behind it: from one slash to the next, 0 for none. */
let space: usize = 0;
let spaceEnd: usize = 0;
/** Where its path stands. */
let path: usize = 0;
let pathEnd: usize = 0;
/** What of the number is no part of the path. */
let seed: u64 = 0;
/** Behind its URI, and how many spaces stand behind a colon. */
let uriEnd: usize = 0;
let blanks: usize = 0;

/** The number of the last line to which the name of the object in its path adds. */
export function hashWithName(): u32 {
  return numberOf(name == 0 ? withoutName : mixLanes(withoutName, absorbSpan(i32x4.splat(1), name, nameEnd)));
}

/**
 * The number of the last line to which the name of its object adds: where none stands in the path, as in that of what is created, the one in
 * objectRef. It ends before `end`.
 */
export function hashWithObject(end: usize): u32 {
  if (name != 0) {
    return hashWithName();
  }
  const object = findKey(uriEnd, min(end, uriEnd + NEAR_USER), OBJECT_REF, ~(0 as u64));
  const key: usize = object == 0 ? 0 : findKey(object + 8, min(end, object + NEAR_OBJECT), NAME, NAME_MASK);
  const text = key + 8 + blanks;
  if (key == 0 || text >= end) {
    return numberOf(withoutName);
  }
  return numberOf(mixLanes(withoutName, absorbSpan(i32x4.splat(2), text, nextQuote(text, end))));
}

/** The number of the last line to which neither the name nor the namespace of its object in the path adds; 0 where none stands there. */
export function hashWithoutSpace(): u32 {
  if (space == 0 || spaceEnd == 0) {
    return 0;
  }
  let hash = absorbSpan(i32x4.splat(3), path, space);
  hash = name == 0 ? absorbSpan(hash, spaceEnd, pathEnd) : absorbSpan(hash, spaceEnd, name);
  hash = name == 0 ? hash : absorbSpan(hash, nameEnd, pathEnd);
  return numberOf(mixLanes(seed, withActor(hash, uriEnd)));
}

/** Where a quote stands with which eight bytes begin that are these, as far as `mask` says; 0 where none is. */
function findKey(from: usize, end: usize, wanted: u64, mask: u64): usize {
  for (let at = from; at < end; at += 16) {
    for (let quotes = i8x16.bitmask(i8x16.eq(v128.load(at), quote())); quotes != 0; quotes &= quotes - 1) {
      const place = at + ctz(quotes);
      if ((load<u64>(place) & mask) == wanted) {
        return place;
      }
    }
  }
  return 0;
}

/**
 * A number to which the name of the object in the path adds nothing; 0 for a line in another order. Reads no further than 96 bytes
 * behind `end`.
 *
 * Where a line begins is known only when the one before has been compared, and what this finds is waited for by the next
 * comparison: so it goes by the usual lengths of values, and searches where they do not hold.
 */
export function headHash(line: usize, end: usize): u32 {
  // Behind short lines without a quote the next one may be far.
  if (load<u16>(line) != OPENED) {
    return 0;
  }
  const isItem = load<u8>(line, 2) == 108;
  /** 1 where a space stands behind each colon and comma. */
  const gap: usize = load<u8>(line + (isItem ? 9 : 8)) == 32 ? 1 : 0;
  let at = line + (isItem ? LEVEL_OF_ITEM + gap : LEVEL + LEVEL_GAPS * gap);
  const level = load<u64>(at);
  if (level == METADATA) {
    at += 8;
  } else if (level == REQUEST_R && load<u8>(at, 15) == 34) {
    at += 15;
  } else {
    at = nextQuote(at, end);
  }
  at += 2 + gap;
  if (at >= end || load<u64>(at) != AUDIT_ID) {
    return 0;
  }
  at += 11 + gap;
  at = (load<u8>(at, 36) == 34 ? at + 36 : nextQuote(at, end)) + 2 + gap;
  if (at >= end || load<u64>(at) != STAGE) {
    return 0;
  }
  at += 9 + gap;
  // "Received", "Started"", "Complete": where stages differ.
  const stage = load<u64>(at + 8);
  at = (load<u8>(at, 15) == 34 ? at + 15 : load<u8>(at, 16) == 34 ? at + 16 : nextQuote(at, end)) + 2 + gap;
  if (at >= end || load<u64>(at) != REQUEST_URI) {
    return 0;
  }
  const uri = at + 14 + gap;
  const isCore = load<u8>(uri, 4) == 47;
  // The slash before the resource, or before `namespaces`; for a path that is no API's, none.
  let wanted: i32 = load<u32>(uri) != API ? i32.MAX_VALUE : isCore ? 3 : 4;
  let isNext = false;
  name = 0;
  nameEnd = 0;
  space = 0;
  spaceEnd = 0;
  path = uri;
  at = uri;
  while (true) {
    const bytes = v128.load(at);
    const stop = i8x16.bitmask(v128.or(i8x16.eq(bytes, quote()), i8x16.eq(bytes, questionMark())));
    let slashes = i8x16.bitmask(i8x16.eq(bytes, slash()));
    if (stop != 0) {
      slashes &= (1 << ctz(stop)) - 1;
    }
    while (slashes != 0) {
      const slash = at + ctz(slashes);
      slashes &= slashes - 1;
      if (--wanted != 0) {
        if (isNext && name == 0) {
          space = wanted == 2 ? slash : space;
          spaceEnd = wanted == 1 ? slash : spaceEnd;
        }
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
  let hash = i32x4.splat(1);
  if (name != 0) {
    nameEnd = nameEnd == 0 ? at : nameEnd;
    hash = absorbSpan(absorbSpan(hash, uri, name), nameEnd, at);
  } else {
    hash = absorbSpan(hash, uri, at);
  }
  pathEnd = at;
  let query: u32 = 0;
  if (load<u8>(at) != 34) {
    const behind = nextQuote(at, end);
    if (behind >= end) {
      return 0;
    }
    query = sumOf(at, behind);
    at = behind;
  }
  uriEnd = at;
  blanks = gap;
  seed = mix(mix(1, level), stage + (query as u64));
  withoutName = mixLanes(seed, withActor(hash, at));
  return numberOf(withoutName);
}

/** Adds the verb and the user behind the URI: `","verb":"update","user":{"username":"system:serviceaccount:kube-system:generic-garbage-collector`. */
function withActor(hash: v128, at: usize): v128 {
  const verb = absorb(absorb(v128.load(at), v128.load(at, 16)), v128.load(at, 32));
  const user = absorb(absorb(v128.load(at, 48), v128.load(at, 64)), v128.load(at, 80));
  return absorb(absorb(hash, verb), user);
}

/** Of a query: the squares of all bytes that are no digits, which may be others, and more or fewer of them, in lines that are alike. */
function sumOf(from: usize, to: usize): u32 {
  let sum = i32x4.splat(0);
  for (let at = from; at < to; at += 16) {
    let bytes = v128.load(at);
    bytes = v128.andnot(bytes, i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(48)), i8x16.splat(10)));
    bytes = v128.and(bytes, v128.load(ONES + 16 - min(to - at, 16)));
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    sum = i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
  }
  return (
    i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3)
  );
}

function nextQuote(from: usize, end: usize): usize {
  let at = from;
  while (at < end) {
    const quotes = i8x16.bitmask(i8x16.eq(v128.load(at), quote()));
    if (quotes != 0) {
      return at + ctz(quotes);
    }
    at += 16;
  }
  return end;
}

/** Adds sixteen bytes. */
function absorb(hash: v128, bytes: v128): v128 {
  return v128.xor(i32x4.add(i32x4.shl(hash, 5), hash), bytes);
}

function absorbSpan(before: v128, from: usize, to: usize): v128 {
  let hash = before;
  let at = from;
  for (; at + 16 <= to; at += 16) {
    hash = absorb(hash, v128.load(at));
  }
  return absorb(hash, v128.and(v128.load(at), v128.load(ONES + 16 - (to - at))));
}

function mixLanes(hash: u64, lanes: v128): u64 {
  return mix(mix(hash, i64x2.extract_lane(lanes, 0)), i64x2.extract_lane(lanes, 1));
}

function mix(hash: u64, word: u64): u64 {
  return rotl<u64>((hash ^ word) * FACTOR, 29);
}

function numberOf(hash: u64): u32 {
  // The product's upper bits, which all others have a part in, are in the lower half.
  const number = (hash ^ (hash >> 32)) as u32;
  return number == 0 ? 1 : number;
}
