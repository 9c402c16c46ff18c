/** Bytes of a piece: two of the chunks that logs are read in. */
const PIECE_BYTES = 1024 * 1024;
/** Pieces kept for later; a merge holds more of them only while its logs are far out of order, or another thread is far behind. */
const MOST_FREE = 104;

/** A part of a {@link LineMemory}, with the lines that stand in it. */
export interface MemoryPiece {
  readonly bytes: Buffer;
  /** Lines that are not let go. */
  lines: number;
  readonly of: LineMemory;
}

/**
 * Copies of lines in memory that is used again once they are let go: fresh memory for every chunk of a log makes the garbage
 * collector walk the whole heap several times a second.
 */
export class LineMemory {
  readonly #isShared: boolean;
  readonly #free: MemoryPiece[] = [];
  #piece: MemoryPiece | undefined;
  #used = 0;

  /** `isShared`: in memory that another thread can see, too. */
  constructor({ isShared = false }: { readonly isShared?: boolean } = {}) {
    this.#isShared = isShared;
  }

  /** Copies whole lines. `start` is where they stand in the piece; undefined where they are too many for one. */
  copy(bytes: Buffer, from: number, to: number): { readonly piece: MemoryPiece; readonly start: number } | undefined {
    const length = to - from;
    if (length > PIECE_BYTES) {
      return undefined;
    }
    let piece = this.#piece;
    if (piece === undefined || this.#used + length > PIECE_BYTES) {
      const full = piece;
      piece = this.#free.pop() ?? { bytes: this.#allocate(), lines: 0, of: this };
      this.#piece = piece;
      this.#used = 0;
      if (full !== undefined) {
        this.free(full);
      }
    }
    const start = this.#used;
    bytes.copy(piece.bytes, start, from, to);
    this.#used += length;
    return { piece, start };
  }

  /** To be called when the last line of a piece was let go. */
  free(piece: MemoryPiece): void {
    if (piece.lines === 0 && piece !== this.#piece && this.#free.length < MOST_FREE) {
      this.#free.push(piece);
    }
  }

  #allocate(): Buffer {
    return this.#isShared ? Buffer.from(new SharedArrayBuffer(PIECE_BYTES)) : Buffer.allocUnsafeSlow(PIECE_BYTES);
  }
}

/** What may stand in a piece. */
interface Holding {
  readonly piece?: MemoryPiece | undefined;
}

/** Keeps the bytes of a line beyond the batch that it came in. */
export function hold({ piece }: Holding): void {
  if (piece !== undefined) {
    piece.lines++;
  }
}

/** The line is needed no more: its bytes may become those of another. */
export function letGo({ piece }: Holding): void {
  if (piece !== undefined && --piece.lines === 0) {
    piece.of.free(piece);
  }
}
