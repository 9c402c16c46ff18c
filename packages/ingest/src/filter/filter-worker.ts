import type { StreamRules } from "@auditsieve/policy/stream";
import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { FileLength, FilteredRange } from "./filter-range.ts";
import type { FilterSummary } from "./filter-options.ts";

/** What a thread needs to know of {@link filterInParallel}'s options. */
export interface WorkerSetup {
  readonly rules: StreamRules;
  readonly verify: boolean;
  readonly logs: readonly FileLength[];
  readonly rangeBytes: number;
  readonly descriptor: number;
  /** Says which range is next, and whose turn it is to write. */
  readonly turns: SharedArrayBuffer;
  readonly compileCache: string | undefined;
}

/** The thread has loaded what it runs, ranges are done, or all that it was to do. */
export type WorkerMessage = "loaded" | { readonly ranges: readonly DoneRange[] } | { readonly summary: FilterSummary };

interface DoneRange {
  readonly index: number;
  readonly filtered: FilteredRange;
}

/** Are said together: a message costs as much as filtering 100 kB. */
const SAID_TOGETHER = 8;

void work(workerData as WorkerSetup);

async function work({ rules, verify, logs, rangeBytes, descriptor, turns, compileCache }: WorkerSetup): Promise<void> {
  if (compileCache !== undefined) {
    enableCompileCache(compileCache);
  }
  // Loaded only now, so that they are found in the cache.
  const [{ StreamPolicy }, { RangeFilter, rangesOf }, { OrderedOutput }] = await Promise.all([
    import("@auditsieve/policy/stream"),
    import("./filter-range.ts"),
    import("./ordered-output.ts"),
  ]);
  say("loaded");
  let done: DoneRange[] = [];
  const filter = new RangeFilter({ policy: new StreamPolicy(rules), verify });
  const out = new OrderedOutput(descriptor, turns, true);
  const summary = await filter.filter(rangesOf(logs, rangeBytes), out, (index, filtered) => {
    done.push({ index, filtered });
    if (done.length === SAID_TOGETHER) {
      say({ ranges: done });
      done = [];
    }
  });
  say({ ranges: done });
  say({ summary });
}

function say(message: WorkerMessage): void {
  parentPort?.postMessage(message, []);
}
