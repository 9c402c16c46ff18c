/** A set of UTF-16 code units. An automaton asks it once for each character that it meets: less than a table of all would cost. */
export interface CharSet {
  has(unit: number): boolean;
  /** Its character, where that is the only one. */
  readonly only?: string;
  /** Its character, where that is the only one but for its case. */
  readonly written?: string;
}

const SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff";
const CONTROL: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", v: "\v", f: "\f", "0": "\0" };

const digit: CharSet = { has: (unit) => unit >= 48 && unit <= 57 };
/** `\w`: what word boundaries stand between. */
export const WORD: CharSet = {
  has: (unit) => (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122),
};
const space: CharSet = {
  has: (unit) => SPACE.includes(String.fromCharCode(unit)) || (unit >= 0x2000 && unit <= 0x200a),
};

/** Builders of character sets. */
export const charSet = {
  dot(dotAll: boolean): CharSet {
    // JavaScript's own knows more line breaks: what is looked for could be hidden behind one of them.
    return { has: (unit) => dotAll || unit !== 10 };
  },

  literal(char: string, ignoreCase: boolean): CharSet {
    const unit = char.charCodeAt(0);
    if (!ignoreCase) {
      return { has: (other) => other === unit, only: char, written: char };
    }
    const folded = foldCase(unit);
    return { has: (other) => other === unit || foldCase(other) === folded, written: char };
  },

  range(low: string, high: string, ignoreCase: boolean): CharSet {
    const from = low.charCodeAt(0);
    const to = high.charCodeAt(0);
    const inside = (unit: number): boolean => unit >= from && unit <= to;
    return {
      has: (unit) =>
        inside(unit) || (ignoreCase && (inside(foldCase(unit)) || inside(upper(String.fromCharCode(unit))))),
    };
  },

  union(sets: readonly CharSet[], negated: boolean): CharSet {
    return { has: (unit) => sets.some((set) => set.has(unit)) !== negated };
  },

  /** `\d`, `\w`, `\s`, their opposites and the control escapes. */
  named(char: string): CharSet | undefined {
    const control = Object.hasOwn(CONTROL, char) ? CONTROL[char] : undefined;
    if (control !== undefined) {
      return charSet.literal(control, false);
    }
    const set = { d: digit, w: WORD, s: space }[char.toLowerCase()];
    if (!set) {
      return undefined;
    }
    return char === char.toLowerCase() ? set : { has: (unit) => !set.has(unit) };
  },

  /** The one character that an escape inside a class stands for, when it stands for one: it may begin a range. */
  single(escaped: string): string | undefined {
    if (/^[xu]/.test(escaped)) {
      return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    }
    return Object.hasOwn(CONTROL, escaped) ? CONTROL[escaped] : /^[A-Za-z0-9]/.test(escaped) ? undefined : escaped;
  },
};

function foldCase(unit: number): number {
  if (unit < 128) {
    return unit >= 65 && unit <= 90 ? unit + 32 : unit;
  }
  const lower = String.fromCharCode(unit).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
}

function upper(char: string): number {
  const raised = char.toUpperCase();
  return raised.length === 1 ? raised.charCodeAt(0) : char.charCodeAt(0);
}
