import { DetectionEngine } from "@auditsieve/detect";
import type { Detection, Finding } from "@auditsieve/detect";
import { FindingStore } from "./findings/finding-store.ts";
import type { FindingList, FindingStoreOptions } from "./findings/finding-store.ts";
import type { LogLine } from "./log-line.ts";
import { mergeLogs, OutOfOrder } from "./merge-logs.ts";
import type { MergeOptions } from "./merge-logs.ts";
import { ReplayRun } from "./replay-run.ts";
import type { RunOptions } from "./replay-run.ts";
import { summarise } from "./replay-summary.ts";
import type { ReplaySummary } from "./replay-summary.ts";
import { isSelected } from "./selection.ts";
import type { Selection } from "./selection.ts";
import { sortLogs } from "./sort-logs.ts";
import type { SortOptions } from "./sort-logs.ts";

/** What is replayed, through what, and which findings are asked for. */
export interface ReplayOptions extends RunOptions {
  readonly detections: readonly Detection[];
  readonly selection?: Selection;
  /** Told that a log is not in order, and all is read again, sorted. */
  readonly onSort?: () => void;
  readonly signal?: AbortSignal;
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
  const engine = new DetectionEngine(options.detections);
  const findings = new SelectedFindings(options.selection ?? {}, options.findings);
  const isRepeatable = options.logs.every((log) => log.isRepeatable !== false);
  try {
    let run = isRepeatable ? await readMerged(options, engine, findings) : undefined;
    if (run === undefined) {
      if (isRepeatable) {
        options.onSort?.();
      }
      findings.clear();
      run = await readSorted(options, engine, findings);
    }
    const { store, notSelected } = findings;
    return {
      findings: store,
      summary: summarise(store, notSelected, run, options.detections),
      close: () => store.close(),
    };
  } catch (error) {
    findings.store.close();
    throw error;
  }
}

/** Keeps the findings that are asked for, and counts the others. */
class SelectedFindings {
  readonly store: FindingStore;
  notSelected = 0;
  readonly #selection: Selection;

  constructor(selection: Selection, options: FindingStoreOptions | undefined) {
    this.store = new FindingStore(options);
    this.#selection = selection;
  }

  add(finding: Finding): void {
    if (isSelected(finding, this.#selection)) {
      this.store.add(finding);
    } else {
      this.notSelected++;
    }
  }

  clear(): void {
    this.store.close();
    this.notSelected = 0;
  }
}

/** Undefined if a log is not in order. */
async function readMerged(
  options: ReplayOptions,
  engine: DetectionEngine,
  findings: SelectedFindings,
): Promise<ReplayRun | undefined> {
  const failures: { readonly log: number; readonly error: unknown }[] = [];
  const run = new ReplayRun(options, engine, { isSorted: false, take: (finding) => findings.add(finding) });
  const onUnreadable = (log: number, error: unknown): void => void failures.push({ log, error });
  try {
    await takeAll(run, mergeLogs(options.logs, { ...options.merge, onUnreadable }), options.signal);
  } catch (error) {
    if (error instanceof OutOfOrder) {
      return undefined;
    }
    throw error;
  }
  run.finish();
  // Told at the end: when all is read again, it is told only once.
  failures.forEach(({ log, error }) => run.fail(log, error));
  return run;
}

async function readSorted(
  options: ReplayOptions,
  engine: DetectionEngine,
  findings: SelectedFindings,
): Promise<ReplayRun> {
  const run = new ReplayRun(options, engine, { isSorted: true, take: (finding) => findings.add(finding) });
  const lines = sortLogs(options.logs, { ...options.sort, onUnreadable: (log, error) => run.fail(log, error) });
  await takeAll(run, lines, options.signal);
  run.finish();
  return run;
}

async function takeAll(
  run: ReplayRun,
  batches: AsyncIterable<readonly LogLine[]>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const batch of batches) {
    for (const line of batch) {
      run.take(line);
    }
    signal?.throwIfAborted();
  }
}
