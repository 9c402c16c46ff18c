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
  #micros: number | undefined;
  #first: LogLine | undefined;
  /** Hashes of all lines of this time, once there are two. */
  #hashes: Set<string> | undefined;

  /** Whether the line has come before; it is remembered if not. */
  isRepeated(line: LogLine): boolean {
    if (this.#micros !== line.micros) {
      this.#micros = line.micros;
      this.#first = line;
      this.#hashes = undefined;
      return false;
    }
    const hashes = (this.#hashes ??= this.#first === undefined ? new Set() : new Set([hashOf(this.#first)]));
    const hash = hashOf(line);
    if (hashes.has(hash)) {
      return true;
    }
    if (hashes.size < MOST) {
      hashes.add(hash);
    }
    return false;
  }

  snapshot(): DuplicatesSnapshot {
    const first = this.#first === undefined ? [] : [hashOf(this.#first)];
    return { micros: this.#micros, hashes: this.#hashes ?? new Set(first) };
  }

  restore({ micros, hashes }: DuplicatesSnapshot): void {
    this.#micros = micros;
    this.#first = undefined;
    this.#hashes = hashes;
  }
}

/** What {@link Duplicates.restore} goes on from. */
export interface DuplicatesSnapshot {
  readonly micros: number | undefined;
  readonly hashes: Set<string>;
}

/** Of one microsecond: more lines than any apiserver writes in it. */
const MOST = 500_000;

function hashOf({ bytes, start, end }: LogLine): string {
  return createHash("sha256").update(bytes.subarray(start, end)).digest("binary");
}
