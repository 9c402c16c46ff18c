import { LineFramer, LongDocument, unwrapDocument } from "@auditsieve/audit";
import type { OversizeLine, Span, UnwrappedLine } from "@auditsieve/audit";
import { LineTail, reducedEvent } from "@auditsieve/ingest/logs";
import type { LinesAt } from "@auditsieve/ingest/logs";
import { guessLineMicros, NO_TIME } from "./event-time.ts";
import { hold } from "./line-memory.ts";
import type { LineMemory, MemoryPiece } from "./line-memory.ts";
import type { LogLine } from "./log-line.ts";

/** A log to replay: what it is called, and its bytes, decompressed and out of any envelope. */
export interface ReplayLog {
  readonly name: string;
  /** A chunk is valid until the next one is asked for. */
  open(): AsyncIterable<Buffer>;
  /** The same from an offset on, where that is possible without reading what stands before. */
  openAt?(offset: number): AsyncIterable<Buffer>;
  /** Gives single lines by their offsets; undefined where that is not possible without reading what stands before. */
  openLines?(): Promise<LinesAt | undefined>;
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
  /** Finds the time of a line. Default {@link guessLineMicros}. */
  readonly micros?: typeof guessLineMicros;
  /** Asked behind `micros`, about the same line: whether a document over lines begins with it, which is then tried to be had. */
  readonly begins?: () => boolean;
  /** Asked behind `begins`, about the same line: what comes instead of it where it is an envelope. */
  readonly unwrap?: () => readonly UnwrappedLine[] | undefined;
  /** Asked behind `unwrap`, about the same line: what of it comes behind it as an event of its own. */
  readonly salvage?: () => readonly Span[];
  readonly start?: LogStart;
  /** For lines that will be let go; without it each chunk has memory of its own. */
  readonly memory?: LineMemory;
}

const NEWLINE = 10;

/** Reads one log chunk by chunk into lines that have memory of their own. Throws what the log's iteration throws, once its lines are taken. */
export class LogReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #index: number;
  readonly #micros: (bytes: Buffer, start: number, end: number) => number;
  readonly #begins: LogReaderOptions["begins"];
  readonly #unwrap: LogReaderOptions["unwrap"];
  readonly #salvage: (() => readonly Span[]) | undefined;
  readonly #memory: LineMemory | undefined;
  readonly #framer: LineFramer;
  readonly #tail = new LineTail();
  #lines: LogLine[] = [];
  #bytes = 0;
  #last = 0;
  /** Whether the line over the limit that comes is to be read record by record. */
  #isDocument = false;
  #isDone = false;

  constructor(log: ReplayLog, index: number, options: LogReaderOptions = {}) {
    const { micros = guessLineMicros, begins, unwrap, salvage, start, memory } = options;
    this.#chunks = open(log, start?.offset ?? 0)[Symbol.asyncIterator]();
    this.#index = index;
    this.#micros = micros;
    this.#begins = begins;
    this.#unwrap = unwrap;
    this.#salvage = salvage;
    this.#memory = memory;
    this.#framer = new LineFramer({
      line: (bytes, start, end, offset, _terminated, mayBegin) =>
        this.#take(Buffer.from(bytes.subarray(start, end)), 0, end - start, offset, undefined, mayBegin),
      ...(begins && { document: (bytes, start, end, offset) => this.#takeDocument(bytes, start, end, offset) }),
      lines: (bytes, start, end, offset) => this.#takeRun(bytes, start, end, offset),
      longDocument: (offset) => this.#longDocument(offset),
      oversizePart: (bytes, start, end) => this.#tail.push(bytes, start, end),
      oversize: (line) => this.#takeOversize(line),
    });
    this.#framer.reset(start?.offset ?? 0);
    this.#last = start?.micros ?? 0;
  }

  /** Where the first line begins that has not been given, and the time that it has unless it says one. */
  get next(): LogStart {
    return { offset: this.#framer.offset, micros: this.#last };
  }

  /** No further line will come. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The lines of the next chunk, in the order of the log, and the bytes that they hold; no lines do not mean the end. */
  async read(): Promise<{ readonly lines: readonly LogLine[]; readonly bytes: number; readonly failure?: unknown }> {
    let failure: unknown;
    try {
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#finish();
      } else {
        this.#framer.write(next.value);
      }
    } catch (error) {
      // What came before is whole up to here, and the rest of a line is a line of its own.
      failure = error;
      this.#finish();
    }
    const taken = { lines: this.#lines, bytes: this.#bytes, ...(failure !== undefined && { failure }) };
    this.#lines = [];
    this.#bytes = 0;
    return taken;
  }

  async close(): Promise<void> {
    this.#isDone = true;
    await this.#chunks.return?.();
  }

  #finish(): void {
    this.#framer.end();
    this.#isDone = true;
  }

  #takeRun(lines: Buffer, from: number, to: number, offset: number): number | undefined {
    const copied = this.#memory?.copy(lines, from, to);
    const bytes = copied?.piece.bytes ?? Buffer.from(lines.subarray(from, to));
    const first = copied?.start ?? 0;
    const last = first + to - from;
    for (let start = first; start < last;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (this.#take(bytes, start, end, offset + start - first, copied?.piece, true)) {
        return from + start - first;
      }
      start = end + 1;
    }
    return undefined;
  }

  #takeDocument(bytes: Buffer, start: number, end: number, offset: number): boolean {
    const lines = unwrapDocument(bytes, start, end);
    if (lines !== undefined) {
      this.#takeUnwrapped(lines, offset, offset - start);
    }
    return lines !== undefined;
  }

  /** A document that is too long to be held. */
  #longDocument(lineOffset: number): LongDocument | undefined {
    if (this.#unwrap === undefined) {
      this.#isDocument = true;
      return undefined;
    }
    return new LongDocument(lineOffset, {
      line: (bytes, start, end, at) => this.#takeRecord(Buffer.from(bytes.subarray(start, end)), at, lineOffset),
      oversizePart: (bytes, start, end) => this.#tail.push(bytes, start, end),
      oversize: (line) => this.#takeOversize(line, lineOffset),
      end: () => undefined,
    });
  }

  #takeRecord(bytes: Buffer, offset: number, lineOffset: number): void {
    const micros = this.#time(bytes, 0, bytes.length);
    const unwrapped = this.#unwrap?.();
    if (unwrapped !== undefined) {
      this.#takeUnwrapped(unwrapped, lineOffset, offset);
      return;
    }
    const inside = this.#salvage?.() ?? [];
    this.#push({ micros, log: this.#index, offset, lineOffset, bytes, start: 0, end: bytes.length });
    for (const { start, end } of inside) {
      this.#takeInside(bytes, start, end, { offset: offset + start, lineOffset });
    }
  }

  /** True where the line was not taken, because a document begins with it. */
  #take(
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    piece: MemoryPiece | undefined,
    mayBegin: boolean,
  ): boolean {
    const micros = this.#time(bytes, start, end);
    if (mayBegin && this.#begins?.() === true) {
      return true;
    }
    const unwrapped = this.#unwrap?.();
    if (unwrapped !== undefined) {
      this.#takeUnwrapped(unwrapped, offset, offset - start);
      return false;
    }
    this.#push({ micros, log: this.#index, offset, bytes, start, end, piece });
    if (this.#salvage !== undefined) {
      this.#takeSalvaged({ bytes, start, offset, piece });
    }
    return false;
  }

  #push(line: LogLine): void {
    this.#bytes += line.end - line.start;
    hold(line);
    this.#lines.push(line);
  }

  #takeUnwrapped(lines: readonly UnwrappedLine[], lineOffset: number, before: number): void {
    for (const { bytes, start, end, at } of lines) {
      const micros = this.#time(bytes, start, end);
      const own = Buffer.from(bytes.subarray(start, end));
      const offset = before + at;
      const inside = this.#salvage?.() ?? [];
      this.#push({ micros, log: this.#index, offset, lineOffset, bytes: own, start: 0, end: own.length });
      for (const event of inside) {
        const from = event.start - start;
        this.#takeInside(own, from, event.end - start, { offset: offset + from, lineOffset });
      }
    }
  }

  #takeSalvaged({ bytes, start, offset, piece }: Pick<LogLine, "bytes" | "start" | "offset" | "piece">): void {
    for (const event of this.#salvage?.() ?? []) {
      const place = { offset: offset + event.start - start, lineOffset: offset, piece };
      this.#takeInside(bytes, event.start, event.end, place);
    }
  }

  #takeInside(
    bytes: Buffer,
    start: number,
    end: number,
    place: Pick<LogLine, "offset" | "lineOffset" | "piece">,
  ): void {
    const micros = this.#time(bytes, start, end);
    this.#push({ ...place, micros, log: this.#index, bytes, start, end, isSalvaged: true });
  }

  #takeOversize(line: OversizeLine, lineOffset?: number): void {
    const bytes = reducedEvent(line, this.#tail.take()) ?? Buffer.alloc(0);
    const micros = this.#time(bytes, 0, bytes.length);
    this.#bytes += bytes.length;
    const { offset, bytes: oversizeBytes } = line;
    const isDocument = this.#isDocument;
    this.#isDocument = false;
    const place = { micros, log: this.#index, offset, lineOffset };
    this.#lines.push({ ...place, bytes, start: 0, end: bytes.length, oversizeBytes, isDocument });
  }

  #time(bytes: Buffer, start: number, end: number): number {
    const micros = this.#micros(bytes, start, end);
    if (micros !== NO_TIME) {
      this.#last = micros;
    }
    return this.#last;
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
