const SLAB_BYTES = 256 * 1024;
/** Longer lines have memory of their own. */
const MOST_BYTES = SLAB_BYTES / 8;

/**
 * Copies of lines that live about as long as each other, many in one piece of memory: a buffer of its own for each costs more than
 * copying it. A copy that outlives the others keeps the whole piece: do not use it for what is held.
 */
export class LineSlab {
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;

  copy(line: Uint8Array): Buffer {
    if (line.length > MOST_BYTES) {
      return Buffer.from(line);
    }
    if (this.#used + line.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const copy = this.#slab.subarray(this.#used, this.#used + line.length);
    copy.set(line);
    this.#used += line.length;
    return copy;
  }
}
