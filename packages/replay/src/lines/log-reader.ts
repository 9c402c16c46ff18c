import type { LinesAt } from "@auditsieve/ingest/logs";
import { GuessedLines } from "./guessed-lines.ts";
import type { LineMemory } from "./line-memory.ts";
import { LinesRead } from "./lines-read.ts";
import type { LogLine } from "./log-line.ts";
import { ScannedLines } from "./scanned-lines.ts";

/** A log to replay: what it is called, and its bytes, decompressed and out of any envelope. */
export interface ReplayLog {
  readonly name: string;
  /** A chunk is valid until the next one is asked for. */
  open(): AsyncIterable<Buffer>;
  /** The same from an offset on, where that is possible without reading what stands before. */
  openAt?(offset: number): AsyncIterable<Buffer>;
  /** Gives single lines by their offsets; undefined where that is not possible without reading what stands before. */
  openLines?(): Promise<LinesAt | undefined>;
  /** A hash of its content as it lies on the disk: whoever cannot read it cannot know that. Without it nothing of it is kept sorted. */
  digest?(): Promise<string>;
  /** False where a second call of `open` would not give the same bytes, as with standard input. */
  readonly isRepeatable?: boolean;
}

/** Where a log is gone on with. */
export interface LogStart {
  /** Bytes before the line to begin with. */
  readonly offset: number;
  /** Time of that line: one without a time of its own has that of the line before. */
  readonly micros: number;
}

/** How a {@link LogReader} reads. */
export interface LogReaderOptions {
  /** Whether each line is scanned for its time, and for what stands in it; else times are guessed. Default false. */
  readonly isScanned?: boolean;
  readonly start?: LogStart;
  /** For lines that will be let go; without it each chunk has memory of its own. */
  readonly memory?: LineMemory;
}

/** Reads one log chunk by chunk into lines that have memory of their own. Throws what the log's iteration throws, once its lines are taken. */
export class LogReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #read: LinesRead;
  readonly #lines: GuessedLines | ScannedLines;
  #isDone = false;

  constructor(log: ReplayLog, index: number, options: LogReaderOptions = {}) {
    const { isScanned = false, start = { offset: 0, micros: 0 }, memory } = options;
    this.#chunks = open(log, start.offset)[Symbol.asyncIterator]();
    this.#read = new LinesRead(index, start.micros, memory);
    this.#lines = isScanned ? new ScannedLines(this.#read, start.offset) : new GuessedLines(this.#read, start.offset);
  }

  /** Where the first line begins that has not been given, and the time that it has unless it says one. */
  get next(): LogStart {
    return { offset: this.#lines.offset, micros: this.#read.micros };
  }

  /** No further line will come. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The lines of the next chunk, in the order of the log, and the bytes that they hold; no lines do not mean the end. */
  async read(): Promise<{ readonly lines: readonly LogLine[]; readonly bytes: number; readonly failure?: unknown }> {
    try {
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#finish();
      } else {
        this.#lines.write(next.value);
      }
    } catch (failure) {
      // What came before is whole up to here, and the rest of a line is a line of its own.
      this.#finish();
      return { ...this.#read.take(), failure };
    }
    return this.#read.take();
  }

  async close(): Promise<void> {
    this.#isDone = true;
    await this.#chunks.return?.();
  }

  #finish(): void {
    this.#lines.end();
    this.#isDone = true;
  }
}

function open(log: ReplayLog, offset: number): AsyncIterable<Buffer> {
  return offset === 0 ? log.open() : (log.openAt?.(offset) ?? skip(log.open(), offset));
}

async function* skip(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer, void> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (left < chunk.length) {
      yield left === 0 ? chunk : chunk.subarray(left);
    }
    left -= Math.min(left, chunk.length);
  }
}
