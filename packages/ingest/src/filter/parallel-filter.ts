import { StreamPolicy } from "@auditsieve/policy/stream";
import type { StreamRules } from "@auditsieve/policy/stream";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { setImmediate as othersSpoke } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { fileError } from "../errors.ts";
import { RangeFilter, rangesOf } from "./filter-range.ts";
import type { FileLength, FilteredRange } from "./filter-range.ts";
import type { WorkerMessage, WorkerSetup } from "./filter-worker.ts";
import type { FilterSummary, LineProblem } from "./filter-options.ts";
import type { RuleCount } from "./rule-counts.ts";
import { OrderedOutput, TURNS_BYTES } from "./ordered-output.ts";
import { looksMixed } from "../logs/looks-mixed.ts";
import { isPlain } from "../logs/plain-log.ts";

/** Large enough that a worker remembers more than it learns, small enough that a few of them fit into the memory. */
const RANGE_BYTES = 4 * 1024 * 1024;
/** One thread is done sooner with less. */
const LEAST_BYTES = 4 * 1024 * 1024;
const HEAD_BYTES = 64 * 1024;
/** Ranges between which messages of the other threads are taken. */
const HEARD_EVERY = 8;

/** How {@link filterInParallel} works. */
export interface ParallelFilterOptions {
  readonly rules: StreamRules;
  readonly verify: boolean;
  readonly workers: number;
  /** As of the filter, with lines and offsets of the file. */
  readonly onProblem: (path: string, problem: LineProblem) => void;
  /** What is kept is written there, in order, by the threads themselves; nobody else may write there meanwhile. */
  readonly descriptor: number;
  readonly onProgress?: (bytes: number) => void;
  /** All threads have loaded what they run. */
  readonly onLoaded?: () => void;
  /** Bytes of a range; for tests. */
  readonly rangeBytes?: number;
}

/**
 * Whether a file can be filtered in ranges: plain, events a line, and long enough. Not where it cannot be read: whoever reads it says why. The
 * thread waits for the file: Node's threads for files would have to be started for it, which takes as long as filtering 50 MB.
 */
export function isRangeable(path: string, least: number = LEAST_BYTES): boolean {
  let file: number | undefined;
  try {
    const facts = statSync(path);
    if (!facts.isFile() || facts.size < least) {
      return false;
    }
    file = openSync(path, "r");
    const head = Buffer.alloc(HEAD_BYTES);
    return isPlain(head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0))) && !looksMixed(file);
  } catch {
    return false;
  } finally {
    if (file !== undefined) {
      closeSync(file);
    }
  }
}

/**
 * Filters plain logs with several threads, this one among them, each a range of a file at a time. What is kept comes out in order, as one
 * {@link Filter} would write it, and the counts are the same. Files that grow meanwhile are read up to where they ended.
 *
 * @example
 * const descriptor = openSync("kept.log", "w");
 * const summary = await filterInParallel(["audit.log"], { rules, verify: false, workers: 2, onProblem: () => {}, descriptor });
 * closeSync(descriptor);
 */
export async function filterInParallel(
  paths: readonly string[],
  options: ParallelFilterOptions,
): Promise<FilterSummary> {
  const logs = lengthsOf(paths);
  const { rules, verify, descriptor, rangeBytes = RANGE_BYTES } = options;
  const ranges = rangesOf(logs, rangeBytes);
  const turns = new SharedArrayBuffer(TURNS_BYTES);
  const setup = { rules, verify, logs, rangeBytes, descriptor, turns, compileCache: getCompileCacheDir() };
  /** Those that were done before one in front of them. */
  const done = new Map<number, FilteredRange>();
  let next = 0;
  let linesBefore = 0;
  const take = (index: number, filtered: FilteredRange): void => {
    done.set(index, filtered);
    for (let first = done.get(next); first !== undefined; first = done.get(next)) {
      const { path, start, end } = ranges[next] as (typeof ranges)[number];
      linesBefore = start === 0 ? 0 : linesBefore;
      for (const problem of first.problems) {
        options.onProblem(path, { ...problem, line: problem.line + linesBefore });
      }
      linesBefore += first.lines;
      options.onProgress?.(end - start);
      done.delete(next++);
    }
  };
  const others = Math.min(options.workers, ranges.length) - 1;
  let loading = others;
  const load = (): void => {
    if (--loading === 0) {
      options.onLoaded?.();
    }
  };
  const threads = Array.from({ length: others }, () => startThread(setup, load, take));
  const filter = new RangeFilter({ policy: new StreamPolicy(rules), verify });
  let silent = 0;
  const own = filter.filter(ranges, new OrderedOutput(descriptor, turns, false), async (index, filtered) => {
    take(index, filtered);
    if (++silent === HEARD_EVERY) {
      silent = 0;
      await othersSpoke();
    }
  });
  try {
    const summaries = await Promise.all([own, ...threads.map(({ summary }) => summary)]);
    return summaries.reduce(sum, NOTHING);
  } finally {
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}

const NOTHING: FilterSummary = {
  lines: 0,
  bytes: 0,
  kept: 0,
  keptBytes: 0,
  dropped: 0,
  stripped: 0,
  invalid: 0,
  salvaged: 0,
  byRule: [],
};

function lengthsOf(paths: readonly string[]): readonly FileLength[] {
  return paths.map((path) => {
    try {
      return { path, length: statSync(path).size };
    } catch (error) {
      throw fileError("read log", path, error);
    }
  });
}

interface RangeThread {
  readonly worker: Worker;
  /** Comes when no range is left. */
  readonly summary: Promise<FilterSummary>;
}

function startThread(
  setup: WorkerSetup,
  load: () => void,
  take: (index: number, filtered: FilteredRange) => void,
): RangeThread {
  const worker = new Worker(workerFile(), {
    workerData: setup,
    // Nearly all that they hold is outside the heap.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  const summary = new Promise<FilterSummary>((resolve, reject) => {
    worker.on("message", (message: WorkerMessage) => {
      if (message === "loaded") {
        load();
      } else if ("summary" in message) {
        resolve(message.summary);
      } else {
        for (const { index, filtered } of message.ranges) {
          take(index, filtered);
        }
      }
    });
    worker.on("error", reject);
    worker.on("exit", () => reject(new Error("Cannot filter a range: its thread has ended")));
  });
  return { worker, summary };
}

function workerFile(): URL {
  const [extension = ".js"] = /\.[a-z]+$/.exec(import.meta.url) ?? [];
  return new URL(`./filter-worker${extension}`, import.meta.url);
}

/** The counts of two parts of a log. */
function sum(a: FilterSummary, b: FilterSummary): FilterSummary {
  const rules = new Map<string, RuleCount>();
  for (const each of [...a.byRule, ...b.byRule]) {
    const key = `${each.rule}/${each.level}`;
    const known = rules.get(key);
    rules.set(key, {
      ...each,
      dropped: each.dropped + (known?.dropped ?? 0),
      stripped: each.stripped + (known?.stripped ?? 0),
      bytes: each.bytes + (known?.bytes ?? 0),
    });
  }
  return {
    lines: a.lines + b.lines,
    bytes: a.bytes + b.bytes,
    kept: a.kept + b.kept,
    keptBytes: a.keptBytes + b.keptBytes,
    dropped: a.dropped + b.dropped,
    stripped: a.stripped + b.stripped,
    invalid: a.invalid + b.invalid,
    salvaged: a.salvaged + b.salvaged,
    // What no rule matched comes last.
    byRule: [...rules.values()].sort((x, y) => (x.rule ?? Infinity) - (y.rule ?? Infinity)),
  };
}
