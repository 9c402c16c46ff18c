import type { LineOutput } from "../envelope/line-output.ts";
import { addRecord, addTornRecord } from "../envelope/add-record.ts";

const FIRST_BYTES = 64 * 1024;
/** A torn line is noticed one or two lines later, and what is read twice must not be much. */
const MOST_LINES = 32;
const LINE_END = Buffer.from("\n");

/** Holds the record in hand, up to a limit; a longer one goes out as it comes, as one line, and is not looked into. */
export class RecordCapture {
  readonly #output: LineOutput;
  readonly #limit: number;
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  #isTooLong = false;
  /** Where further lines begin in it. */
  readonly #lines: number[] = [];

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

  /** What is added next has begun a line of the input. */
  markLine(): void {
    if (this.#lines.length <= MOST_LINES) {
      this.#lines.push(this.#length);
    }
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

  /**
   * No more of it will come: what there is becomes a line as it stands. Where it goes over lines that were marked, only the first one does,
   * and the others are given back, each with a newline but for the last one, which has one if it `isComplete`.
   */
  giveUp(isComplete: boolean): Buffer | undefined {
    const [first = this.#length, ...further] = this.#lines;
    const isOne = this.#isTooLong || first === this.#length || this.#lines.length > MOST_LINES;
    if (!this.isEmpty) {
      addTornRecord(this.#output, this.#bytes, 0, isOne ? this.#length : first);
    }
    const lines = isOne ? undefined : this.#linesOf([first, ...further, this.#length], isComplete);
    this.#clear();
    return lines;
  }

  #linesOf(places: readonly number[], isComplete: boolean): Buffer {
    const lines = places.slice(1).map((end, i) => this.#bytes.subarray(places[i], end));
    return Buffer.concat([
      ...lines.slice(0, -1).flatMap((line) => [line, LINE_END]),
      ...lines.slice(-1),
      ...(isComplete ? [LINE_END] : []),
    ]);
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
    this.#lines.length = 0;
  }
}
