import { letGo, LineMemory } from "../lines/line-memory.ts";
import { LogReader } from "../lines/log-reader.ts";
import type { ReplayLog } from "../lines/log-reader.ts";

/** Whole lines of a log that stand together. Times are in microseconds. */
export interface LogBlock {
  /** Index of the log. */
  readonly log: number;
  /** The lines are the bytes `[offset, end)`. */
  readonly offset: number;
  readonly end: number;
  /** The time that its first line has unless it says one. */
  readonly before: number;
  /** The earliest and the latest time of its lines. */
  readonly from: number;
  readonly to: number;
  /** Bytes that its lines hold in memory. */
  readonly bytes: number;
}

/** How {@link findBlocks} works. */
export interface BlockOptions {
  /** Whether each line is scanned for its time, and for what stands in it; else times are guessed. */
  readonly isScanned: boolean;
  readonly onUnreadable: (log: number, error: unknown) => void;
  readonly signal?: AbortSignal | undefined;
  /** A block ends with the line that makes it as long. Default 256 KiB. */
  readonly blockBytes?: number;
}

const BLOCK_BYTES = 256 * 1024;

/**
 * Reads logs to their ends and tells which times stand where in them. Undefined if one of them cannot be read in any order later: what
 * was told of it as unreadable is to be forgotten then.
 */
export async function findBlocks(
  logs: readonly ReplayLog[],
  { isScanned, onUnreadable, signal, blockBytes = BLOCK_BYTES }: BlockOptions,
): Promise<readonly LogBlock[] | undefined> {
  const blocks: LogBlock[] = [];
  const memory = new LineMemory();
  for (const [index, log] of logs.entries()) {
    const lines = await log.openLines?.();
    lines?.close();
    const cutter = new BlockCutter(index, blocks, blockBytes);
    const reader = new LogReader(log, index, { isScanned, memory });
    try {
      while (!reader.isDone) {
        const read = await reader.read();
        signal?.throwIfAborted();
        if (read.failure !== undefined) {
          onUnreadable(index, read.failure);
        }
        if (lines === undefined && read.lines.length > 0) {
          return undefined;
        }
        for (const { offset, lineOffset = offset, micros, start, end } of read.lines) {
          cutter.add(lineOffset, micros, end - start);
        }
        read.lines.forEach(letGo);
      }
    } finally {
      await reader.close();
    }
    if (lines !== undefined && (await isOther(log))) {
      return undefined;
    }
    cutter.end(reader.next.offset);
  }
  return blocks;
}

/** Whether the log has turned out not to be one whose lines stand where they are read: only a part of it is. */
async function isOther(log: ReplayLog): Promise<boolean> {
  const lines = await log.openLines?.();
  lines?.close();
  return lines === undefined;
}

/** Gathers the lines of one log into blocks. */
class BlockCutter {
  readonly #log: number;
  readonly #blocks: LogBlock[];
  readonly #blockBytes: number;
  #offset = 0;
  /** The line of the log that came last. */
  #line = -1;
  #before = 0;
  #last = 0;
  #from = Infinity;
  #to = 0;
  #bytes = 0;

  constructor(log: number, blocks: LogBlock[], blockBytes: number) {
    this.#log = log;
    this.#blocks = blocks;
    this.#blockBytes = blockBytes;
  }

  /** Takes what stands in the line at `offset`, or that line: one after the other. */
  add(offset: number, micros: number, bytes: number): void {
    if (offset !== this.#line && offset - this.#offset >= this.#blockBytes) {
      this.#cut(offset);
    }
    this.#line = offset;
    this.#from = Math.min(this.#from, micros);
    this.#to = Math.max(this.#to, micros);
    this.#bytes += bytes;
    this.#last = micros;
  }

  end(offset: number): void {
    this.#cut(offset);
  }

  #cut(end: number): void {
    if (this.#from !== Infinity) {
      const [log, offset, before, from, to, bytes] = [
        this.#log,
        this.#offset,
        this.#before,
        this.#from,
        this.#to,
        this.#bytes,
      ];
      this.#blocks.push({ log, offset, end, before, from, to, bytes });
    }
    [this.#offset, this.#before, this.#from, this.#to, this.#bytes] = [end, this.#last, Infinity, 0, 0];
  }
}

/** The most bytes that lines of blocks hold which are of one time: what a {@link BlockMerge} holds. */
export function mostBytesTogether(blocks: readonly LogBlock[]): number {
  const ends = blocks.toSorted((a, b) => a.to - b.to);
  let most = 0;
  let held = 0;
  let ended = 0;
  for (const { from, bytes } of inTimeOrder(blocks)) {
    for (let end = ends[ended]; end !== undefined && end.to < from; end = ends[++ended]) {
      held -= end.bytes;
    }
    held += bytes;
    most = Math.max(most, held);
  }
  return most;
}

/** By the earliest time of their lines, then as the logs have them. */
export function inTimeOrder(blocks: readonly LogBlock[]): readonly LogBlock[] {
  return blocks.toSorted((a, b) => a.from - b.from || a.log - b.log || a.offset - b.offset);
}
