import type { GoYamlCursor } from "./cursor.ts";
import { YamlFault } from "./problem.ts";
import type { Mark } from "./problem.ts";

/** The text of a scalar, where it ends, and whether it ends behind a line break. */
export interface ScalarText {
  readonly value: string;
  readonly end: Mark;
  readonly endsLine: boolean;
}

/**
 * Reads a plain scalar, over several lines if they are indented.
 *
 * @see https://github.com/yaml/go-yaml/blob/v2/scannerc.go
 */
export function scanPlain(cursor: GoYamlCursor, indent: number, isFlow: boolean): ScalarText {
  let value = "";
  let end = cursor.mark;
  const fold = new Fold();
  for (;;) {
    cursor.need(4);
    if (cursor.isDocumentMark("---") || cursor.isDocumentMark("...") || cursor.peek() === "#") {
      break;
    }
    while (!cursor.isBlankOrEnd() && !endsPlain(cursor, isFlow)) {
      value += fold.take() + cursor.take();
      end = cursor.mark;
      cursor.need(2);
    }
    if (!cursor.isBlank() && !cursor.isBreak()) {
      break;
    }
    while (cursor.isBlank() || cursor.isBreak()) {
      if (fold.isBroken && cursor.column < indent && cursor.peek() === "\t") {
        throw new YamlFault("found a tab character that violates indentation", "scanner", cursor.mark);
      }
      fold.add(cursor);
    }
    if (!isFlow && cursor.column < indent) {
      break;
    }
  }
  return { value, end, endsLine: fold.isBroken };
}

function endsPlain(cursor: GoYamlCursor, isFlow: boolean): boolean {
  const character = cursor.peek();
  return (character === ":" && cursor.isBlankOrEnd(1)) || (isFlow && ",?[]{}".includes(character));
}

/** Reads a scalar in single or double quotes. */
export function scanQuoted(cursor: GoYamlCursor): ScalarText {
  const quote = cursor.take();
  let value = "";
  const fold = new Fold();
  for (;;) {
    cursor.need(4);
    if (cursor.isDocumentMark("---") || cursor.isDocumentMark("...")) {
      throw new YamlFault("found unexpected document indicator", "scanner", cursor.mark);
    }
    if (cursor.isEnd()) {
      throw new YamlFault("found unexpected end of stream", "scanner", cursor.mark);
    }
    value += scanQuotedWord(cursor, quote, fold);
    cursor.need(1);
    if (cursor.peek() === quote) {
      break;
    }
    while (cursor.isBlank() || cursor.isBreak()) {
      fold.add(cursor);
    }
    value += fold.take();
  }
  cursor.skip();
  return { value, end: cursor.mark, endsLine: false };
}

/** Reads up to a blank, a line break or the closing quote. */
function scanQuotedWord(cursor: GoYamlCursor, quote: string, fold: Fold): string {
  let word = "";
  while (!cursor.isBlankOrEnd()) {
    if (cursor.peek() === quote) {
      if (quote === '"' || cursor.peek(1) !== "'") {
        break;
      }
      word += "'";
      cursor.skip(2);
    } else if (quote === '"' && cursor.peek() === "\\") {
      if (cursor.isBreak(1)) {
        cursor.need(3);
        cursor.skip();
        cursor.takeBreak();
        fold.join();
        break;
      }
      word += scanEscape(cursor);
    } else {
      word += cursor.take();
    }
    cursor.need(2);
  }
  return word;
}

/** The letter behind the backslash with what the two mean. */
const ESCAPES: ReadonlyMap<string, string> = new Map(
  [
    ["0\0", "a\u0007", "b\b", "t\t", "\t\t", "n\n", "v\v", "f\f", "r\r", "e\u001B"],
    ["  ", '""', "''", "\\\\", "N\u0085", "_\u00A0", "L\u2028", "P\u2029"],
  ]
    .flat()
    .map((pair) => [pair.slice(0, 1), pair.slice(1)]),
);
const ESCAPED_DIGITS: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);

function scanEscape(cursor: GoYamlCursor): string {
  const kind = cursor.peek(1);
  const escaped = ESCAPES.get(kind);
  if (escaped !== undefined) {
    cursor.skip(2);
    return escaped;
  }
  const length = ESCAPED_DIGITS.get(kind);
  if (length === undefined) {
    throw new YamlFault("found unknown escape character", "scanner", cursor.mark);
  }
  cursor.skip(2);
  cursor.need(length);
  let digits = "";
  for (let at = 0; at < length; at++) {
    if (!cursor.isHex(at)) {
      throw new YamlFault("did not find expected hexdecimal number", "scanner", cursor.mark);
    }
    digits += cursor.peek(at);
  }
  const code = Number.parseInt(digits, 16);
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    throw new YamlFault("found invalid Unicode character escape code", "scanner", cursor.mark);
  }
  cursor.skip(length);
  return String.fromCodePoint(code);
}

/** Reads a literal or folded block scalar, from its `|` or `>` on, in a block indented by `parentIndent`. */
export function scanBlock(cursor: GoYamlCursor, parentIndent: number): ScalarText {
  const isLiteral = cursor.take() === "|";
  const { chomping, increment } = scanBlockHeader(cursor);
  const given = increment === 0 ? 0 : Math.max(parentIndent, 0) + increment;
  let { indent, breaks, end } = scanBlockBreaks(cursor, given, parentIndent);
  let value = "";
  let lineBreak = "";
  let isLastBlank = false;
  cursor.need(1);
  while (cursor.column === indent && !cursor.isEnd()) {
    const isBlank = cursor.isBlank();
    const isFolded = !isLiteral && !isLastBlank && !isBlank && lineBreak === "\n";
    value += (isFolded ? (breaks === "" ? " " : "") : lineBreak) + breaks;
    isLastBlank = isBlank;
    while (!cursor.isBreakOrEnd()) {
      value += cursor.take();
      cursor.need(1);
    }
    cursor.need(2);
    lineBreak = cursor.takeBreak();
    ({ breaks, end } = scanBlockBreaks(cursor, indent, parentIndent));
  }
  value += (chomping === "-" ? "" : lineBreak) + (chomping === "+" ? breaks : "");
  return { value, end, endsLine: true };
}

function scanBlockHeader(cursor: GoYamlCursor): { readonly chomping: string; readonly increment: number } {
  cursor.need(1);
  let chomping = scanChomping(cursor);
  const increment = scanIncrement(cursor);
  chomping ||= increment === 0 ? "" : scanChomping(cursor);
  cursor.skipBlanks();
  cursor.skipComment();
  if (!cursor.isBreakOrEnd()) {
    throw new YamlFault("did not find expected comment or line break", "scanner", cursor.mark);
  }
  cursor.need(2);
  cursor.takeBreak();
  return { chomping, increment };
}

function scanChomping(cursor: GoYamlCursor): string {
  const isGiven = cursor.peek() === "+" || cursor.peek() === "-";
  const chomping = isGiven ? cursor.take() : "";
  cursor.need(1);
  return chomping;
}

function scanIncrement(cursor: GoYamlCursor): number {
  if (!cursor.isDigit()) {
    return 0;
  }
  if (cursor.peek() === "0") {
    throw new YamlFault("found an indentation indicator equal to 0", "scanner", cursor.mark);
  }
  const increment = Number(cursor.take());
  cursor.need(1);
  return increment;
}

/** Passes empty lines and the indentation; where it is not known (0), the deepest line seen settles it. */
function scanBlockBreaks(
  cursor: GoYamlCursor,
  known: number,
  parentIndent: number,
): { readonly indent: number; readonly breaks: string; readonly end: Mark } {
  let breaks = "";
  let end = cursor.mark;
  let deepest = 0;
  const isInside = (): boolean => known === 0 || cursor.column < known;
  for (;;) {
    cursor.need(1);
    while (isInside() && cursor.peek() === " ") {
      cursor.skip();
      cursor.need(1);
    }
    deepest = Math.max(deepest, cursor.column);
    if (isInside() && cursor.peek() === "\t") {
      const problem = "found a tab character where an indentation space is expected";
      throw new YamlFault(problem, "scanner", cursor.mark);
    }
    if (!cursor.isBreak()) {
      break;
    }
    cursor.need(2);
    breaks += cursor.takeBreak();
    end = cursor.mark;
  }
  return { indent: known === 0 ? Math.max(deepest, parentIndent + 1, 1) : known, breaks, end };
}

/** Blanks and line breaks inside a flow scalar: one break is a blank, of more the first is dropped. */
class Fold {
  #blanks = "";
  #first = "";
  #more = "";
  isBroken = false;

  /** Passes one blank or line break. */
  add(cursor: GoYamlCursor): void {
    if (cursor.isBlank()) {
      const blank = cursor.take();
      this.#blanks += this.isBroken ? "" : blank;
    } else {
      cursor.need(2);
      const lineBreak = cursor.takeBreak();
      if (this.isBroken) {
        this.#more += lineBreak;
      } else {
        this.#blanks = "";
        this.#first = lineBreak;
        this.isBroken = true;
      }
    }
    cursor.need(1);
  }

  /** An escaped line break: what follows is joined without a blank. */
  join(): void {
    this.isBroken = true;
  }

  /** What all that was added comes to; then it starts anew. */
  take(): string {
    const isFolded = this.#first === "\n" && this.#more !== "";
    const broken = this.#first === "\n" && this.#more === "" ? " " : (isFolded ? "" : this.#first) + this.#more;
    const taken = this.isBroken ? broken : this.#blanks;
    this.#blanks = "";
    this.#first = "";
    this.#more = "";
    this.isBroken = false;
    return taken;
  }
}
