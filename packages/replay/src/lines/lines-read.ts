import type { OversizeLine } from "@auditsieve/audit";
import { LineTail, reducedEvent } from "@auditsieve/ingest/logs";
import { NO_TIME } from "./event-time.ts";
import { hold } from "./line-memory.ts";
import type { LineMemory, MemoryPiece } from "./line-memory.ts";
import type { LogLine } from "./log-line.ts";

/** Whole lines in memory of their own, the first at `start`. */
export interface LineCopies {
  readonly bytes: Buffer;
  readonly start: number;
  readonly piece: MemoryPiece | undefined;
}

/** Gathers the lines of one log as they are read, each with its time. */
export class LinesRead {
  /** Index of the log. */
  readonly log: number;
  readonly #memory: LineMemory | undefined;
  readonly #tail = new LineTail();
  #lines: LogLine[] = [];
  #bytes = 0;
  #micros: number;

  /** `micros`: what lines have before the first one that says a time. */
  constructor(log: number, micros: number, memory: LineMemory | undefined) {
    this.log = log;
    this.#micros = micros;
    this.#memory = memory;
  }

  /** The time that the next line has unless it says one. */
  get micros(): number {
    return this.#micros;
  }

  copy(bytes: Buffer, from: number, to: number): LineCopies {
    const copied = this.#memory?.copy(bytes, from, to);
    return copied === undefined
      ? { bytes: Buffer.from(bytes.subarray(from, to)), start: 0, piece: undefined }
      : { bytes: copied.piece.bytes, start: copied.start, piece: copied.piece };
  }

  /** The time of a line that says this one, or {@link NO_TIME}: then it has that of the line before. */
  time(micros: number): number {
    if (micros !== NO_TIME) {
      this.#micros = micros;
    }
    return this.#micros;
  }

  /** Adds a line that stands in memory of its own. */
  push(line: LogLine): void {
    this.#bytes += line.end - line.start;
    hold(line);
    this.#lines.push(line);
  }

  /** Takes the bytes of a line over the limit, as they pass. */
  pass(bytes: Buffer, start: number, end: number): void {
    this.#tail.push(bytes, start, end);
  }

  /** That line has ended: what is left of it as an event. None where it is none. */
  reduced(line: OversizeLine): Buffer {
    return reducedEvent(line, this.#tail.take()) ?? Buffer.alloc(0);
  }

  /** What was added since the last call, and the bytes that it holds. */
  take(): { readonly lines: readonly LogLine[]; readonly bytes: number } {
    const taken = { lines: this.#lines, bytes: this.#bytes };
    this.#lines = [];
    this.#bytes = 0;
    return taken;
  }
}
