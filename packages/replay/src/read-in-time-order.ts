import type { EventScan } from "@auditsieve/audit";
import type { DetectionEngine } from "@auditsieve/detect";
import type { HeadMemo } from "@auditsieve/ingest/findings";
import { BlockMerge } from "./blocks/block-merge.ts";
import { findBlocks, mostBytesTogether } from "./blocks/log-blocks.ts";
import type { LogBlock } from "./blocks/log-blocks.ts";
import { looksOutOfOrder } from "./blocks/look-ahead.ts";
import type { SelectedFindings, SelectedSnapshot } from "./findings/selected-findings.ts";
import { BatchJudge } from "./judge/batch-judge.ts";
import { DirectJudge } from "./judge/run-judge.ts";
import type { RunJudge } from "./judge/run-judge.ts";
import type { LinePlace, LogLine } from "./lines/log-line.ts";
import { GuessedWrong, LogMerge, MAX_HELD_BYTES, OutOfOrder, WINDOW_MICROS } from "./time-order/merge-logs.ts";
import type { MergePosition } from "./time-order/merge-logs.ts";
import type { ReplayOptions } from "./replay-options.ts";
import { ReplayRun } from "./replay-run.ts";
import type { RunSnapshot } from "./replay-run.ts";
import { sortLogs } from "./time-order/sort-logs.ts";
import { readFailed, writeFailed } from "./state/failed-log.ts";
import type { Failed, SavedFailure } from "./state/failed-log.ts";
import { KeptRuns } from "./time-order/kept-runs.ts";

/** A replay that is under way: what it judges by, and where its findings go. */
export interface Reading {
  readonly options: ReplayOptions;
  /** Undefined where a thread judges. */
  readonly engine: DetectionEngine | undefined;
  readonly findings: SelectedFindings;
}

/** What a state folder holds: a run, its findings, and where it stopped in one order or another. */
interface Saved {
  readonly run: RunSnapshot;
  readonly findings: SelectedSnapshot;
  readonly failures: readonly SavedFailure[];
  readonly position?: MergePosition;
  readonly order?: TimeOrder & { readonly limit: number };
  readonly after?: LinePlace;
}

/** The logs are being sorted, and no line has been taken: {@link KeptRuns} hold how far that has come. */
interface Sorting {
  readonly isSorting: true;
}

/** Where which times stand in the logs. */
interface TimeOrder {
  readonly blocks: readonly LogBlock[];
  readonly isScanned: boolean;
}

/** Leads the lines of all logs through a run, in order of time, in the cheapest way that the logs allow. */
export async function readInTimeOrder(reading: Reading): Promise<ReplayRun> {
  const { options, findings } = reading;
  const found = options.state?.take() as Saved | Sorting | undefined;
  if (found !== undefined && "isSorting" in found) {
    options.onSort?.();
    return readSorted(reading, undefined);
  }
  let saved = found;
  if (saved?.after !== undefined || options.logs.some(({ isRepeatable }) => isRepeatable === false)) {
    return readSorted(reading, saved);
  }
  let isScanned = false;
  const { windowMicros = WINDOW_MICROS } = options.merge ?? {};
  if (saved?.order === undefined && (saved !== undefined || !(await looksOutOfOrder(options.logs, windowMicros)))) {
    const read = await readMerged(reading, saved);
    if (read instanceof ReplayRun) {
      return read;
    }
    isScanned = read instanceof GuessedWrong;
    saved = undefined;
  }
  for (;;) {
    if (saved?.order === undefined) {
      options.onSort?.();
      findings.clear();
    }
    const failures: Failed[] = saved?.failures.map(readFailed) ?? [];
    const order: TimeOrder | undefined = saved?.order ?? (await findOrder(options, isScanned, failures));
    if (order === undefined) {
      return readSorted(reading, undefined);
    }
    const read = await readBlocks(reading, order, failures, saved);
    if (read instanceof ReplayRun) {
      return read;
    }
    isScanned = true;
    saved = undefined;
  }
}

/** Why not, if a log is not in order. */
async function readMerged(reading: Reading, saved: Saved | undefined): Promise<ReplayRun | OutOfOrder> {
  const { options, findings } = reading;
  const failures: Failed[] = (saved?.failures ?? []).map(readFailed);
  const run = begin(reading, saved, { isSorted: false });
  const onUnreadable = (log: number, error: unknown): void => void failures.push({ log, error });
  const from = saved?.position;
  const isShared = options.thread !== undefined;
  const merge = new LogMerge(options.logs, { ...options.merge, isShared, onUnreadable, ...(from && { from }) });
  try {
    await takeAll(run, merge.lines(), options, async () => {
      const position = merge.position();
      const open = new Set(position.open.map(({ index }) => index));
      // What is open is read again up to where it fails, and fails again.
      const told = failures.filter(({ log }) => !open.has(log)).map(writeFailed);
      const saving = await run.snapshot();
      return { run: saving, findings: findings.snapshot(), failures: told, position } satisfies Saved;
    });
  } catch (error) {
    if (error instanceof OutOfOrder) {
      return error;
    }
    throw error;
  }
  return finish(run, failures);
}

/** Undefined if the logs cannot be read in any order, or too much of them is of one time. */
async function findOrder(
  { logs, signal, blocks: bounds, merge }: ReplayOptions,
  isScanned: boolean,
  failures: Failed[],
): Promise<TimeOrder | undefined> {
  const onUnreadable = (log: number, error: unknown): void => void failures.push({ log, error });
  const blocks = await findBlocks(logs, { ...bounds, isScanned, onUnreadable, signal });
  const isTooMuch = blocks !== undefined && mostBytesTogether(blocks) > (merge?.maxHeldBytes ?? MAX_HELD_BYTES);
  return blocks === undefined || isTooMuch ? undefined : { blocks, isScanned };
}

/** Why not, if what the order was guessed by turns out to be wrong. */
async function readBlocks(
  reading: Reading,
  { blocks, isScanned }: TimeOrder,
  failures: Failed[],
  saved: Saved | undefined,
): Promise<ReplayRun | OutOfOrder> {
  const { options, findings } = reading;
  const run = begin(reading, saved, { isSorted: isScanned });
  const merge = new BlockMerge(options.logs, blocks, {
    isScanned,
    isShared: options.thread !== undefined,
    // One that was not whole already is not told of twice.
    onUnreadable: (log, error) => {
      if (!failures.some((failed) => failed.log === log)) {
        failures.push({ log, error });
      }
    },
    ...(saved?.order && { from: saved.order.limit }),
  });
  try {
    await takeAll(run, merge.lines(), options, async () => ({
      run: await run.snapshot(),
      findings: findings.snapshot(),
      failures: failures.map(writeFailed),
      order: { blocks, isScanned, limit: merge.limit },
    }));
  } catch (error) {
    if (error instanceof OutOfOrder) {
      return error;
    }
    throw error;
  }
  return finish(run, failures);
}

async function readSorted(reading: Reading, saved: Saved | undefined): Promise<ReplayRun> {
  const { options, findings } = reading;
  const run = begin(reading, saved, { isSorted: true });
  const after = saved?.after;
  const { state } = options;
  const kept = state && (await KeptRuns.open(state, options.logs));
  if (after !== undefined && kept?.standing === undefined) {
    options.onSortAgain?.();
  }
  if (kept !== undefined && saved === undefined) {
    await state?.save({ isSorting: true } satisfies Sorting);
  }
  const onUnreadable = (log: number, error: unknown): void => run.fail(log, error);
  const { signal } = options;
  const lines = sortLogs(options.logs, {
    ...options.sort,
    onUnreadable,
    kept,
    ...(after && { after }),
    ...(signal && { signal }),
  });
  await takeAll(run, lines, options, async ({ micros, log, offset, isSalvaged = false }) => ({
    run: await run.snapshot(),
    findings: findings.snapshot(),
    failures: [],
    after: { micros, log, offset, isSalvaged },
  }));
  await run.finish();
  return run;
}

/** What could not be read is told at the end: when all is read again, it is told only once. */
async function finish(run: ReplayRun, failures: readonly Failed[]): Promise<ReplayRun> {
  await run.finish();
  failures.forEach(({ log, error }) => run.fail(log, error));
  return run;
}

function begin(
  { options, engine, findings }: Reading,
  saved: Saved | undefined,
  order: { readonly isSorted: boolean },
): ReplayRun {
  const { thread } = options;
  const judgeFor = (scan: EventScan, memo: HeadMemo): RunJudge =>
    thread === undefined
      ? new DirectJudge(engine as DetectionEngine, scan, memo)
      : new BatchJudge(thread.judges, options.detections, { ...thread, isBusy: (options.visitors ?? []).length > 0 });
  const run = new ReplayRun(options, judgeFor, { ...order, take: (finding) => findings.add(finding) });
  if (saved !== undefined) {
    run.restore(saved.run);
    findings.restore(saved.findings);
  }
  return run;
}

/** Saves now and then where it stands, and when it is told to stop. */
async function takeAll(
  run: ReplayRun,
  batches: AsyncIterable<readonly LogLine[]>,
  { state, signal, saveEveryMs = SAVE_EVERY_MS }: ReplayOptions,
  standing: (last: LogLine) => Promise<Saved>,
): Promise<void> {
  let due = performance.now() + saveEveryMs;
  let last: LogLine | undefined;
  const save = async (): Promise<void> => {
    if (state !== undefined && last !== undefined) {
      const from = performance.now();
      await state.save(await standing(last));
      const took = performance.now() - from;
      // However much is to be written: it costs a twentieth of the time at most.
      due = performance.now() + Math.max(saveEveryMs, SHARE * took);
    }
  };
  for await (const batch of batches) {
    for (const line of batch) {
      run.take(line);
      if (run.isFull) {
        await run.room();
      }
    }
    last = batch.at(-1) ?? last;
    const isStopping = signal?.aborted === true;
    if (isStopping || (state !== undefined && performance.now() >= due)) {
      await save();
    }
    signal?.throwIfAborted();
  }
  // Behind the last line, before what waited is let go: what is made of it can be made again from here.
  await save();
}

const SAVE_EVERY_MS = 10_000;
const SHARE = 20;
