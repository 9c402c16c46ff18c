// Whether a URL may hold a credential, by the whole string that it stands in: src/redact/text-credentials.ts says what is looked for in one.
import { backslash, quote } from "./bytes";

/** Strings that reach further to one side are left to the closer look. */
const MOST_BYTES: usize = 4096;
const ALL: u32 = 0xffff;

/** Whether the string around `at` has what may stand before a credential in a URL, or is a kubeconfig. */
export function mayHoldCredential(at: usize): bool {
  const quoting = quote();
  const escaping = backslash();
  let users = false;
  let clusters = false;
  // Backwards: a quote behind a backslash may be the first one all the same, then more is looked at than the string.
  let back = at;
  while (true) {
    back -= 16;
    if (at - back > MOST_BYTES) {
      return true;
    }
    const bytes = v128.load(back);
    const ends = endsOf(bytes, v128.load(back - 1), quoting, escaping);
    // Bytes behind the last quote.
    const inside = ends == 0 ? ALL : ALL & ~((2 << (31 - clz(ends))) - 1);
    if ((marksOf(bytes, v128.load(back, 1), escaping) & inside) != 0) {
      return true;
    }
    users = users || (wordsOf(back, bytes, USERS) & inside) != 0;
    clusters = clusters || (wordsOf(back, bytes, CLUSTERS) & inside) != 0;
    if (ends != 0) {
      break;
    }
  }
  let on = at;
  while (true) {
    if (on - at > MOST_BYTES) {
      return true;
    }
    const bytes = v128.load(on);
    const ends = endsOf(bytes, v128.load(on - 1), quoting, escaping);
    const inside = ends == 0 ? ALL : (1 << ctz(ends)) - 1;
    if ((marksOf(bytes, v128.load(on, 1), escaping) & inside) != 0) {
      return true;
    }
    users = users || (wordsOf(on, bytes, USERS) & inside) != 0;
    clusters = clusters || (wordsOf(on, bytes, CLUSTERS) & inside) != 0;
    if (ends != 0) {
      return users && clusters;
    }
    on += 16;
  }
}

/** Quotes that no backslash stands before. */
function endsOf(bytes: v128, before: v128, quoting: v128, escaping: v128): u32 {
  return i8x16.bitmask(v128.andnot(i8x16.eq(bytes, quoting), i8x16.eq(before, escaping))) as u32;
}

/** @ ? & and the backslash of an escape that may stand for one of them. */
function marksOf(bytes: v128, next: v128, escaping: v128): u32 {
  const marks = v128.or(
    v128.or(i8x16.eq(bytes, i8x16.splat(64)), i8x16.eq(bytes, i8x16.splat(63))),
    v128.or(i8x16.eq(bytes, i8x16.splat(38)), v128.and(i8x16.eq(bytes, escaping), i8x16.eq(next, i8x16.splat(117)))),
  );
  return i8x16.bitmask(marks) as u32;
}

/** `ers` and `clu` of `users` and `clusters`. */
const USERS: u32 = 0x73_7265;
const CLUSTERS: u32 = 0x75_6c63;

function wordsOf(at: usize, bytes: v128, word: u32): u32 {
  return i8x16.bitmask(
    v128.and(
      v128.and(
        i8x16.eq(bytes, i8x16.splat((word & 255) as i8)),
        i8x16.eq(v128.load(at, 1), i8x16.splat(((word >>> 8) & 255) as i8)),
      ),
      i8x16.eq(v128.load(at, 2), i8x16.splat((word >>> 16) as i8)),
    ),
  ) as u32;
}
