import { EnvelopeReader } from "@auditsieve/audit";
import { StreamPolicy } from "@auditsieve/policy/stream";
import type { StreamRules } from "@auditsieve/policy/stream";
import { open, stat } from "node:fs/promises";
import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import { fileError } from "./errors.ts";
import { RangeFilter } from "./filter-range.ts";
import type { FileRange, FilteredRange } from "./filter-range.ts";
import type { WorkerSetup, WorkerTask } from "./filter-worker.ts";
import type { FilterSummary, LineProblem, RuleCount } from "./filter.ts";
import { logFormat } from "./sources/log-format.ts";

/** Large enough that a worker remembers more than it learns, small enough that a few of them fit into the memory. */
const RANGE_BYTES = 2 * 1024 * 1024;
const SPARE_BYTES = 64 * 1024;
const HEAD_BYTES = 64 * 1024;

/** How {@link filterInParallel} works. */
export interface ParallelFilterOptions {
  readonly rules: StreamRules;
  readonly verify: boolean;
  readonly workers: number;
  /** As of the filter, with lines and offsets of the file. */
  readonly onProblem: (path: string, problem: LineProblem) => void;
  /** Takes what is kept, in order; its memory is used again when it has resolved. */
  readonly write: (kept: Uint8Array) => Promise<void>;
  readonly onProgress?: (bytes: number) => void;
  /** Bytes of a range; for tests. */
  readonly rangeBytes?: number;
}

/** Whether a file can be filtered in ranges: plain, events a line, and more than a range long. */
export async function isRangeable(path: string, least: number = 2 * RANGE_BYTES): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined || !facts.isFile() || facts.size < least) {
    return false;
  }
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
    const reader = new EnvelopeReader();
    reader.write(head.subarray(0, bytesRead));
    return logFormat(head) === "plain" && reader.isPlain;
  } finally {
    await file.close();
  }
}

/**
 * Filters plain logs with several threads, each a range of a file at a time. What is kept comes out in order, as one
 * {@link Filter} would write it, and the counts are the same. Files that grow meanwhile are read up to where they ended.
 *
 * @example
 * const summary = await filterInParallel(["audit.log"], { rules, verify: false, workers: 2, onProblem: () => {}, write });
 */
export async function filterInParallel(
  paths: readonly string[],
  options: ParallelFilterOptions,
): Promise<FilterSummary> {
  const ranges = await rangesOf(paths, options.rangeBytes ?? RANGE_BYTES);
  const { rules, verify } = options;
  const threads = Array.from(
    { length: Math.min(options.workers, ranges.length) },
    () => new RangeThread(rules, verify),
  );
  let next = 0;
  /** In order; each thread has one range under way and one waiting. */
  const running: Promise<FilteredRange>[] = [];
  const start = (thread: RangeThread, memory: ArrayBuffer): void => {
    const range = ranges[next++];
    if (range !== undefined) {
      running.push(thread.filter(range, memory));
    }
  };
  let total = NOTHING;
  let passing: RangeFilter | undefined;
  try {
    for (const thread of [...threads, ...threads]) {
      start(thread, new ArrayBuffer((options.rangeBytes ?? RANGE_BYTES) + SPARE_BYTES));
    }
    let linesBefore = 0;
    for (const [index, { path, start: from, end }] of ranges.entries()) {
      const filtered = await (running.shift() as Promise<FilteredRange>);
      const { kept, rest } = filtered;
      linesBefore = from === 0 ? 0 : linesBefore;
      const count = ({ summary, problems }: Pick<FilteredRange, "summary" | "problems">): void => {
        for (const problem of problems) {
          options.onProblem(path, { ...problem, line: problem.line + linesBefore });
        }
        linesBefore += summary.lines;
        total = sum(total, summary);
      };
      count(filtered);
      await options.write(kept);
      if (rest !== undefined) {
        // A line of any length must not be held: what is left is written here as it is read.
        passing ??= new RangeFilter({ policy: new StreamPolicy(rules), verify });
        count(await passing.pass({ path, start: rest, end }, options.write));
      }
      // Threads take turns, so this range was done by the one whose turn it is again.
      start(threads[index % threads.length] as RangeThread, kept.buffer);
      options.onProgress?.(end - from);
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
  return total;
}

const NOTHING: FilterSummary = {
  lines: 0,
  bytes: 0,
  kept: 0,
  keptBytes: 0,
  dropped: 0,
  stripped: 0,
  invalid: 0,
  byRule: [],
};

async function rangesOf(paths: readonly string[], rangeBytes: number): Promise<readonly FileRange[]> {
  const ranges: FileRange[] = [];
  for (const path of paths) {
    const { size } = await stat(path).catch((error: unknown) => {
      throw fileError("read log", path, error);
    });
    for (let start = 0; start < size; start += rangeBytes) {
      ranges.push({ path, start, end: Math.min(size, start + rangeBytes) });
    }
  }
  return ranges;
}

/** A worker that filters the ranges it is given, one after the other. */
class RangeThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<FilteredRange>[] = [];

  constructor(rules: StreamRules, verify: boolean) {
    this.#worker = new Worker(workerFile(), {
      workerData: { rules, verify, compileCache: getCompileCacheDir() } satisfies WorkerSetup,
      // Nearly all that they hold is outside the heap.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    this.#worker.on("message", (message: FilteredRange) => this.#waiting.shift()?.resolve(message));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("Cannot filter a range: its thread has ended")));
  }

  filter(range: FileRange, memory: ArrayBuffer): Promise<FilteredRange> {
    const waiting = Promise.withResolvers<FilteredRange>();
    // It is awaited when its turn has come: until then a rejection is not unhandled.
    waiting.promise.catch(() => undefined);
    this.#waiting.push(waiting);
    this.#worker.postMessage({ range, memory } satisfies WorkerTask, [memory]);
    return waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) {
      reject(error);
    }
  }
}

function workerFile(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./filter-worker.ts" : "./filter-worker.js", import.meta.url);
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
    // What no rule matched comes last.
    byRule: [...rules.values()].sort((x, y) => (x.rule ?? Infinity) - (y.rule ?? Infinity)),
  };
}
