import { inTimeOrder } from "./log-line.ts";
import type { LogLine } from "./log-line.ts";
import { LogReader } from "./log-reader.ts";
import type { ReplayLog } from "./log-reader.ts";

/** How {@link mergeLogs} works. */
export interface MergeOptions {
  /** Told of a log that cannot be read, or not to its end; the others go on. */
  readonly onUnreadable: (log: number, error: unknown) => void;
  /** Most that a line may stand behind a later one of its log, in microseconds. Default 5 s. */
  readonly windowMicros?: number;
  /** Most bytes of lines held at a time. Default 128 MiB. */
  readonly maxHeldBytes?: number;
  /** Logs that are read at a time without looking first where each begins. Default 8. */
  readonly maxEager?: number;
}

/** A line came too late for the order of time that was promised: the logs must be sorted. */
export class OutOfOrder extends Error {
  override readonly name = "OutOfOrder";
}

/** An apiserver writes lines up to half a second out of order on a loaded machine. */
const WINDOW_MICROS = 5_000_000;
const MAX_HELD_BYTES = 128 * 1024 * 1024;
const MAX_EAGER = 8;

interface OpenLog {
  readonly reader: LogReader;
  readonly index: number;
  /** In order of time. */
  held: LogLine[];
  heldBytes: number;
  /** The latest time seen. */
  latest: number;
}

/**
 * The lines of logs that are nearly in order, in order of stageTimestamp over all of them. A log is opened when its time has come.
 * Throws {@link OutOfOrder} when a log turns out to be less in order than the window allows.
 */
export async function* mergeLogs(
  logs: readonly ReplayLog[],
  options: MergeOptions,
): AsyncGenerator<readonly LogLine[], void> {
  const { onUnreadable, windowMicros = WINDOW_MICROS, maxHeldBytes = MAX_HELD_BYTES } = options;
  const waiting = await inOrderOfBeginning(logs, options.maxEager ?? MAX_EAGER);
  let open: OpenLog[] = [];
  let emitted = 0;
  try {
    for (;;) {
      open = open.filter(({ reader, held }) => !reader.isDone || held.length > 0);
      const reading = open.filter(({ reader }) => !reader.isDone);
      const front = Math.min(...reading.map(({ latest }) => latest));
      const next = waiting[0];
      if (next !== undefined && (reading.length === 0 || next.first <= front)) {
        waiting.shift();
        const reader = new LogReader(next.log, next.index);
        open.push({ reader, index: next.index, held: [], heldBytes: 0, latest: next.first });
        continue;
      }
      let limit = front - windowMicros;
      if (open.reduce((sum, { heldBytes }) => sum + heldBytes, 0) > maxHeldBytes) {
        limit = Math.max(limit, middleOf(open));
      }
      const ready = takeBefore(open, limit);
      if (ready.length > 0) {
        emitted = ready.at(-1)?.micros ?? emitted;
        yield ready;
      }
      const behind = reading.find(({ latest }) => latest === front);
      if (behind !== undefined) {
        await readMore(behind, emitted, onUnreadable);
      } else if (open.length === 0 && waiting.length === 0) {
        return;
      }
    }
  } finally {
    await Promise.all(open.map(({ reader }) => reader.close()));
  }
}

async function readMore(log: OpenLog, emitted: number, onUnreadable: MergeOptions["onUnreadable"]): Promise<void> {
  const { lines, bytes, failure } = await log.reader.read();
  if (failure !== undefined) {
    onUnreadable(log.index, failure);
  }
  let isSorted = true;
  let latest = log.held.at(-1)?.micros ?? 0;
  for (const line of lines) {
    if (line.micros < emitted && line.micros > 0) {
      throw new OutOfOrder();
    }
    isSorted &&= line.micros >= latest;
    latest = line.micros;
    log.latest = Math.max(log.latest, latest);
    log.held.push(line);
  }
  log.heldBytes += bytes;
  if (!isSorted) {
    log.held.sort(inTimeOrder);
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
