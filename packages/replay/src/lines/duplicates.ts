import { createHash } from "node:crypto";
import { hold, letGo } from "./line-memory.ts";
import type { LogLine } from "./log-line.ts";

/**
 * Tells lines that have come before, byte for byte. In order of time only the lines of one time need to be remembered: nearly always
 * there is one, and few are compared as they are.
 *
 * @example
 * const seen = new Duplicates();
 * const line = { micros: 1, log: 0, offset: 0, bytes: Buffer.from("{}"), start: 0, end: 2 };
 * assert.equal(seen.isRepeated(line), false);
 * assert.equal(seen.isRepeated({ ...line, log: 1 }), true);
 */
export class Duplicates {
  #micros: number | undefined;
  /** Lines of this time, as long as they are few. */
  #few: LogLine[] = [];
  /** Hashes of all lines of this time, once they are many. */
  #hashes: Set<string> | undefined;

  /** Whether the line has come before; it is remembered if not. */
  isRepeated(line: LogLine): boolean {
    if (this.#micros !== line.micros) {
      this.#micros = line.micros;
      this.#hashes = undefined;
      this.#forgetFew();
      this.#keep(line);
      return false;
    }
    if (this.#hashes === undefined) {
      if (this.#few.some((known) => isSame(known, line))) {
        return true;
      }
      if (this.#few.length < FEW) {
        this.#keep(line);
        return false;
      }
      this.#hashes = new Set(this.#few.map(hashOf));
      this.#forgetFew();
    }
    const hash = hashOf(line);
    if (this.#hashes.has(hash)) {
      return true;
    }
    if (this.#hashes.size < MOST) {
      this.#hashes.add(hash);
    }
    return false;
  }

  /** True if it is told at once that the line has come before; it is not remembered, and false says nothing. */
  isSurelyRepeated(line: LogLine): boolean {
    return this.#micros === line.micros && this.#few.some((known) => isSame(known, line));
  }

  snapshot(): DuplicatesSnapshot {
    return { micros: this.#micros, hashes: this.#hashes ?? new Set(this.#few.map(hashOf)) };
  }

  restore({ micros, hashes }: DuplicatesSnapshot): void {
    this.#micros = micros;
    this.#forgetFew();
    this.#hashes = hashes;
  }

  #keep(line: LogLine): void {
    hold(line);
    this.#few.push(line);
  }

  #forgetFew(): void {
    this.#few.forEach(letGo);
    this.#few.length = 0;
  }
}

/** What {@link Duplicates.restore} goes on from. */
export interface DuplicatesSnapshot {
  readonly micros: number | undefined;
  readonly hashes: Set<string>;
}

const FEW = 8;
/** Of one microsecond: more lines than any apiserver writes in it. */
const MOST = 500_000;

function isSame(a: LogLine, b: LogLine): boolean {
  return a.end - a.start === b.end - b.start && a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end) === 0;
}

function hashOf({ bytes, start, end }: LogLine): string {
  return createHash("sha256").update(bytes.subarray(start, end)).digest("binary");
}
