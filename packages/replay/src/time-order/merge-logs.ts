import { letGo, LineMemory } from "../lines/line-memory.ts";
import { inTimeOrder } from "../lines/log-line.ts";
import type { LogLine } from "../lines/log-line.ts";
import { LogReader } from "../lines/log-reader.ts";
import type { LogStart, ReplayLog } from "../lines/log-reader.ts";

/** How a {@link LogMerge} works. */
export interface MergeOptions {
  /** Told of a log that cannot be read, or not to its end; the others go on. */
  readonly onUnreadable: (log: number, error: unknown) => void;
  /** Most that a line may stand behind a later one of its log, in microseconds. Default 5 s. */
  readonly windowMicros?: number;
  /** Most bytes of lines held at a time. Default 128 MiB. */
  readonly maxHeldBytes?: number;
  /** Where another merge of the same logs has stopped. */
  readonly from?: MergePosition;
  /** Logs that are read at a time without looking first where each begins. Default 8. */
  readonly maxEager?: number;
  /** Whether lines are to stand where another thread can see them. */
  readonly isShared?: boolean;
}

/** The logs are not in the order of time that was promised, or too many overlap: they must be sorted. */
export class OutOfOrder extends Error {
  override readonly name = "OutOfOrder";
}

/** The time of a line, or what it holds, is another than was guessed: the lines must be scanned before they are put in order. */
export class GuessedWrong extends OutOfOrder {}

/** An apiserver writes lines up to half a second out of order on a loaded machine. */
export const WINDOW_MICROS = 5_000_000;
export const MAX_HELD_BYTES: number = 128 * 1024 * 1024;
const MAX_EAGER = 8;
/** Each holds a chunk or two: more logs of one time are sorted, one after the other. */
const MAX_OPEN = 64;

/** How far a merge has come; with it another one gives exactly the lines that have not been given. */
export interface MergePosition {
  /** Lines before this time have been given. */
  readonly limit: number;
  readonly open: readonly (LogStart & { readonly index: number; readonly readTo: number })[];
  readonly waiting: readonly { readonly index: number; readonly first: number }[];
}

interface OpenLog {
  readonly reader: LogReader;
  readonly index: number;
  /** In order of time. */
  held: LogLine[];
  heldBytes: number;
  /** The latest time seen. */
  latest: number;
  /** Lines before this offset have been given if their time is before `limit`. */
  readonly given: { readonly offset: number; readonly limit: number };
}

/**
 * The lines of logs that are nearly in order, in order of stageTimestamp over all of them. A log is opened when its time has come.
 * The order never depends on how the logs' bytes come: lines of one time are in the order of the logs, and of their places there.
 */
export class LogMerge {
  readonly #logs: readonly ReplayLog[];
  readonly #options: MergeOptions;
  readonly #memory: LineMemory;
  #waiting: WaitingLog[] | undefined;
  #open: OpenLog[] = [];
  #limit = 0;

  constructor(logs: readonly ReplayLog[], options: MergeOptions) {
    this.#logs = logs;
    this.#options = options;
    this.#memory = new LineMemory({ isShared: options.isShared ?? false });
    const { from } = options;
    if (from !== undefined) {
      this.#limit = from.limit;
      this.#waiting = from.waiting.map(({ index, first }) => ({ log: this.#log(index), index, first }));
    }
  }

  /** To be asked between two batches of {@link lines}. */
  position(): MergePosition {
    const open = this.#open.map(({ reader, index, held }) => {
      const next = reader.next;
      const first = held.reduce<LogStart>((least, line) => (line.offset < least.offset ? line : least), next);
      return { index, offset: first.offset, micros: first.micros, readTo: next.offset, isDone: reader.isDone, held };
    });
    return {
      limit: this.#limit,
      open: open
        .filter(({ isDone, held }) => !isDone || held.length > 0)
        .map(({ index, offset, micros, readTo }) => ({ index, offset, micros, readTo })),
      waiting: (this.#waiting ?? []).map(({ index, first }) => ({ index, first })),
    };
  }

  /**
   * Lines are valid until the next batch is asked for. Throws {@link OutOfOrder} when a log turns out to be less in order than the
   * window allows, or when too many overlap.
   */
  async *lines(): AsyncGenerator<readonly LogLine[], void> {
    const { windowMicros = WINDOW_MICROS, maxHeldBytes = MAX_HELD_BYTES, from } = this.#options;
    const waiting = (this.#waiting ??= await inOrderOfBeginning(this.#logs, this.#options.maxEager ?? MAX_EAGER));
    try {
      from?.open.forEach((start) => this.#begin(start.index, 0, start));
      for (;;) {
        this.#open = this.#open.filter(({ reader, held }) => !reader.isDone || held.length > 0);
        const open = this.#open;
        const reading = open.filter(({ reader }) => !reader.isDone);
        const front = Math.min(...reading.map(({ latest }) => latest));
        const next = waiting[0];
        if (next !== undefined && (reading.length === 0 || next.first <= front)) {
          waiting.shift();
          this.#begin(next.index, next.first);
          continue;
        }
        let limit = front - windowMicros;
        if (open.reduce((sum, { heldBytes }) => sum + heldBytes, 0) > maxHeldBytes) {
          limit = Math.max(limit, middleOf(open));
        }
        const ready = takeBefore(open, limit);
        if (ready.length > 0) {
          this.#limit = Math.max(this.#limit, limit);
          yield ready;
          ready.forEach(letGo);
        }
        const behind = reading.find(({ latest }) => latest === front);
        if (behind !== undefined) {
          await this.#readMore(behind);
        } else if (open.length === 0 && waiting.length === 0) {
          return;
        }
      }
    } finally {
      await Promise.all(this.#open.map(({ reader }) => reader.close()));
    }
  }

  #log(index: number): ReplayLog {
    return this.#logs[index] as ReplayLog;
  }

  #begin(index: number, latest: number, start?: MergePosition["open"][number]): void {
    if (this.#open.length >= MAX_OPEN) {
      throw new OutOfOrder();
    }
    const reader = new LogReader(this.#log(index), index, { memory: this.#memory, ...(start && { start }) });
    const given = { offset: start?.readTo ?? 0, limit: this.#limit };
    this.#open.push({ reader, index, held: [], heldBytes: 0, latest, given });
  }

  async #readMore(log: OpenLog): Promise<void> {
    const { lines, failure } = await log.reader.read();
    if (failure !== undefined) {
      this.#options.onUnreadable(log.index, failure);
    }
    let isSorted = true;
    let latest = log.held.at(-1)?.micros ?? 0;
    const { offset, limit } = log.given;
    for (const line of lines) {
      log.latest = Math.max(log.latest, line.micros);
      if (line.offset < offset && line.micros < limit) {
        letGo(line);
        continue;
      }
      if (line.micros < this.#limit && line.micros > 0) {
        throw new OutOfOrder();
      }
      isSorted &&= line.micros >= latest;
      latest = line.micros;
      log.held.push(line);
      log.heldBytes += line.end - line.start;
    }
    if (!isSorted) {
      log.held.sort(inTimeOrder);
    }
  }
}

/** Takes the held lines from before that time, all logs together in order. */
function takeBefore(open: readonly OpenLog[], limit: number): readonly LogLine[] {
  const parts = open.flatMap((log) => {
    const count = log.held.findIndex(({ micros }) => micros >= limit);
    const part = count === -1 ? log.held : log.held.slice(0, count);
    log.held = count === -1 ? [] : log.held.slice(count);
    log.heldBytes = count === -1 ? 0 : log.heldBytes - part.reduce((sum, { start, end }) => sum + end - start, 0);
    return part.length === 0 ? [] : [part];
  });
  return parts.length === 1 ? (parts[0] ?? []) : parts.flat().sort(inTimeOrder);
}

/** A time that about half of the held lines are before. */
function middleOf(open: readonly OpenLog[]): number {
  const times = open.flatMap(({ held }) => held.map(({ micros }) => micros)).sort((a, b) => a - b);
  return (times[Math.floor(times.length / 2)] ?? 0) + 1;
}

interface WaitingLog {
  readonly log: ReplayLog;
  readonly index: number;
  /** Time of its first line that has one. */
  readonly first: number;
}

/** Few logs are all opened at once; of many, each is looked into first, so that only those of one time are open together. */
async function inOrderOfBeginning(logs: readonly ReplayLog[], maxEager: number): Promise<WaitingLog[]> {
  const waiting: WaitingLog[] = [];
  for (const [index, log] of logs.entries()) {
    const first = logs.length <= maxEager || log.isRepeatable === false ? 0 : await firstMicros(log, index);
    waiting.push({ log, index, first });
  }
  return waiting.sort((a, b) => a.first - b.first || a.index - b.index);
}

/** What cannot be read is opened first, where its failure is told. */
async function firstMicros(log: ReplayLog, index: number): Promise<number> {
  const reader = new LogReader(log, index);
  try {
    while (!reader.isDone) {
      const { lines, failure } = await reader.read();
      const times = lines.map(({ micros }) => micros).filter((micros) => micros > 0);
      if (times.length > 0) {
        return Math.min(...times);
      }
      if (failure !== undefined) {
        return 0;
      }
    }
    return 0;
  } finally {
    await reader.close();
  }
}
