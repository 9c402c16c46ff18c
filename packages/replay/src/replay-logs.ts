import type { EventScan } from "@auditsieve/audit";
import { DetectionEngine } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import type { HeadMemo } from "@auditsieve/ingest/findings";
import type { FindingList, FindingStoreOptions } from "./findings/finding-store.ts";
import type { LinePlace, LogLine } from "./log-line.ts";
import { LogMerge, OutOfOrder } from "./merge-logs.ts";
import type { MergeOptions, MergePosition } from "./merge-logs.ts";
import { BatchJudge } from "./judge/batch-judge.ts";
import type { JudgeThread } from "./judge/judge-thread.ts";
import { DirectJudge } from "./judge/run-judge.ts";
import type { RunJudge } from "./judge/run-judge.ts";
import { ReplayRun } from "./replay-run.ts";
import type { RunOptions, RunSnapshot } from "./replay-run.ts";
import { summarise } from "./replay-summary.ts";
import type { ReplaySummary } from "./replay-summary.ts";
import { SelectedFindings } from "./findings/selected-findings.ts";
import type { SelectedSnapshot } from "./findings/selected-findings.ts";
import type { Selection } from "./selection.ts";
import { sortLogs } from "./sort-logs.ts";
import type { SortOptions } from "./sort-logs.ts";
import { readFailed, writeFailed } from "./state/failed-log.ts";
import type { Failed, SavedFailure } from "./state/failed-log.ts";
import type { ReplayState } from "./state/replay-state.ts";

/** What is replayed, through what, and which findings are asked for. */
export interface ReplayOptions extends RunOptions {
  readonly detections: readonly Detection[];
  /** A thread that has loaded the same detections, to run them in; and the key of the redactor. Without it all is done in this one. */
  readonly thread?: { readonly judges: JudgeThread; readonly redactionKey: Uint8Array } | undefined;
  readonly selection?: Selection;
  /** Told that a log is not in order, and all is read again, sorted. */
  readonly onSort?: () => void;
  /** Told that a replay that is gone on with had sorted the logs: that is done again, and only the lines that were taken are left out. */
  readonly onSortAgain?: () => void;
  readonly signal?: AbortSignal;
  /** Where it is remembered how far the logs are read; goes on from there. Every visitor must be able to. */
  readonly state?: ReplayState;
  /** Least time between two savings of the state. Default 10 s. */
  readonly saveEveryMs?: number;
  /** Bounds of the merge; the defaults fit what apiservers write. */
  readonly merge?: Omit<MergeOptions, "onUnreadable">;
  /** Bounds of the findings that are held in memory. */
  readonly findings?: FindingStoreOptions;
  /** Bounds of the sorting of logs that are not in order. */
  readonly sort?: Omit<SortOptions, "onUnreadable">;
}

/** What a replay gives. */
export interface Replayed {
  /** The findings asked for, in order of time: the timeline. */
  readonly findings: FindingList;
  readonly summary: ReplaySummary;
  /** Lets go of findings that were put aside on the disk. */
  close(): void;
}

/**
 * Leads logs through the same detections as the daemon, in order of time over all of them: live and replay find the same.
 *
 * Logs that are nearly in order are merged as they are read. Where one is not, all are read again and sorted, through temporary
 * files if they do not fit into memory; standard input, which cannot be read again, is sorted from the start.
 *
 * @example
 * const logs = [{ name: "audit.log", open: () => openCanonicalLog("audit.log") }];
 * const { findings, summary } = await replayLogs({ logs, detections, redactor: createRedactor({ key }) });
 */
export async function replayLogs(options: ReplayOptions): Promise<Replayed> {
  const engine = options.thread === undefined ? new DetectionEngine(options.detections) : undefined;
  const findings = new SelectedFindings(options.selection ?? {}, {
    ...options.findings,
    ...(options.state && { file: options.state.path("findings") }),
  });
  const isRepeatable = options.logs.every((log) => log.isRepeatable !== false);
  try {
    const saved = options.state?.take() as Saved | undefined;
    let run =
      isRepeatable && saved?.after === undefined ? await readMerged(options, engine, findings, saved) : undefined;
    if (run === undefined) {
      if (isRepeatable && saved?.after === undefined) {
        options.onSort?.();
        findings.clear();
      }
      run = await readSorted(options, engine, findings, saved?.after === undefined ? undefined : saved);
    }
    const { store, notSelected } = findings;
    return {
      findings: store,
      summary: summarise(store, notSelected, run, options.detections),
      close: () => store.close(),
    };
  } catch (error) {
    findings.clear();
    throw error;
  }
}

/** What a state folder holds: a run, its findings, and where it stopped in one order or the other. */
interface Saved {
  readonly run: RunSnapshot;
  readonly findings: SelectedSnapshot;
  readonly failures: readonly SavedFailure[];
  readonly position?: MergePosition;
  readonly after?: LinePlace;
}

/** Undefined if a log is not in order. */
async function readMerged(
  options: ReplayOptions,
  engine: DetectionEngine | undefined,
  findings: SelectedFindings,
  saved: Saved | undefined,
): Promise<ReplayRun | undefined> {
  const failures: Failed[] = (saved?.failures ?? []).map(readFailed);
  const run = begin(options, engine, findings, saved, { isSorted: false });
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
      return undefined;
    }
    throw error;
  }
  await run.finish();
  // Told at the end: when all is read again, it is told only once.
  failures.forEach(({ log, error }) => run.fail(log, error));
  return run;
}

async function readSorted(
  options: ReplayOptions,
  engine: DetectionEngine | undefined,
  findings: SelectedFindings,
  saved: Saved | undefined,
): Promise<ReplayRun> {
  const run = begin(options, engine, findings, saved, { isSorted: true });
  const after = saved?.after;
  if (after !== undefined) {
    options.onSortAgain?.();
  }
  const onUnreadable = (log: number, error: unknown): void => run.fail(log, error);
  const { signal } = options;
  const lines = sortLogs(options.logs, {
    ...options.sort,
    onUnreadable,
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

function begin(
  options: ReplayOptions,
  engine: DetectionEngine | undefined,
  findings: SelectedFindings,
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
