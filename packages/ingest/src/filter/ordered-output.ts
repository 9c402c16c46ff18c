import { writeWhole } from "../state/write-whole.ts";

const NEXT = 0;
const DUE = 1;
/** Of the memory that the threads share. */
export const TURNS_BYTES = 8;

/**
 * What one of several threads has to say in one output: pieces are numbered, and come out in the order of their numbers. A thread takes
 * the next number, and hands over what it has for it; what comes before its turn is held, what comes after goes straight out.
 */
export class OrderedOutput {
  readonly #descriptor: number;
  readonly #turns: Int32Array<SharedArrayBuffer>;
  readonly #mayBlock: boolean;
  #held: Buffer = Buffer.allocUnsafeSlow(0);
  #length = 0;
  #piece = -1;

  /**
   * `shared`: {@link TURNS_BYTES} that all threads of the output share, zero at first. A thread that `mayBlock` waits for its turn without
   * hearing of anything else meanwhile.
   */
  constructor(descriptor: number, shared: SharedArrayBuffer, mayBlock: boolean) {
    this.#mayBlock = mayBlock;
    this.#descriptor = descriptor;
    this.#turns = new Int32Array(shared);
  }

  /** Takes the number of the next piece. */
  begin(): number {
    this.#piece = Atomics.add(this.#turns, NEXT, 1);
    return this.#piece;
  }

  /** Hands over what follows of the piece; its memory may be used again. */
  add(runs: readonly Uint8Array[]): void {
    if (this.#isDue()) {
      this.#writeHeld();
      for (const run of runs) {
        writeWhole(this.#descriptor, run);
      }
    } else {
      for (const run of runs) {
        this.#hold(run);
      }
    }
  }

  /** Waits until it is this piece's turn: from then on nothing of it is held. */
  async waitForTurn(): Promise<void> {
    for (let due = this.#due(); due !== this.#piece; due = this.#due()) {
      if (this.#mayBlock) {
        Atomics.wait(this.#turns, DUE, due);
      } else {
        await Atomics.waitAsync(this.#turns, DUE, due).value;
      }
    }
    this.#writeHeld();
  }

  /** The piece is complete: it is the next one's turn. */
  async end(): Promise<void> {
    await this.waitForTurn();
    Atomics.store(this.#turns, DUE, this.#piece + 1);
    Atomics.notify(this.#turns, DUE);
  }

  #due(): number {
    return Atomics.load(this.#turns, DUE);
  }

  #isDue(): boolean {
    return this.#due() === this.#piece;
  }

  #writeHeld(): void {
    writeWhole(this.#descriptor, this.#held.subarray(0, this.#length));
    this.#length = 0;
  }

  #hold(run: Uint8Array): void {
    const length = this.#length + run.length;
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#held.length, length));
      this.#held.copy(grown, 0, 0, this.#length);
      this.#held = grown;
    }
    this.#held.set(run, this.#length);
    this.#length = length;
  }
}
