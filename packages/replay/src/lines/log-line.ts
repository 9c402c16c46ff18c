import type { MemoryPiece } from "./line-memory.ts";

/** A line of one of the logs that are replayed, in memory of its own until it is let go. */
export interface LogLine {
  /** Microseconds since 1970; a line without a time has that of the line before it. */
  readonly micros: number;
  /** Index of the log. */
  readonly log: number;
  /** Bytes before the line in the log; of one out of an envelope, before its record. */
  readonly offset: number;
  /** Where the line of the log begins that it stands in, if it is not that line itself. */
  readonly lineOffset?: number | undefined;
  /** The line is `bytes[start, end)`, without its newline. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Of a line over the limit: its real length. The bytes then are what is left of it, none where that is no event. */
  readonly oversizeBytes?: number;
  /** Of a line over the limit: it is to be read record by record. */
  readonly isDocument?: boolean;
  /** It is no line, but a whole event in the undecidable one before it. */
  readonly isSalvaged?: boolean;
  /** The memory that `bytes` is, where that is used again. Such a line is valid until the next batch is asked for. */
  readonly piece?: MemoryPiece | undefined;
}

/** What decides the order of lines. */
export type LinePlace = Pick<LogLine, "micros" | "log" | "offset" | "isSalvaged">;

/** Order of time; equal times by log and place, so that the order never depends on how the logs were read. */
export function inTimeOrder(a: LinePlace, b: LinePlace): number {
  return a.micros - b.micros || a.log - b.log || a.offset - b.offset || salvagedLast(a) - salvagedLast(b);
}

/** A salvaged event may begin where its line does. */
function salvagedLast({ isSalvaged }: LinePlace): number {
  return isSalvaged === true ? 1 : 0;
}
