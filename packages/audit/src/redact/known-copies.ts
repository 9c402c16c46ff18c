import type { Edit } from "../splice.ts";
import { sharedEngine } from "../scan-wasm/engine.ts";
import type { Span } from "./mapped-text.ts";

// assembly/memory.ts
const FOUND = 0x1a3_1000;
const MOST_FOUND = 256;

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

  /** What is to be replaced in the event in `[start, end)` of the engine's memory, counted from `start`, if that is known copies and nothing else. */
  edits(start: number, end: number, substitute: (span: Span) => Uint8Array): readonly Edit[] | undefined {
    const count = this.#engine.exports.findCopies(start, end);
    if (count === -1) {
      return undefined;
    }
    const found = this.#found;
    const edits: Edit[] = [];
    for (let at = 0; at < 3 * count; at += 3) {
      const span = { start: found[at] as number, end: found[at + 1] as number };
      const by = (this.#by[found[at + 2] as number] ??= substitute(span));
      if (by.length > 0) {
        edits.push({ ...span, by });
      }
    }
    return edits;
  }
}
