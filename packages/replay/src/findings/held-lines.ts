/** Of one piece of memory. */
const PAGE_BYTES = 256 * 1024;
/** Of what is gathered to be written at once. */
const PIECE_BYTES = 128 * 1024;
const NEWLINE = 10;

/** A line in UTF-8, its newline with it: from and to these bytes of the page. */
export interface HeldLine {
  readonly page: Buffer;
  readonly from: number;
  readonly end: number;
}

/** The line without its newline. */
export function textOf({ page, from, end }: HeldLine): string {
  return page.toString("utf8", from, end - 1);
}

/** The lines one behind another, many at once: each piece holds until the next one is asked for. */
export function* gathered(lines: Iterable<HeldLine>): Generator<Uint8Array, void> {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let used = 0;
  for (const { page, from, end } of lines) {
    if (end - from > PIECE_BYTES - used) {
      yield piece.subarray(0, used);
      used = 0;
    }
    if (end - from > PIECE_BYTES) {
      yield page.subarray(from, end);
    } else {
      used += page.copy(piece, used, from, end);
    }
  }
  yield piece.subarray(0, used);
}

/**
 * Memory for lines that are kept for long: outside of V8's heap, which would copy each of them twice, go through them with all else, and need as
 * much memory again to write them. V8 gives such memory back late, so it is used again.
 */
export class HeldLines {
  readonly #pageBytes: number;
  readonly #pages: Buffer[] = [];
  /** The page in use, and how much of it is. */
  #page = -1;
  #used: number;
  #bytes = 0;

  /** `most`: how many bytes will be held about. */
  constructor(most: number) {
    this.#pageBytes = Math.min(PAGE_BYTES, most);
    this.#used = this.#pageBytes;
  }

  /** How many bytes are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Holds these texts, in which there must be no newline, one behind another as a line. */
  add(pieces: readonly string[]): HeldLine {
    const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 1);
    this.#bytes += bytes;
    if (bytes > this.#pageBytes) {
      return written(pieces, Buffer.allocUnsafeSlow(bytes), 0);
    }
    if (bytes > this.#pageBytes - this.#used) {
      this.#page++;
      this.#used = 0;
    }
    const page = (this.#pages[this.#page] ??= Buffer.allocUnsafeSlow(this.#pageBytes));
    const line = written(pieces, page, this.#used);
    this.#used = line.end;
    return line;
  }

  /** None of the lines is needed any more. */
  clear(): void {
    this.#page = -1;
    this.#used = this.#pageBytes;
    this.#bytes = 0;
  }
}

function written(pieces: readonly string[], page: Buffer, from: number): HeldLine {
  let at = from;
  for (let i = 0; i < pieces.length; i++) {
    at += page.write(pieces[i] as string, at);
  }
  page[at] = NEWLINE;
  return { page, from, end: at + 1 };
}
