import type * as Crypto from "node:crypto";
import type { Hash } from "node:crypto";
import { createRequire } from "node:module";

/** Of a line over the limit so many bytes are kept. */
export const HEAD_BYTES: number = 64 * 1024;

/** A line longer than the limit: its first bytes, and what identifies the rest. */
export interface OversizeLine {
  /** Where the line starts in the input. */
  readonly offset: number;
  /** Length of the line in bytes, without its newline. */
  readonly bytes: number;
  /** SHA-256 over the whole line, hex. */
  readonly sha256: string;
  /** The first 64 KiB of the line: enough for every field that stands before the bodies. */
  readonly head: Buffer;
  /** False for a rest at the end of the input. */
  readonly terminated: boolean;
}

/** A line over the limit, as its bytes pass. */
export class LongLine {
  readonly #hash: Hash;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #bytes = 0;
  /** Nothing but NUL so far, as a crash or copytruncate leaves it. */
  isNul = true;

  constructor() {
    // Loaded for the first long line only: it takes longer than all else that a short log needs.
    const { createHash } = createRequire(import.meta.url)("node:crypto") as typeof Crypto;
    this.#hash = createHash("sha256");
  }

  add(bytes: Buffer, start: number, end: number): void {
    this.isNul &&= behindNul(bytes, start, end) === end;
    this.#hash.update(bytes.subarray(start, end));
    if (this.#bytes < HEAD_BYTES) {
      bytes.copy(this.#head, this.#bytes, start, end);
    }
    this.#bytes += end - start;
  }

  end(offset: number, terminated: boolean): OversizeLine {
    const bytes = this.#bytes;
    const head = this.#head.subarray(0, Math.min(HEAD_BYTES, bytes));
    return { offset, bytes, sha256: this.#hash.digest("hex"), head, terminated };
  }
}

/** The first byte that is not NUL; `end` where there is none. */
export function behindNul(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] === 0) {
    at++;
  }
  return at;
}
