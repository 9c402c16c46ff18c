/** Some one character; or any dash. Texts are characters that stand for themselves. */
export type PieceToken = string | typeof ANY_ONE | typeof ANY_DASH;

/** Any one character. */
export const ANY_ONE: unique symbol = Symbol("?");
/** Any one of {@link DASHES}. */
export const ANY_DASH: unique symbol = Symbol("-");
/** What may introduce an option of a command: hyphen, slash, en dash, em dash, horizontal bar. */
export const DASHES = "-/\u2013\u2014\u2015";

/** What stands between two runs of a pattern. It is found in a time that grows with the text alone, or by a 32nd of its own length with it. */
export interface PatternPiece {
  readonly length: number;
  isAt(text: string, index: number): boolean;
  /** Where it stands first from there on; -1 where it does not. */
  find(text: string, from: number): number;
}

/** The piece of one character for each token. */
export function patternPiece(tokens: readonly PieceToken[]): PatternPiece {
  return tokens.every((token) => typeof token === "string") ? literalPiece(tokens.join("")) : wildPiece(tokens);
}

/** Up to that length V8 finds a text in linear time; longer ones it knows by their ends alone, and goes back and forth where those repeat. */
const LONG = 250;

function literalPiece(literal: string): PatternPiece {
  return {
    length: literal.length,
    isAt: (text, index) => text.startsWith(literal, index),
    find: literal.length <= LONG ? (text, from) => text.indexOf(literal, from) : longFinder(literal),
  };
}

/** As Knuth, Morris and Pratt find it. */
function longFinder(literal: string): PatternPiece["find"] {
  const next = new Uint32Array(literal.length);
  for (let i = 1, known = 0; i < literal.length; i++) {
    while (known > 0 && literal.charCodeAt(i) !== literal.charCodeAt(known)) {
      known = next[known - 1] as number;
    }
    known += literal.charCodeAt(i) === literal.charCodeAt(known) ? 1 : 0;
    next[i] = known;
  }
  return (text, from) => {
    let known = 0;
    for (let i = from; i < text.length; i++) {
      while (known > 0 && text.charCodeAt(i) !== literal.charCodeAt(known)) {
        known = next[known - 1] as number;
      }
      known += text.charCodeAt(i) === literal.charCodeAt(known) ? 1 : 0;
      if (known === literal.length) {
        return i + 1 - known;
      }
    }
    return -1;
  };
}

const WORD = 32;

/** A bit for each token: those up to which the text behind it fits are known at once. */
function wildPiece(tokens: readonly PieceToken[]): PatternPiece {
  const { length } = tokens;
  const words = Math.ceil(length / WORD);
  const bitsOf = (holds: (token: PieceToken) => boolean): Uint32Array => {
    const bits = new Uint32Array(words);
    tokens.forEach((token, index) => {
      if (holds(token)) {
        bits[index >>> 5] = ((bits[index >>> 5] as number) | (1 << (index & 31))) >>> 0;
      }
    });
    return bits;
  };
  const others = bitsOf((token) => token === ANY_ONE);
  const characters = new Set([...tokens.filter((token) => typeof token === "string"), ...DASHES.split("")]);
  const byCode = new Map(
    Array.from(characters, (character) => [
      character.charCodeAt(0),
      bitsOf((token) => token === character || token === ANY_ONE || (token === ANY_DASH && DASHES.includes(character))),
    ]),
  );
  const last = 1 << ((length - 1) & 31);
  return {
    length,
    isAt: (text, index) =>
      index >= 0 &&
      index + length <= text.length &&
      tokens.every((token, offset) => {
        const character = text.charAt(index + offset);
        return token === ANY_ONE || token === character || (token === ANY_DASH && DASHES.includes(character));
      }),
    find(text, from) {
      const fits = new Uint32Array(words);
      for (let i = from; i < text.length; i++) {
        const bits = byCode.get(text.charCodeAt(i)) ?? others;
        let carried = 1;
        for (let word = 0; word < words; word++) {
          const before = fits[word] as number;
          fits[word] = ((before << 1) | carried) & (bits[word] as number);
          carried = before >>> 31;
        }
        if (((fits[words - 1] as number) & last) !== 0) {
          return i + 1 - length;
        }
      }
      return -1;
    },
  };
}
