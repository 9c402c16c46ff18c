import type { LinePlaces } from "./line-places.ts";

const NEWLINE = 10;
const FIRST_BYTES = 64 * 1024;

/**
 * Gathers the lines that one write gave into one buffer. What {@link LineOutput.take} gave is valid until the next write: the
 * memory is used again.
 */
export class LineOutput {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  /** Bytes that were taken. */
  #taken = 0;
  readonly #places: LinePlaces | undefined;

  /** `places`: told of where in the input what is added stands. */
  constructor(places?: LinePlaces) {
    this.#places = places;
  }

  /** What is added next begins `at` in the input. */
  begin(at: number): void {
    this.#places?.add(this.#taken + this.#length, at);
  }

  /** Adds bytes as they stand. */
  add(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      this.#grow(length);
    }
    this.#bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** Adds one line, with its newline. */
  addLine(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.add(bytes, start, end);
    this.endLine();
  }

  endLine(): void {
    if (this.#length === this.#bytes.length) {
      this.#grow(this.#length + 1);
    }
    this.#bytes[this.#length++] = NEWLINE;
  }

  /** What was added since the last time. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#taken += this.#length;
    this.#length = 0;
    return taken;
  }

  #grow(length: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
