import { writeWhole } from "../state/write-whole.ts";

const NEXT = 0;
const DUE = 1;
/** How many threads wait: each notice takes a lock that all threads of the process share. */
const WAITING = 2;
const LEFT_AT = 16;
/** Of the memory that the threads share. */
export const TURNS_BYTES = 24;
/** A thread that holds more than this waits for its turn: others may be slower for a while, not for good. */
const MOST_HELD_BYTES = 8 * 1024 * 1024;

/** Held bytes are copied into buffers of so many, which are used again: larger ones of the length that is needed cost more than the copy. */
const BLOCK_BYTES = 256 * 1024;

interface Piece {
  readonly number: number;
  /** What is held of it: full blocks, but for the last one. */
  readonly blocks: Buffer[];
  /** Bytes of the last block. */
  filled: number;
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
  /** Blocks of pieces that are written. */
  readonly #spare: Buffer[] = [];

  /**
   * `shared`: {@link TURNS_BYTES} that all threads of the output share, zero at first. A thread that `mayBlock` waits for its turn without
   * hearing of anything else meanwhile.
   */
  constructor(descriptor: number, shared: SharedArrayBuffer, mayBlock: boolean) {
    this.#mayBlock = mayBlock;
    this.#descriptor = descriptor;
    this.#turns = new Int32Array(shared, 0, 3);
    this.#left = new BigInt64Array(shared, LEFT_AT, 1);
  }

  /** Takes the number of the next piece. The one before must be complete. */
  begin(): number {
    const number = Atomics.add(this.#turns, NEXT, 1);
    this.#pieces.push({ number, blocks: [], filled: BLOCK_BYTES, isComplete: false });
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
      this.#writeHeld(first);
      if (!first.isComplete) {
        return;
      }
      this.#pieces.shift();
      if (first.leaves !== undefined) {
        Atomics.store(this.#left, 0, BigInt(first.leaves(this.left)));
      }
      Atomics.store(this.#turns, DUE, first.number + 1);
      if (Atomics.load(this.#turns, WAITING) > 0) {
        Atomics.notify(this.#turns, DUE);
      }
    }
  }

  /** Waits until another piece is due than the one that was so last, unless that is one of this thread. */
  async #waitForOthers(): Promise<void> {
    const due = this.#due();
    if (due === this.#pieces[0]?.number) {
      return;
    }
    Atomics.add(this.#turns, WAITING, 1);
    if (this.#mayBlock) {
      Atomics.wait(this.#turns, DUE, due);
    } else {
      await Atomics.waitAsync(this.#turns, DUE, due).value;
    }
    Atomics.sub(this.#turns, WAITING, 1);
  }

  #writeHeld(piece: Piece): void {
    for (let block = piece.blocks.shift(); block !== undefined; block = piece.blocks.shift()) {
      const length = piece.blocks.length > 0 ? BLOCK_BYTES : piece.filled;
      writeWhole(this.#descriptor, block.subarray(0, length));
      this.#heldBytes -= length;
      this.#spare.push(block);
    }
    piece.filled = BLOCK_BYTES;
  }

  #hold(run: Uint8Array): void {
    const piece = this.#pieces.at(-1) as Piece;
    for (let at = 0; at < run.length;) {
      if (piece.filled === BLOCK_BYTES) {
        piece.blocks.push(this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES));
        piece.filled = 0;
      }
      const part = run.subarray(at, at + BLOCK_BYTES - piece.filled);
      piece.blocks.at(-1)?.set(part, piece.filled);
      piece.filled += part.length;
      at += part.length;
    }
    this.#heldBytes += run.length;
  }
}
