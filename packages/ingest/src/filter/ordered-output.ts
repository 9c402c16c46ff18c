import { writeWhole } from "../state/write-whole.ts";

const NEXT = 0;
const DUE = 1;
/** Of the memory that the threads share. */
export const TURNS_BYTES = 16;
/** A thread that holds more than this waits for its turn: others may be slower for a while, not for good. */
const MOST_HELD_BYTES = 8 * 1024 * 1024;

interface Piece {
  readonly number: number;
  /** What is held of it is `bytes[0, length)`. */
  bytes: Buffer;
  length: number;
  isComplete: boolean;
  /** What it leaves to the next one, by what was left to it. */
  leaves?: ((left: number) => number) | undefined;
}

/**
 * What one of several threads has to say in one output: pieces are numbered, and come out in the order of their numbers. A thread takes
 * the next number, and hands over what it has for it; what comes before its turn is held, what comes after goes straight out. It need not
 * wait for its turn before it takes another number: two threads that did so took as long for each pair of pieces as the slower one.
 */
export class OrderedOutput {
  readonly #descriptor: number;
  readonly #turns: Int32Array<SharedArrayBuffer>;
  readonly #left: BigInt64Array<SharedArrayBuffer>;
  readonly #mayBlock: boolean;
  /** Those that are not written yet, in order; only the last one may be incomplete. */
  readonly #pieces: Piece[] = [];
  #heldBytes = 0;
  /** Buffers of pieces that are written. */
  readonly #spare: Buffer[] = [];

  /**
   * `shared`: {@link TURNS_BYTES} that all threads of the output share, zero at first. A thread that `mayBlock` waits for its turn without
   * hearing of anything else meanwhile.
   */
  constructor(descriptor: number, shared: SharedArrayBuffer, mayBlock: boolean) {
    this.#mayBlock = mayBlock;
    this.#descriptor = descriptor;
    this.#turns = new Int32Array(shared, 0, 2);
    this.#left = new BigInt64Array(shared, 8, 1);
  }

  /** Takes the number of the next piece. The one before must be complete. */
  begin(): number {
    const number = Atomics.add(this.#turns, NEXT, 1);
    const bytes = this.#spare.pop() ?? Buffer.allocUnsafeSlow(0);
    this.#pieces.push({ number, bytes, length: 0, isComplete: false });
    return number;
  }

  /** Hands over what follows of the piece; its memory may be used again. */
  add(runs: readonly Uint8Array[]): void {
    const isDue = this.#isDue();
    for (const run of runs) {
      if (isDue) {
        writeWhole(this.#descriptor, run);
      } else {
        this.#hold(run);
      }
    }
  }

  /** Waits until it is this piece's turn: from then on nothing of it is held. */
  async waitForTurn(): Promise<void> {
    while (!this.#isDue()) {
      await this.#waitForOthers();
    }
  }

  /** The number that the piece before has left to this one; to be asked for when it is this one's turn. */
  get left(): number {
    return Number(Atomics.load(this.#left, 0));
  }

  /**
   * The piece is complete: once it is written it is the next one's turn. Waits only while too much is held. `leaves` says what it leaves to
   * the next one, by what was left to it; the same without it.
   */
  async end(leaves?: (left: number) => number): Promise<void> {
    const piece = this.#pieces.at(-1);
    if (piece !== undefined) {
      piece.isComplete = true;
      piece.leaves = leaves;
    }
    this.#writeDue();
    while (this.#heldBytes > MOST_HELD_BYTES) {
      await this.#waitForOthers();
      this.#writeDue();
    }
  }

  /** No piece follows: waits until all complete ones are written. */
  async finish(): Promise<void> {
    this.#writeDue();
    while (this.#pieces[0]?.isComplete === true) {
      await this.#waitForOthers();
      this.#writeDue();
    }
  }

  /** Whether it is the turn of the piece in hand; then nothing is held any more. */
  #isDue(): boolean {
    this.#writeDue();
    const first = this.#pieces[0];
    return first !== undefined && !first.isComplete && first.number === this.#due();
  }

  #due(): number {
    return Atomics.load(this.#turns, DUE);
  }

  /** Writes what is held of the pieces whose turn has come. */
  #writeDue(): void {
    for (let first = this.#pieces[0]; first !== undefined && first.number === this.#due(); first = this.#pieces[0]) {
      writeWhole(this.#descriptor, first.bytes.subarray(0, first.length));
      this.#heldBytes -= first.length;
      first.length = 0;
      if (!first.isComplete) {
        return;
      }
      this.#pieces.shift();
      this.#spare.push(first.bytes);
      if (first.leaves !== undefined) {
        Atomics.store(this.#left, 0, BigInt(first.leaves(this.left)));
      }
      Atomics.store(this.#turns, DUE, first.number + 1);
      Atomics.notify(this.#turns, DUE);
    }
  }

  /** Waits until another piece is due than the one that was so last, unless that is one of this thread. */
  async #waitForOthers(): Promise<void> {
    const due = this.#due();
    if (due === this.#pieces[0]?.number) {
      return;
    }
    if (this.#mayBlock) {
      Atomics.wait(this.#turns, DUE, due);
    } else {
      await Atomics.waitAsync(this.#turns, DUE, due).value;
    }
  }

  #hold(run: Uint8Array): void {
    const piece = this.#pieces.at(-1) as Piece;
    const length = piece.length + run.length;
    if (length > piece.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * piece.bytes.length, length));
      piece.bytes.copy(grown, 0, 0, piece.length);
      piece.bytes = grown;
    }
    piece.bytes.set(run, piece.length);
    piece.length = length;
    this.#heldBytes += run.length;
  }
}
