import { byteOrderMarkBytes } from "../recognise.ts";
import { ValueWalk } from "./value-walk.ts";

const NEWLINE = 10;
const FIRST_BYTES = 64 * 1024;
const NOTHING = (): void => undefined;

/** Gathers lines, from one with which a document begins that goes on behind it, until it is known whether it is one. */
export class DocumentJoint {
  /** Where its first line begins in the input. */
  readonly offset: number;
  readonly #limit: number;
  readonly #walk = new ValueWalk();
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  /** `none`: a line does not go on with the one before; `long`: they do, but are too long to be held. */
  state: "open" | "whole" | "none" | "long" = "open";

  constructor(offset: number, limit: number) {
    this.offset = offset;
    this.#limit = limit;
    this.#walk.begin();
  }

  /** What was gathered: whole lines, but for the last one where the input or the document has broken off. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes bytes until the state changes; gives where what is not gathered begins. */
  write(chunk: Buffer, from: number): number {
    let at = from;
    if (!this.#walk.isDone) {
      const mark = this.#length === 0 ? byteOrderMarkBytes(chunk, from, chunk.length) : 0;
      at = this.#walk.walk(chunk, from + mark, NOTHING, NOTHING);
      if (this.#walk.torn !== undefined) {
        this.state = "none";
        // A line break inside a string ends a line all the same.
        return this.#take(chunk, from, this.#walk.torn === "in-string" ? at + 1 : at);
      }
    }
    if (!this.#walk.isDone) {
      return this.#take(chunk, from, chunk.length);
    }
    const newline = chunk.indexOf(NEWLINE, at);
    this.state = newline === -1 ? this.state : "whole";
    return this.#take(chunk, from, newline === -1 ? chunk.length : newline + 1);
  }

  /** The input has ended, which ends the last line. */
  end(): void {
    this.state = this.#walk.isDone && this.state === "open" ? "whole" : this.state;
  }

  #take(chunk: Buffer, from: number, to: number): number {
    const length = this.#length + to - from;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.#length, from, to);
    this.#length = length;
    if (length > this.#limit && this.state !== "none") {
      this.state = "long";
    }
    return to;
  }
}
