import type { LineOutput } from "../envelope/line-output.ts";
import { addRecord } from "../envelope/record.ts";

const FIRST_BYTES = 64 * 1024;

/** Holds the record in hand, up to a limit; a longer one goes out as it comes, as one line, and is not looked into. */
export class RecordCapture {
  readonly #output: LineOutput;
  readonly #limit: number;
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  #isTooLong = false;

  constructor(output: LineOutput, limit: number) {
    this.#output = output;
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#length === 0 && !this.#isTooLong;
  }

  add(bytes: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (!this.#isTooLong && length > this.#limit) {
      this.#output.add(this.#bytes, 0, this.#length);
      this.#length = 0;
      this.#isTooLong = true;
    }
    if (this.#isTooLong) {
      this.#output.add(bytes, start, end);
      return;
    }
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(length, 2 * this.#bytes.length)));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** The record is whole. */
  finish(): void {
    if (this.#isTooLong) {
      this.#output.endLine();
    } else {
      addRecord(this.#output, this.#bytes, 0, this.#length);
    }
    this.#clear();
  }

  /** No more of it will come: what there is becomes a line as it stands. */
  giveUp(): void {
    if (!this.isEmpty) {
      this.#output.addLine(this.#bytes, 0, this.#length);
    }
    this.#clear();
  }

  /** It was no record after all. What of it has gone out already stays a line. */
  forget(): void {
    if (this.#isTooLong) {
      this.#output.endLine();
    }
    this.#clear();
  }

  #clear(): void {
    this.#length = 0;
    this.#isTooLong = false;
  }
}
