import { IngestError } from "@auditsieve/ingest/logs";
import type { LinesAt } from "@auditsieve/ingest/logs";
import { letGo, LineMemory } from "../lines/line-memory.ts";
import { inTimeOrder } from "../lines/log-line.ts";
import type { LogLine } from "../lines/log-line.ts";
import { LogReader } from "../lines/log-reader.ts";
import type { ReplayLog } from "../lines/log-reader.ts";
import { inTimeOrder as blocksInTimeOrder } from "./log-blocks.ts";
import type { LogBlock } from "./log-blocks.ts";

/** How a {@link BlockMerge} works. */
export interface BlockMergeOptions {
  /** As they were for {@link findBlocks}. */
  readonly isScanned: boolean;
  /** Told of a log that cannot be read any more; the others go on. */
  readonly onUnreadable: (log: number, error: unknown) => void;
  /** Whether lines are to stand where another thread can see them. */
  readonly isShared: boolean;
  /** Lines before this time have been given. */
  readonly from?: number;
}

/** Logs that are open at a time. */
const MOST_OPEN = 64;
const CHUNK_BYTES = 512 * 1024;

/** A block that is read, and how many of its lines are given. */
interface OpenBlock {
  /** In order of time. */
  readonly lines: readonly LogLine[];
  next: number;
}

/**
 * The lines of logs in any order, in order of time: each block is read when the time of its earliest line has come, from where it
 * stands. Nothing is sorted but what is of one time, and no line is written.
 */
export class BlockMerge {
  readonly #logs: readonly ReplayLog[];
  readonly #blocks: readonly LogBlock[];
  readonly #options: BlockMergeOptions;
  readonly #memory: LineMemory;
  readonly #open = new Map<number, LinesAt>();
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #limit: number;

  constructor(logs: readonly ReplayLog[], blocks: readonly LogBlock[], options: BlockMergeOptions) {
    const { from = 0, isShared } = options;
    this.#logs = logs;
    this.#blocks = blocksInTimeOrder(blocks).filter(({ to }) => to >= from);
    this.#options = options;
    this.#memory = new LineMemory({ isShared });
    this.#limit = from;
  }

  /** All lines before this time have been given, and no other; to be asked between two batches of {@link lines}. */
  get limit(): number {
    return this.#limit;
  }

  /** Lines are valid until the next batch is asked for. */
  async *lines(): AsyncGenerator<readonly LogLine[], void> {
    let open: OpenBlock[] = [];
    try {
      for (const [i, block] of this.#blocks.entries()) {
        open.push({ lines: await this.#read(block), next: 0 });
        const limit = this.#blocks[i + 1]?.from ?? Infinity;
        const ready = takeBefore(open, limit);
        open = open.filter(({ lines, next }) => next < lines.length);
        if (ready.length > 0) {
          this.#limit = limit;
          yield ready;
          ready.forEach(letGo);
        }
      }
    } finally {
      this.#open.forEach((lines) => lines.close());
    }
  }

  async #read(block: LogBlock): Promise<readonly LogLine[]> {
    const open = (): AsyncGenerator<Buffer, void> => this.#chunks(block);
    const { log, offset, before } = block;
    const start = { offset, micros: before };
    const { isScanned } = this.#options;
    const reader = new LogReader({ name: "", open, openAt: open }, log, { isScanned, start, memory: this.#memory });
    const lines: LogLine[] = [];
    const given = this.#limit;
    while (!reader.isDone) {
      const read = await reader.read();
      if (read.failure !== undefined) {
        this.#options.onUnreadable(log, read.failure);
      }
      for (const line of read.lines) {
        if (line.micros >= given) {
          lines.push(line);
        } else {
          letGo(line);
        }
      }
    }
    return lines.sort(inTimeOrder);
  }

  async *#chunks({ log, offset, end }: LogBlock): AsyncGenerator<Buffer, void> {
    const lines = await this.#linesOf(log);
    for (let at = offset; at < end;) {
      const chunk = this.#chunk.subarray(0, Math.min(CHUNK_BYTES, end - at));
      if (lines.readAt(chunk, at) < chunk.length) {
        throw this.#changed(log);
      }
      yield chunk;
      at += chunk.length;
    }
  }

  /** Those that were read last are open. */
  async #linesOf(index: number): Promise<LinesAt> {
    const lines = this.#open.get(index) ?? (await this.#logs[index]?.openLines?.());
    if (lines === undefined) {
      throw this.#changed(index);
    }
    this.#open.delete(index);
    this.#open.set(index, lines);
    const [oldest = index] = this.#open.keys();
    if (this.#open.size > MOST_OPEN) {
      this.#open.get(oldest)?.close();
      this.#open.delete(oldest);
    }
    return lines;
  }

  #changed(index: number): IngestError {
    const name = this.#logs[index]?.name ?? "";
    return new IngestError("unreadable", `Cannot read log "${name}": it has become shorter while it was read`, {
      path: name,
      hint: "Replay a copy of it that nobody writes to",
    });
  }
}

/** Takes the lines from before that time, in order. */
function takeBefore(open: readonly OpenBlock[], limit: number): readonly LogLine[] {
  const parts = open.flatMap((block) => {
    const { lines, next } = block;
    while (block.next < lines.length && (lines[block.next] as LogLine).micros < limit) {
      block.next++;
    }
    return block.next === next ? [] : [lines.slice(next, block.next)];
  });
  return parts.length === 1 ? (parts[0] ?? []) : parts.flat().sort(inTimeOrder);
}
