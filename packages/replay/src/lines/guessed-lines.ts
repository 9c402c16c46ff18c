import { LineFramer } from "@auditsieve/audit";
import type { OversizeLine } from "@auditsieve/audit";
import { guessLineMicros } from "./event-time.ts";
import type { MemoryPiece } from "./line-memory.ts";
import type { LinesRead } from "./lines-read.ts";

const NEWLINE = 10;

/** Cuts a log into lines whose times are guessed: an envelope, a damaged line, what stands in them is for whoever scans them to notice. */
export class GuessedLines {
  readonly #read: LinesRead;
  readonly #framer: LineFramer;
  /** Whether the line over the limit that comes is to be read record by record. */
  #isDocument = false;

  constructor(read: LinesRead, offset: number) {
    this.#read = read;
    this.#framer = new LineFramer({
      line: (bytes, start, end, at) =>
        this.#add(Buffer.from(bytes.subarray(start, end)), 0, end - start, at, undefined),
      lines: (bytes, from, to, at) => this.#addRun(bytes, from, to, at),
      longDocument: () => {
        this.#isDocument = true;
        return undefined;
      },
      oversizePart: (bytes, start, end) => read.pass(bytes, start, end),
      oversize: (line) => this.#oversize(line),
    });
    this.#framer.reset(offset);
  }

  /** Where the line begins that has not been read to its end. */
  get offset(): number {
    return this.#framer.offset;
  }

  write(chunk: Buffer): void {
    this.#framer.write(chunk);
  }

  end(): void {
    this.#framer.end();
  }

  #addRun(bytes: Buffer, from: number, to: number, offset: number): undefined {
    const { bytes: copy, start: first, piece } = this.#read.copy(bytes, from, to);
    const last = first + to - from;
    for (let start = first; start < last;) {
      const end = copy.indexOf(NEWLINE, start);
      this.#add(copy, start, end, offset + start - first, piece);
      start = end + 1;
    }
  }

  #add(bytes: Buffer, start: number, end: number, offset: number, piece: MemoryPiece | undefined): void {
    const read = this.#read;
    const micros = read.time(guessLineMicros(bytes, start, end));
    read.push({ micros, log: read.log, offset, bytes, start, end, piece });
  }

  #oversize(line: OversizeLine): void {
    const read = this.#read;
    const bytes = read.reduced(line);
    const end = bytes.length;
    const micros = read.time(guessLineMicros(bytes, 0, end));
    const { offset, bytes: oversizeBytes } = line;
    const isDocument = this.#isDocument;
    this.#isDocument = false;
    read.push({ micros, log: read.log, offset, bytes, start: 0, end, oversizeBytes, isDocument });
  }
}
