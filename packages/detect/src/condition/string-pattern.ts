import type { JsonValue } from "@auditsieve/audit";
import type { ValueTest } from "./expression.ts";
import { neededInBytes } from "./needed-in-bytes.ts";
import { scalarText } from "./evaluate.ts";

/** A piece of a Sigma value: literal text, `*` (any run), `?` (one character) or any dash. */
export type PatternPart = string | typeof ANY_RUN | typeof ANY_ONE | typeof ANY_DASH;

/** Any run of characters, also none. */
export const ANY_RUN: unique symbol = Symbol("*");
/** Any one character. */
const ANY_ONE: unique symbol = Symbol("?");
/** Any one of {@link DASHES}. */
export const ANY_DASH: unique symbol = Symbol("-");
/** What may introduce an option of a command: hyphen, slash, en dash, em dash, horizontal bar. */
export const DASHES = "-/\u2013\u2014\u2015";

/**
 * Cuts a Sigma value into literals and wildcards. A backslash escapes `*`, `?` and itself; before any other
 * character it stands for itself.
 */
export function patternParts(value: string): readonly PatternPart[] {
  if (!/[\\*?]/.test(value)) {
    return value === "" ? [] : [value];
  }
  const parts: PatternPart[] = [];
  let literal = "";
  const flush = (): void => {
    if (literal !== "") {
      parts.push(literal);
      literal = "";
    }
  };
  for (let index = 0; index < value.length; index++) {
    const char = value.charAt(index);
    const next = value.charAt(index + 1);
    if (char === "\\" && (next === "\\" || next === "*" || next === "?")) {
      literal += next;
      index++;
    } else if (char === "*" || char === "?") {
      flush();
      // A run of stars is one star: without this a hostile pattern of stars would cost time.
      if (char === "?" || parts.at(-1) !== ANY_RUN) {
        parts.push(char === "*" ? ANY_RUN : ANY_ONE);
      }
    } else {
      literal += char;
    }
  }
  flush();
  return parts;
}

/** The test for a pattern; without `cased` upper and lower case are the same. */
export function patternTest(parts: readonly PatternPart[], cased: boolean): ValueTest {
  if (parts.length === 1 && parts[0] === ANY_RUN) {
    return { test: (value) => value !== null };
  }
  const fold = (text: string): string => (cased ? text : text.toLowerCase());
  const folded: readonly PatternPart[] = parts.map((part) => (typeof part === "string" ? fold(part) : part));
  const matches = matcher(folded);
  const test = (value: JsonValue): boolean => {
    const text = scalarText(value);
    return text !== undefined && matches(fold(text));
  };
  const only = folded[0] ?? "";
  const held = folded[1];
  if (folded.length === 3 && only === ANY_RUN && typeof held === "string" && folded[2] === ANY_RUN) {
    return { needs: neededInBytes(() => [held]), test };
  }
  if (folded.length > 1 || typeof only !== "string") {
    return { test };
  }
  return { literal: only, test: isAscii(only) ? plainTest(only, cased) : test };
}

/** Tests for a text of ASCII: only one as long can be the same in another case, and most values are of another length. */
function plainTest(only: string, cased: boolean): ValueTest["test"] {
  return (value) => {
    const text = scalarText(value);
    return (
      text !== undefined && text.length === only.length && (text === only || (!cased && text.toLowerCase() === only))
    );
  };
}

/** Nothing else has a lower case of ASCII alone that is longer or shorter than it. */
function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text);
}

function matcher(parts: readonly PatternPart[]): (text: string) => boolean {
  const first = parts[0];
  const second = parts[1];
  const third = parts[2];
  if (parts.length === 0) {
    return (text) => text === "";
  }
  if (parts.length === 1 && typeof first === "string") {
    return (text) => text === first;
  }
  if (parts.length === 2 && typeof first === "string" && second === ANY_RUN) {
    return (text) => text.startsWith(first);
  }
  if (parts.length === 2 && first === ANY_RUN && typeof second === "string") {
    return (text) => text.endsWith(second);
  }
  if (parts.length === 3 && first === ANY_RUN && typeof second === "string" && third === ANY_RUN) {
    return (text) => text.includes(second);
  }
  const tokens = parts.flatMap((part): readonly PatternPart[] => (typeof part === "string" ? part.split("") : [part]));
  return (text) => matchTokens(tokens, text);
}

/** Greedy with a return to the last star only: at worst text length times pattern length, never exponential. */
function matchTokens(tokens: readonly PatternPart[], text: string): boolean {
  let token = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < text.length) {
    const expected = tokens[token];
    if (expected === ANY_RUN) {
      star = token++;
      resume = index;
    } else if (
      expected === ANY_ONE ||
      expected === text.charAt(index) ||
      (expected === ANY_DASH && DASHES.includes(text.charAt(index)))
    ) {
      token++;
      index++;
    } else if (star >= 0) {
      token = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  while (tokens[token] === ANY_RUN) {
    token++;
  }
  return token === tokens.length;
}
