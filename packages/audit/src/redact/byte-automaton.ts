/** One byte of a pattern: 1 for each byte that may stand there. */
export type ByteSet = Uint8Array;

const BYTES = 256;
/** A row of the table: a power of two, and no less than there are classes of bytes. */
const WIDTH_BITS = 6;
const MOST_STATES = 1 << (16 - WIDTH_BITS);

/** What {@link ByteAutomaton.look} has seen. */
export const NOTHING = 0;
export const NOTED = 1;
export const MATCHED = 2;
export type Seen = typeof NOTHING | typeof NOTED | typeof MATCHED;

export type Pattern = readonly ByteSet[];

/** Places in patterns: the pattern's number and how much of it has been seen. */
type Places = readonly (readonly [pattern: number, seen: number])[];

/**
 * Says whether any of some patterns, each a sequence of sets of bytes, stands anywhere in some bytes. All are looked for at once,
 * in one step a byte: the automaton that stands for all of them is made beforehand.
 *
 * @example
 * const automaton = new ByteAutomaton([patternOf("gh[ops]_")], [patternOf("token")]);
 * assert.equal(automaton.look(Buffer.from("a gho_1"), 0, 7), MATCHED);
 * assert.equal(automaton.look(Buffer.from("a token"), 0, 7), NOTED);
 */
export class ByteAutomaton {
  readonly #classes = new Uint8Array(BYTES);
  readonly #table: Uint16Array;
  /** States from here on say that a noted pattern has ended, the last one that another has; as the table holds them. */
  readonly #noted: number;
  readonly #match: number;
  readonly #longest: number;

  /** Of `noted` patterns it is only noted that they are there. */
  constructor(patterns: readonly Pattern[], noted: readonly Pattern[] = []) {
    const all = [...patterns, ...noted];
    this.#longest = Math.max(...all.map((sets) => sets.length));
    const members = this.#classify(all);
    // Which patterns a byte of each class begins.
    const begun = members.map((byte) => all.flatMap((sets, i) => (sets[0]?.[byte] === 1 ? [i] : [])));
    const numbers = new Map<string, number>([["", 0]]);
    const states: Places[] = [[]];
    const rows: number[][] = [];
    for (let state = 0; state < states.length; state++) {
      rows.push(
        members.map((byte, each) => {
          const next = step(all, states[state] ?? [], byte, begun[each] ?? []);
          if (next.some(([pattern, seen]) => pattern < patterns.length && seen === all[pattern]?.length)) {
            return -1;
          }
          const name = next.map(([pattern, seen]) => 1000 * pattern + seen).join(" ");
          const number = numbers.get(name) ?? states.push(next) - 1;
          numbers.set(name, number);
          return number;
        }),
      );
    }
    const isNoted = states.map((places) => places.some(([pattern, seen]) => seen === all[pattern]?.length));
    const order = [...isNoted.keys()].toSorted((a, b) => Number(isNoted[a]) - Number(isNoted[b]));
    if (order.length >= MOST_STATES) {
      throw new RangeError(`Cannot make the automaton: ${order.length} states are more than ${MOST_STATES}`);
    }
    const rank = new Map(order.map((state, place) => [state, place << WIDTH_BITS]));
    this.#match = order.length << WIDTH_BITS;
    this.#noted = isNoted.filter((one) => !one).length << WIDTH_BITS;
    this.#table = new Uint16Array((order.length + 1) << WIDTH_BITS).fill(this.#match);
    order.forEach((state, place) => {
      rows[state]?.forEach((next, each) => {
        this.#table[(place << WIDTH_BITS) | each] = rank.get(next) ?? this.#match;
      });
    });
  }

  look(bytes: Uint8Array, start: number, end: number): Seen {
    // Each step waits for the one before it: two ways through the bytes at a time take hardly longer than one.
    const middle = start + ((end - start) >> 1);
    const behind = Math.max(start, middle - this.#longest);
    const table = this.#table;
    const classes = this.#classes;
    const noted = this.#noted;
    const match = this.#match;
    let seen: Seen = NOTHING;
    let first = 0;
    let second = 0;
    let at = start;
    let ahead = behind;
    while (at < middle && ahead < end) {
      first = table[first | (classes[bytes[at++] as number] as number)] as number;
      second = table[second | (classes[bytes[ahead++] as number] as number)] as number;
      if (first >= noted || second >= noted) {
        if (first === match || second === match) {
          return MATCHED;
        }
        seen = NOTED;
      }
    }
    while (ahead < end) {
      second = table[second | (classes[bytes[ahead++] as number] as number)] as number;
      if (second >= noted) {
        if (second === match) {
          return MATCHED;
        }
        seen = NOTED;
      }
    }
    return seen;
  }

  /** Numbers the classes of bytes that no pattern tells apart; gives one byte of each. */
  #classify(patterns: readonly Pattern[]): readonly number[] {
    const sets = [...new Set(patterns.flat())];
    const classes = new Map<string, number>();
    const members: number[] = [];
    for (let byte = 0; byte < BYTES; byte++) {
      const signature = sets.map((set) => set[byte]).join("");
      const known = classes.get(signature) ?? members.push(byte) - 1;
      classes.set(signature, known);
      this.#classes[byte] = known;
    }
    if (members.length > 1 << WIDTH_BITS) {
      throw new RangeError(`Cannot make the automaton: ${members.length} classes of bytes are too many`);
    }
    return members;
  }
}

/** The places after one more byte, which begins the patterns `begun`. A pattern that has ended goes no further. */
function step(patterns: readonly Pattern[], places: Places, byte: number, begun: readonly number[]): Places {
  const next: (readonly [number, number])[] = [];
  for (const [pattern, seen] of places) {
    if (patterns[pattern]?.[seen]?.[byte] === 1) {
      next.push([pattern, seen + 1]);
    }
  }
  for (const pattern of begun) {
    next.push([pattern, 1]);
  }
  return next;
}

/**
 * A pattern from a small part of the language of regular expressions: characters, `\` before a character that means itself, and
 * `[…]` or `[^…]` with ranges. With `ignoresCase` letters stand for both cases.
 */
export function patternOf(source: string, ignoresCase = false): Pattern {
  const sets: ByteSet[] = [];
  for (let at = 0; at < source.length;) {
    const character = source[at] as string;
    if (character === "[") {
      let close = at + 1;
      while (close < source.length && source[close] !== "]") {
        close += source[close] === "\\" ? 2 : 1;
      }
      sets.push(setOf(source.slice(at + 1, close), ignoresCase));
      at = close + 1;
    } else if ("(){}*+?|^$.".includes(character)) {
      throw new SyntaxError(`Cannot read the pattern ${source}: "${character}" at ${at}`);
    } else {
      const isEscaped = character === "\\";
      sets.push(setOf(isEscaped ? `\\${source[at + 1]}` : character, ignoresCase));
      at += isEscaped ? 2 : 1;
    }
  }
  return sets;
}

/** Sets that are the same are one object, so that bytes are told apart by few of them. */
const known = new Map<string, ByteSet>();

function setOf(text: string, ignoresCase: boolean): ByteSet {
  const isNegated = text.startsWith("^");
  const set = new Uint8Array(BYTES).fill(isNegated ? 1 : 0);
  const put = (code: number): void => {
    set[code] = isNegated ? 0 : 1;
  };
  for (let at = isNegated ? 1 : 0; at < text.length; at++) {
    at += text[at] === "\\" ? 1 : 0;
    const first = text.charCodeAt(at);
    const isRange = text[at + 1] === "-" && at + 2 < text.length;
    const last = isRange ? text.charCodeAt(at + 2) : first;
    at += isRange ? 2 : 0;
    for (let code = first; code <= last; code++) {
      put(code);
      if (ignoresCase) {
        put(String.fromCharCode(code).toLowerCase().charCodeAt(0));
        put(String.fromCharCode(code).toUpperCase().charCodeAt(0));
      }
    }
  }
  const name = set.join("");
  const same = known.get(name) ?? set;
  known.set(name, same);
  return same;
}
