import { sharedEngine } from "../scan-wasm/engine.ts";
import type { Span } from "./mapped-text.ts";

// assembly/memory.ts
const FOUND = 0x1a3_1000;
const MOST_FOUND = 256;

/** A string that is replaced as a whole, and its number where it is a copy that is known. */
export interface Secret extends Span {
  readonly copy?: number;
}

const NOTHING: readonly Secret[] = [];

/**
 * Knows copies of objects again, as clients keep them in annotations: the engine has their bytes (1 MiB at most), this what they are
 * replaced by. A copy comes again with every event of its object, so that a line in which nothing else was found is not searched any closer.
 */
export class KnownCopies {
  readonly #engine = sharedEngine();
  readonly #found = new Int32Array(this.#engine.memory.buffer, FOUND, 3 * MOST_FOUND);
  #by: (Uint8Array | undefined)[] = [];

  /** To be called where another one may have had the engine's memory. */
  forget(): void {
    this.#engine.exports.forgetCopies();
    this.#by = [];
  }

  /** Remembers the copy with a suspect at this place of the engine's memory, which was found last, in an event that ends at `end`. */
  learn(place: number, end: number): void {
    if (!this.#engine.exports.learnCopy(place, end)) {
      this.forget();
    }
  }

  /** The values in the event in `[start, end)` of the engine's memory, counted from `start`, if all that is suspect in it is in known copies. */
  find(start: number, end: number): readonly Secret[] | undefined {
    const count = this.#engine.exports.findCopies(start, end);
    if (count <= 0) {
      return count === 0 ? NOTHING : undefined;
    }
    const found = this.#found;
    const secrets: Secret[] = [];
    for (let at = 0; at < 3 * count; at += 3) {
      secrets.push({ start: found[at] as number, end: found[at + 1] as number, copy: found[at + 2] as number });
    }
    return secrets;
  }

  /** What is put in the place of the copy of this number: what `substitute` gave the first time. */
  substitute(copy: number, substitute: () => Uint8Array): Uint8Array {
    return (this.#by[copy] ??= substitute());
  }
}
