import { fstatSync, readSync } from "node:fs";
import { IngestError } from "../errors.ts";

/** So many first bytes tell one log from another: the first event's id stands in them. */
const HEAD_BYTES = 512;

/** Tells of a file that is read whether it has stayed what it was: logs are written to at their ends alone. */
export class WhileRead {
  readonly #path: string;
  readonly #from: number;
  #head: Buffer | undefined;

  /** Of a file that is read from an offset on. */
  constructor(path: string, from = 0) {
    this.#path = path;
    this.#from = from;
  }

  /** Takes what is read: the first of it counts. */
  add(chunk: Buffer): void {
    this.#head ??= Buffer.from(chunk.subarray(0, HEAD_BYTES));
  }

  /** What is wrong with it, at its end, behind so many bytes of it; undefined where nothing is. */
  failure(descriptor: number, read: number): IngestError | undefined {
    const { size } = fstatSync(descriptor);
    if (size < read) {
      return this.#failure(`it was cut to ${size} bytes while it was read, after ${read} bytes`);
    }
    const { length } = this.#head ?? { length: 0 };
    const now = Buffer.alloc(length);
    readSync(descriptor, now, 0, length, this.#from);
    return this.#head?.equals(now) === false
      ? this.#failure(`it was emptied and written anew while it was read, within its first ${read} bytes`)
      : undefined;
  }

  #failure(what: string): IngestError {
    return new IngestError("unreadable", `Cannot read "${this.#path}" to its end: ${what}`, {
      path: this.#path,
      hint: "copytruncate or a new start empties a log under its reader: copy it first, or read the copy that it left",
    });
  }
}
