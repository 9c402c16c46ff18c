import type { JsonValue } from "@auditsieve/audit";
import type { ValueTest } from "./expression.ts";
import { neededInBytes } from "./needed-in-bytes.ts";
import { ANY_ONE, patternPiece } from "./pattern-piece.ts";
import type { ANY_DASH, PatternPiece, PieceToken } from "./pattern-piece.ts";
import { scalarText } from "./evaluate.ts";

/** A piece of a Sigma value: literal text, `*` (any run), `?` (one character) or any dash. */
export type PatternPart = string | typeof ANY_RUN | typeof ANY_ONE | typeof ANY_DASH;

/** Any run of characters, also none. */
export const ANY_RUN: unique symbol = Symbol("*");

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
  const between: PieceToken[][] = [[]];
  for (const part of parts) {
    if (part === ANY_RUN) {
      between.push([]);
    } else if (typeof part === "string") {
      between.at(-1)?.push(...part.split(""));
    } else {
      between.at(-1)?.push(part);
    }
  }
  const pieces = between.map(patternPiece);
  const [first, ...more] = pieces;
  const last = more.pop();
  if (first === undefined || last === undefined) {
    return (text) => text.length === first?.length && first.isAt(text, 0);
  }
  // Each where it stands first: what would fit further behind fits there as well.
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !first.isAt(text, 0) || !last.isAt(text, end)) {
      return false;
    }
    let from = first.length;
    for (let i = 0; i < more.length; i++) {
      const piece = more[i] as PatternPiece;
      const at = piece.find(text, from);
      if (at === -1) {
        return false;
      }
      from = at + piece.length;
    }
    return from <= end;
  };
}
