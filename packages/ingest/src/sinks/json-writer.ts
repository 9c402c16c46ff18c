const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const CLOSE_LIST = 93;
const CLOSE_OBJECT = 125;
/** Below this a loop is cheaper than the call of a native copy. */
const SHORT = 100;

/** What must stand behind a backslash for a byte of JSON that stands inside a string; 0 for what stands for itself. */
const ESCAPES: Uint8Array = new Uint8Array(256);
ESCAPES[QUOTE] = QUOTE;
ESCAPES[BACKSLASH] = BACKSLASH;
ESCAPES[9] = 116;
ESCAPES[10] = 110;
ESCAPES[13] = 114;

/**
 * Writes JSON as bytes, one text behind the other. Members and elements are each written with a comma behind them; of the last
 * comma becomes the closing bracket.
 *
 * @example
 * const out = new JsonWriter(64);
 * const start = out.open(Buffer.from("{"));
 * out.raw(Buffer.from('"a":1,'));
 * out.closeObject(start);
 * assert.equal(out.text(), '{"a":1},');
 */
export class JsonWriter {
  /** What is written is `bytes[0, length)`; another buffer when it grew. */
  bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Writes `from[start, end)` as it is. */
  raw(from: Uint8Array, start = 0, end: number = from.length): void {
    const size = end - start;
    this.#reserve(size);
    const { bytes } = this;
    let to = this.length;
    this.length = to + size;
    if (size > SHORT) {
      bytes.set(from.subarray(start, end), to);
      return;
    }
    for (let at = start; at < end; at++) {
      bytes[to++] = from[at] as number;
    }
  }

  /** Writes the well-formed JSON in `from[start, end)` as one string: quoted and escaped. */
  quoted(from: Uint8Array, start = 0, end: number = from.length): void {
    this.#reserve(2 * (end - start) + 2);
    const { bytes } = this;
    let to = this.length;
    bytes[to++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = from[at] as number;
      const escape = ESCAPES[byte] as number;
      if (escape === 0) {
        bytes[to++] = byte;
      } else {
        bytes[to++] = BACKSLASH;
        bytes[to++] = escape;
      }
    }
    bytes[to++] = QUOTE;
    this.length = to;
  }

  /** Writes what stands behind a member or an element. */
  comma(): void {
    this.#reserve(1);
    this.bytes[this.length++] = COMMA;
  }

  /** Writes `text` in UTF-8. */
  utf8(text: string): void {
    this.#reserve(3 * text.length);
    this.length += this.bytes.write(text, this.length, "utf8");
  }

  /** Begins an object or a list by `head`, which ends with its bracket. The answer is for its end. */
  open(head: Uint8Array): number {
    const start = this.length;
    this.raw(head);
    return start;
  }

  /** Ends the object begun at `start`, with a comma behind it; takes it back when nothing stands in it. */
  closeObject(start: number): void {
    this.#close(start, CLOSE_OBJECT);
  }

  /** Ends the list begun at `start`, with a comma behind it; takes it back when nothing stands in it. */
  closeList(start: number): void {
    this.#close(start, CLOSE_LIST);
  }

  /** A copy of what was written since `start`, as text. */
  text(start = 0): string {
    return this.bytes.toString("utf8", start, this.length);
  }

  #close(start: number, bracket: number): void {
    const last = this.length - 1;
    if (this.bytes[last] !== COMMA) {
      this.length = start;
      return;
    }
    this.#reserve(1);
    this.bytes[last] = bracket;
    this.bytes[this.length++] = COMMA;
  }

  #reserve(more: number): void {
    const least = this.length + more;
    if (least > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(least, 2 * this.bytes.length));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
  }
}
