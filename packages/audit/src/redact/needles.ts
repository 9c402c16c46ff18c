/** A part of something that the walk looks for: for each of three bytes which may stand there, none for any. */
interface Needle {
  readonly bytes: readonly [string, string, string];
  /** Of names of fields, and of words that are found without regard to case. */
  readonly anyCase?: true;
}

const BEFORE_VALUE = ":,[ \t\r\n";
const exact = (...bytes: Needle["bytes"]): Needle => ({ bytes });
const anyCase = (...bytes: Needle["bytes"]): Needle => ({ bytes, anyCase: true });

/**
 * Eight sets: a place is suspect when each of its three bytes is (by its two halves) one of those that a set has there. Which part of
 * what is looked for stands here, and which of them share a set, was chosen by counting in recorded logs how often other texts have it.
 */
const SETS: readonly (readonly Needle[])[] = [
  // authorization, a string that may be JSON of its own.
  [anyCase("r", "i", "z"), exact(BEFORE_VALUE, '"', "{[\\")],
  // A string that begins with a blank, kapp.k14s.io/original
  [exact(BEFORE_VALUE, '"', " "), anyCase("4", "s", ".")],
  // github_pat_, gh?_, xoxb-, passw
  [exact("a", "t", "_"), exact("h", "opsru", "_"), exact("x", "o", "x"), anyCase("s", "s", "w")],
  // glpat-, bearer, token, value
  [exact("l", "p", "a"), anyCase("b", "e", "a"), anyCase("k", "e", "n"), anyCase("l", "u", "e")],
  // command, stringData, last-applied, objectset.rio.cattle.io/applied
  [anyCase("o", "m", "m"), anyCase("n", "g", "d"), anyCase("p", "p", "l")],
  // secret, a JSON web token, ZXlK, sha256~, PRIVATE KEY, key
  [
    anyCase("e", "c", "r"),
    exact("e", "y", "J"),
    exact("X", "l", "K"),
    exact("h", "a", "2"),
    exact("K", "E", "Y"),
    anyCase("k", "e", "y"),
  ],
  // A URL, escapes that may hide a letter.
  [exact(":", "/", "/"), exact("\\", "/", ""), exact("\\", "u", "0")],
  // hvs., LS0tLS1CRUdJTi, basic, passphrase, args
  [exact("v", "s", "."), exact("L", "S", "1"), anyCase("a", "s", "i"), anyCase("h", "r", "a"), anyCase("a", "r", "g")],
];
/** Sets with parts of the names of fields, and the one with URLs. */
export const NAME_SETS = 0b1111_1110;
export const URL_SET = 0b0100_0000;
/** The one with `ken` and `bea`: the engine, too, knows it as that. */
export const TOKEN_SET = 0b0000_1000;
const EXTRA_SET = 6;

/** Room for the tables of all needles, and for a bit of each number that three bytes may make. */
export const NEEDLES_BYTES = 96;
export const NEEDLE_BITS_BYTES = 512;
/** As assembly/suspects.ts has it. */
const NUMBER_FACTOR = 0x9e37_79b1;
const NUMBER_SHIFT = 20;

/**
 * Six tables of sixteen: for each of three places which sets have a byte with that lower half there, and with that upper half. And the bits
 * of all that needles are, as numbers.
 */
export function writeNeedles(tables: Buffer, bits: Buffer, extraNames: readonly string[]): void {
  const put = (place: number, byte: number, set: number): void => {
    for (const [table, half] of [[2 * place, byte & 15] as const, [2 * place + 1, byte >> 4] as const]) {
      const slot = 16 * table + half;
      tables[slot] = (tables[slot] as number) | (1 << set);
    }
  };
  // A set that little else is in: the quote before a name and the name's beginning.
  const extra = extraNames.map((name) => anyCase('"', name.slice(0, 1), name.slice(1, 2)));
  SETS.forEach((builtIn, set) => {
    const needles = set === EXTRA_SET ? [...builtIn, ...extra] : builtIn;
    for (const { bytes, anyCase: isAnyCase } of needles) {
      const allowed = bytes.map((letters) => {
        const both = isAnyCase === true ? letters.toLowerCase() + letters.toUpperCase() : letters;
        return letters === "" ? Array.from({ length: 256 }, (_, byte) => byte) : [...Buffer.from(both)];
      });
      allowed.forEach((some, place) => some.forEach((byte) => put(place, byte, set)));
      noteAll(bits, allowed);
    }
  });
}

/** Notes the numbers of all that three bytes may be. */
function noteAll(bits: Buffer, [first = [], second = [], third = []]: readonly (readonly number[])[]): void {
  for (const a of first) {
    for (const b of second) {
      for (const c of third) {
        const number = Math.imul(a | (b << 8) | (c << 16), NUMBER_FACTOR) >>> NUMBER_SHIFT;
        bits[number >>> 3] = (bits[number >>> 3] as number) | (1 << (number & 7));
      }
    }
  }
}
