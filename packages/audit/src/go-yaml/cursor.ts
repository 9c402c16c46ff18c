import { YamlFault } from "./problem.ts";
import type { Mark } from "./problem.ts";

/** What {@link GoYamlCursor.peek} gives behind the end; a text that holds one is refused before. */
export const END = "\0";

/** go-yaml reads its input in pieces of so many bytes, and looks at all of a piece before it uses any of it. */
const PIECE_BYTES = 512;
const BYTE_ORDER_MARK = "\uFEFF";

/**
 * A place in a text that moves on, and the character classes of YAML 1.1. Reads ahead as go-yaml does: a character
 * that is not allowed is noticed with its whole piece, so before an error in front of it, or not at all.
 *
 * @see https://github.com/yaml/go-yaml/blob/v2/readerc.go
 */
export class GoYamlCursor {
  readonly #characters: readonly string[];
  #index = 0;
  #line = 0;
  #column = 0;
  /** Index behind what has been read in, and the bytes that it is long. */
  #loaded = 0;
  #loadedBytes = 0;
  /** Index of what stands first in go-yaml's buffer. */
  #bufferStart = 0;
  /** NULs put behind the end. */
  #padding = 0;

  constructor(text: string) {
    const hasMark = text.startsWith(BYTE_ORDER_MARK);
    this.#characters = Array.from((hasMark ? text.slice(1) : text).toWellFormed());
    this.#loadedBytes = hasMark ? byteLength(BYTE_ORDER_MARK) : 0;
  }

  get column(): number {
    return this.#column;
  }

  get mark(): Mark {
    return { index: this.#index, line: this.#line, column: this.#column };
  }

  /** Reads on until `length` characters are there or the text ends. */
  need(length: number): void {
    if (this.#loaded + this.#padding - this.#index >= length) {
      return;
    }
    this.#bufferStart = this.#index;
    while (this.#loaded - this.#index < length && this.#loaded < this.#characters.length) {
      this.#load();
    }
    if (this.#loaded === this.#characters.length && this.#loaded - this.#index < length) {
      this.#padding += 1;
    }
  }

  peek(ahead = 0): string {
    return this.#characters[this.#index + ahead] ?? END;
  }

  isEnd(): boolean {
    return this.#index >= this.#characters.length;
  }

  isBlank(ahead = 0): boolean {
    const character = this.peek(ahead);
    return character === " " || character === "\t";
  }

  isBreak(ahead = 0): boolean {
    return isBreak(this.peek(ahead));
  }

  isBreakOrEnd(ahead = 0): boolean {
    const character = this.peek(ahead);
    return character === END || isBreak(character);
  }

  isBlankOrEnd(ahead = 0): boolean {
    return this.isBlank(ahead) || this.isBreakOrEnd(ahead);
  }

  /** Letters, digits, `-` and `_`. */
  isWord(ahead = 0): boolean {
    return /^[\w-]$/.test(this.peek(ahead));
  }

  isDigit(ahead = 0): boolean {
    return /^\d$/.test(this.peek(ahead));
  }

  isHex(ahead = 0): boolean {
    return /^[\dA-Fa-f]$/.test(this.peek(ahead));
  }

  /** `---` or `...` at the start of a line, with nothing glued to it. */
  isDocumentMark(mark: "---" | "..."): boolean {
    return this.#column === 0 && this.peek() + this.peek(1) + this.peek(2) === mark && this.isBlankOrEnd(3);
  }

  /** go-yaml looks for a byte order mark where its buffer begins, wherever it stands itself. */
  isByteOrderMark(): boolean {
    return this.#column === 0 && this.#characters[this.#bufferStart] === BYTE_ORDER_MARK;
  }

  skip(count = 1): void {
    this.#index += count;
    this.#column += count;
  }

  take(): string {
    const character = this.peek();
    this.skip();
    return character;
  }

  /** Passes a line break; gives what it counts for in a scalar. */
  takeBreak(): string {
    const character = this.peek();
    if (!isBreak(character)) {
      return "";
    }
    this.#index += character === "\r" && this.peek(1) === "\n" ? 2 : 1;
    this.#column = 0;
    this.#line += 1;
    return character === "\u2028" || character === "\u2029" ? character : "\n";
  }

  skipBlanks(): void {
    this.need(1);
    while (this.isBlank()) {
      this.skip();
      this.need(1);
    }
  }

  skipComment(): void {
    if (this.peek() === "#") {
      while (!this.isBreakOrEnd()) {
        this.skip();
        this.need(1);
      }
    }
  }

  /** The end of a text is on a line of its own. */
  endLine(): void {
    if (this.#column !== 0) {
      this.#column = 0;
      this.#line += 1;
    }
  }

  #load(): void {
    // The mark at the very start is part of the first piece.
    const limit = (this.#loaded === 0 ? 0 : this.#loadedBytes) + PIECE_BYTES;
    while (this.#loaded < this.#characters.length) {
      const character = this.#characters[this.#loaded] ?? END;
      const bytes = byteLength(character);
      if (this.#loadedBytes + bytes > limit) {
        return;
      }
      if (isForbidden(character)) {
        throw new YamlFault("control characters are not allowed");
      }
      this.#loaded += 1;
      this.#loadedBytes += bytes;
    }
  }
}

function isBreak(character: string): boolean {
  switch (character) {
    case "\n":
    case "\r":
    case "\u0085":
    case "\u2028":
    case "\u2029":
      return true;
    default:
      return false;
  }
}

/** What is not printable in YAML 1.1. */
function isForbidden(character: string): boolean {
  if (character >= " " && character <= "~") {
    return false;
  }
  if (character === "\t" || character === "\u0085") {
    return false;
  }
  return (character < "\u00A0" && !isBreak(character)) || character === "\uFFFE" || character === "\uFFFF";
}

function byteLength(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
