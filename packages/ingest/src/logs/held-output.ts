/** Where another part may begin and this one goes on for so long, it does not. */
const MOST_COMPRESSED_BYTES = 1024 * 1024;
const MOST_HELD_BYTES = 16 * 1024 * 1024;

/** Whether what an engine first gives behind a place proves that nothing else begins there. */
export type Refutes = (output: Buffer) => boolean;

/** What an engine gives behind a place where another part of the archive may begin: it may be made of that one's bytes, and nonsense. */
export class HeldOutput {
  #offset: number | undefined;
  /** What was given before is sure. */
  #made = 0;
  #taken = 0;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #sure: Buffer[] = [];
  #refutes: Refutes | undefined;
  #isProven = false;

  /** Where in the archive the other part may begin; undefined where nothing is in doubt. */
  get offset(): number | undefined {
    return this.#offset;
  }

  /** Whether a log that is not packed begins there, for certain: what the engine gives behind it is nonsense. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /**
   * Another part may begin at that offset of the archive, behind which so many bytes had been given; or a log that is not packed, which the
   * first output behind it `refutes` or proves. The first place where one may counts.
   */
  hold(offset: number, made: number, refutes: Refutes | undefined): void {
    if (this.#offset === undefined) {
      this.#offset = offset;
      this.#made = made;
      this.#refutes = refutes;
    }
  }

  /** Takes what comes next, and gives what is sure. */
  take(chunk: Buffer): readonly Buffer[] {
    const isSure = this.#offset === undefined || this.#taken < this.#made;
    this.#taken += chunk.length;
    if (isSure) {
      return [...this.takeSure(), chunk];
    }
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MOST_HELD_BYTES || this.#refutes?.(chunk) === true) {
      this.release();
    } else {
      this.#isProven = this.#refutes !== undefined;
    }
    return this.takeSure();
  }

  /** The engine has come to that offset of the archive without meeting anything wrong. */
  expire(offset: number): void {
    if (this.#offset !== undefined && offset - this.#offset > MOST_COMPRESSED_BYTES) {
      this.release();
    }
  }

  /** No other part begins there. */
  release(): void {
    this.#sure.push(...this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#offset = undefined;
  }

  /** What has become sure. */
  takeSure(): readonly Buffer[] {
    const sure = this.#sure;
    this.#sure = [];
    return sure;
  }
}
