import { inTimeOrder } from "../lines/log-line.ts";
import type { LinePlace, LogLine } from "../lines/log-line.ts";
import { LogReader } from "../lines/log-reader.ts";
import type { LogStart, ReplayLog } from "../lines/log-reader.ts";
import { openRunFolder } from "./sorted-runs.ts";
import type { RunFolder, SortedRun } from "./sorted-runs.ts";
import { readFailed, writeFailed } from "../state/failed-log.ts";
import type { Failed } from "../state/failed-log.ts";
import type { KeptRuns } from "./kept-runs.ts";

/** How {@link sortLogs} works. */
export interface SortOptions {
  readonly onUnreadable: (log: number, error: unknown) => void;
  readonly signal?: AbortSignal;
  /** Only lines behind this one. */
  readonly after?: LinePlace;
  /** Bytes of lines sorted in memory at a time. Default 96 MiB. */
  readonly runBytes?: number;
  /** Where the runs are to be kept, those of a process before too; else in a folder of this process alone. */
  readonly kept?: KeptRuns | undefined;
  /** Runs merged at a time. Default 64. */
  readonly maxFanIn?: number;
}

const RUN_BYTES = 96 * 1024 * 1024;
const MAX_FAN_IN = 64;
const BATCH_LINES = 512;

/**
 * The lines of logs in any order, in order of time: sorted in pieces, and merged. What does not fit into memory waits in a folder of the
 * system's temporary files, encrypted under a key that only this process holds, and is removed at the end; or in {@link KeptRuns}.
 */
export async function* sortLogs(
  logs: readonly ReplayLog[],
  { onUnreadable, after, signal, kept, runBytes = RUN_BYTES, maxFanIn = MAX_FAN_IN }: SortOptions,
): AsyncGenerator<readonly LogLine[], void> {
  const folder: RunFolder = kept ?? (await openRunFolder());
  try {
    let runs: readonly SortedRun[] = kept?.runs ?? [];
    const failures: Failed[] = kept?.standing?.failures.map(readFailed) ?? [];
    failures.forEach(({ log, error }) => onUnreadable(log, error));
    const begun = kept?.standing ?? { log: 0, start: BEGINNING };
    let lines: LogLine[] = [];
    let held = 0;
    const put = async (log: number, start: LogStart | undefined): Promise<void> => {
      runs = [...runs, await folder.write([lines.sort(inTimeOrder)])];
      [lines, held] = [[], 0];
      if (runs.length >= maxFanIn) {
        runs = [await folder.write(mergeRuns(runs))];
      }
      if (start !== undefined) {
        await folder.commit?.(runs, { log, start, failures: failures.map(writeFailed) });
      }
    };
    for (const [index, log] of logs.entries()) {
      if (index < begun.log) {
        continue;
      }
      const reader = new LogReader(log, index, {
        isScanned: true,
        start: index === begun.log ? begun.start : BEGINNING,
      });
      let lastLine = -1;
      try {
        while (!reader.isDone) {
          const read = await reader.read();
          signal?.throwIfAborted();
          for (const line of read.lines) {
            lastLine = Math.max(lastLine, line.lineOffset ?? line.offset);
            if (after === undefined || inTimeOrder(after, line) < 0) {
              lines.push(line);
              held += line.end - line.start;
            }
          }
          if (read.failure !== undefined) {
            failures.push({ log: index, error: read.failure });
            onUnreadable(index, read.failure);
          }
          if (held >= runBytes) {
            const { next, isDone } = reader;
            // In the midst of a document that is too long to be held no other process could go on.
            await put(isDone ? index + 1 : index, isDone ? BEGINNING : lastLine < next.offset ? next : undefined);
          }
        }
      } finally {
        await reader.close();
      }
    }
    lines.sort(inTimeOrder);
    if (runs.length === 0) {
      yield lines;
      return;
    }
    if (begun.log < logs.length) {
      await put(logs.length, BEGINNING);
    }
    for await (const batch of mergeRuns(runs)) {
      yield after === undefined ? batch : batch.filter((line) => inTimeOrder(after, line) < 0);
    }
  } finally {
    await folder.remove();
  }
}

const BEGINNING: LogStart = { offset: 0, micros: 0 };

/** Merges runs into batches in order of time. */
async function* mergeRuns(runs: readonly SortedRun[]): AsyncGenerator<readonly LogLine[], void> {
  const all = runs.map((run) => run.lines());
  try {
    const heads: { readonly lines: AsyncIterator<LogLine>; line: LogLine }[] = [];
    for (const lines of all) {
      const first = await lines.next();
      if (first.done !== true) {
        heads.push({ lines, line: first.value });
      }
    }
    heads.sort((a, b) => inTimeOrder(a.line, b.line));
    let batch: LogLine[] = [];
    while (heads.length > 0) {
      const head = heads[0] as (typeof heads)[number];
      batch.push(head.line);
      const next = await head.lines.next();
      heads.shift();
      if (next.done !== true) {
        head.line = next.value;
        const place = heads.findIndex(({ line }) => inTimeOrder(head.line, line) < 0);
        heads.splice(place === -1 ? heads.length : place, 0, head);
      }
      if (batch.length >= BATCH_LINES) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) {
      yield batch;
    }
  } finally {
    // Who stops in the middle leaves open files behind otherwise.
    await Promise.all(all.map((lines) => lines.return()));
  }
}
