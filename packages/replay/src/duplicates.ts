import { createHash } from "node:crypto";
import type { LogLine } from "./log-line.ts";

/**
 * Tells lines that have come before, byte for byte. In order of time only the lines of one time need to be remembered.
 *
 * @example
 * const seen = new Duplicates();
 * const line = { micros: 1, log: 0, offset: 0, bytes: Buffer.from("{}"), start: 0, end: 2 };
 * assert.equal(seen.isRepeated(line), false);
 * assert.equal(seen.isRepeated({ ...line, log: 1 }), true);
 */
export class Duplicates {
  #first: LogLine | undefined;
  /** Hashes of all lines of this time, once there are two. */
  #hashes: Set<string> | undefined;

  /** Whether the line has come before; it is remembered if not. */
  isRepeated(line: LogLine): boolean {
    const first = this.#first;
    if (first === undefined || first.micros !== line.micros) {
      this.#first = line;
      this.#hashes = undefined;
      return false;
    }
    this.#hashes ??= new Set([hashOf(first)]);
    const before = this.#hashes.size;
    return this.#hashes.add(hashOf(line)).size === before;
  }
}

function hashOf({ bytes, start, end }: LogLine): string {
  return createHash("sha256").update(bytes.subarray(start, end)).digest("base64");
}
