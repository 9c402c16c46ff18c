import { charSet } from "./char-set.ts";
import type { CharSet } from "./char-set.ts";

/** What an assertion asks of its place: the beginning or end of the text or of a line, a word boundary or none. */
export type Assertion = "start" | "end" | "lineStart" | "lineEnd" | "word" | "notWord";

/** A regular expression as a tree. */
export type RegexNode =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "sequence"; readonly of: readonly RegexNode[] }
  | { readonly kind: "choice"; readonly of: readonly RegexNode[] }
  | { readonly kind: "repeat"; readonly of: RegexNode; readonly min: number; readonly max: number };

export interface RegexFlags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

/** Why an expression is refused; thrown inside this folder only and returned by {@link compileRegex}. */
export class RegexRefusal extends Error {}

const MAX_DEPTH = 32;
const MAX_REPEAT = 1000;
const ASSERTIONS: Readonly<Record<string, Assertion>> = { A: "start", z: "end", Z: "end", b: "word", B: "notWord" };

/**
 * Parses the regular part of PCRE: literals, classes, groups (also named ones, and with flags), alternatives, quantifiers, anchors, word
 * boundaries. Look-around and back-references are refused: what they match cannot be decided in linear time.
 */
export function parseRegex(source: string, flags: RegexFlags): RegexNode {
  let at = 0;
  let active = flags;
  const peek = (): string => source.charAt(at);
  const refuse = (what: string): never => {
    throw new RegexRefusal(`${what} at character ${at + 1}`);
  };

  const choice = (depth: number): RegexNode => {
    if (depth > MAX_DEPTH) {
      refuse(`groups nested deeper than ${MAX_DEPTH}`);
    }
    const outside = active;
    const of = [sequence(depth)];
    while (peek() === "|") {
      at++;
      of.push(sequence(depth));
    }
    active = outside;
    return of.length === 1 && of[0] ? of[0] : { kind: "choice", of };
  };

  const sequence = (depth: number): RegexNode => {
    const of: RegexNode[] = [];
    while (at < source.length && peek() !== "|" && peek() !== ")") {
      of.push(quantified(depth));
    }
    return { kind: "sequence", of };
  };

  const quantified = (depth: number): RegexNode => {
    const node = atom(depth);
    const [text, low, comma, high] = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(source.slice(at, at + 16)) ?? [];
    if (text === undefined) {
      return node;
    }
    at += text.length;
    if (node.kind === "assert") {
      refuse("a quantifier on an anchor");
    }
    // Lazy or greedy is the same to a yes-or-no match; possessive is not regular.
    if (peek() === "?") {
      at++;
    }
    if (/^(?:[+*]|\{\d+,?\d*\})/.test(source.slice(at, at + 16))) {
      refuse("a quantifier on a quantifier");
    }
    const min = low === undefined ? (text === "+" ? 1 : 0) : Number(low);
    const max =
      low === undefined ? (text === "?" ? 1 : Infinity) : comma === "" ? min : high === "" ? Infinity : Number(high);
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT) || max < min) {
      refuse(`a repetition {${min},${max}} (at most ${MAX_REPEAT}, low before high)`);
    }
    return { kind: "repeat", of: node, min, max };
  };

  const atom = (depth: number): RegexNode => {
    const char = source.charAt(at++);
    switch (char) {
      case "^":
        return { kind: "assert", what: active.multiline ? "lineStart" : "start" };
      case "$":
        return { kind: "assert", what: active.multiline ? "lineEnd" : "end" };
      case ".":
        return { kind: "set", set: charSet.dot(active.dotAll) };
      case "(":
        return group(depth);
      case "[":
        return { kind: "set", set: characterClass() };
      case "\\":
        return escape();
      case "*":
      case "+":
      case "?":
        at--;
        return refuse("a quantifier with nothing before it");
      case "{":
        // Some engines read it as a repetition, and others as it is spelled.
        if (/^,\d+\}/.test(source.slice(at, at + 16))) {
          refuse("a repetition without its lower bound ({0,5} has one)");
        }
        return { kind: "set", set: charSet.literal(char, active.ignoreCase) };
      default:
        return { kind: "set", set: charSet.literal(char, active.ignoreCase) };
    }
  };

  const group = (depth: number): RegexNode => {
    const outside = active;
    if (peek() === "?" && opening() === ")") {
      // Flags hold to the end of the group that they stand in.
      return { kind: "sequence", of: [] };
    }
    const inner = choice(depth + 1);
    active = outside;
    if (peek() !== ")") {
      refuse("a group that is not closed");
    }
    at++;
    return inner;
  };

  /** What stands between `(` and the expression of a group: its name or its flags. Gives its last character. */
  const opening = (): string => {
    const [text, on, off = "", end = ">"] =
      /^\?(?:P?<[A-Za-z_]\w{0,31}>|([ims]*)(?:-([ims]+))?([:)]))/.exec(source.slice(at, at + 40)) ?? [];
    if (text === undefined || text === "?)") {
      return refuse("look-around, or a kind of group that is not known here,");
    }
    at += text.length;
    const isOn = (flag: string, before: boolean): boolean =>
      (before || on?.includes(flag) === true) && !off.includes(flag);
    active = {
      ignoreCase: isOn("i", active.ignoreCase),
      multiline: isOn("m", active.multiline),
      dotAll: isOn("s", active.dotAll),
    };
    return end;
  };

  const escape = (): RegexNode => {
    const char = source.charAt(at);
    const what = Object.hasOwn(ASSERTIONS, char) ? ASSERTIONS[char] : undefined;
    if (what !== undefined) {
      at++;
      return { kind: "assert", what };
    }
    return { kind: "set", set: escapedSet() };
  };

  const escapedSet = (): CharSet => {
    const char = source.charAt(at++);
    if (char === "0" && /\d/.test(peek())) {
      refuse("an octal escape (\\x00 is none)");
    }
    const named = charSet.named(char);
    if (named) {
      return named;
    }
    if (char === "x" || char === "u") {
      const digits = source.slice(at, at + (char === "x" ? 2 : 4));
      if (!/^(?:[0-9a-f]{2}|[0-9a-f]{4})$/i.test(digits)) {
        refuse(`an unfinished \\${char} escape`);
      }
      at += digits.length;
      return charSet.literal(String.fromCharCode(Number.parseInt(digits, 16)), active.ignoreCase);
    }
    if (char === "" || /[A-Za-z0-9]/.test(char)) {
      refuse(`the escape \\${char} (a back-reference or not of the regular subset)`);
    }
    return charSet.literal(char, active.ignoreCase);
  };

  const characterClass = (): CharSet => {
    const negated = peek() === "^";
    if (negated) {
      at++;
    }
    const sets: CharSet[] = [];
    for (let first = true; first || peek() !== "]"; first = false) {
      if (at >= source.length) {
        refuse("a character class that is not closed");
      }
      sets.push(classItem());
    }
    at++;
    return charSet.union(sets, negated);
  };

  const classItem = (): CharSet => {
    const low = classChar();
    if (typeof low !== "string") {
      return low;
    }
    if (peek() !== "-" || source.charAt(at + 1) === "]" || at + 1 >= source.length) {
      return charSet.literal(low, active.ignoreCase);
    }
    at++;
    const high = classChar();
    if (typeof high !== "string" || high < low) {
      return refuse("a range that runs backwards or ends in a class");
    }
    return charSet.range(low, high, active.ignoreCase);
  };

  const classChar = (): string | CharSet => {
    const char = source.charAt(at++);
    if (char === "[" && peek() === ":") {
      refuse("a POSIX class");
    }
    if (char !== "\\") {
      return char;
    }
    const start = at;
    const set = escapedSet();
    return charSet.single(source.slice(start, at)) ?? set;
  };

  const tree = choice(0);
  if (at < source.length) {
    refuse("a closing parenthesis without its opening");
  }
  return tree;
}
