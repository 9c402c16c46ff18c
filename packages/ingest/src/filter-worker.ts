import type { StreamRules } from "@auditsieve/policy/stream";
import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { FileLength, FilteredRange } from "./filter-range.ts";
import type { FilterSummary } from "./filter.ts";

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

/** Ranges are done, or all that this thread was to do. */
export type WorkerMessage = { readonly ranges: readonly DoneRange[] } | { readonly summary: FilterSummary };

interface DoneRange {
  readonly index: number;
  readonly filtered: FilteredRange;
}

/** Are said together: a message costs as much as filtering 100 kB. */
const SAID_TOGETHER = 8;

const { rules, verify, logs, rangeBytes, descriptor, turns, compileCache } = workerData as WorkerSetup;
if (compileCache !== undefined) {
  enableCompileCache(compileCache);
}
// Loaded only now, so that they are found in the cache.
const [{ StreamPolicy }, { RangeFilter, rangesOf }, { OrderedOutput }] = await Promise.all([
  import("@auditsieve/policy/stream"),
  import("./filter-range.ts"),
  import("./ordered-output.ts"),
]);
const filter = new RangeFilter({ policy: new StreamPolicy(rules), verify });
const out = new OrderedOutput(descriptor, turns);
const ranges = rangesOf(logs, rangeBytes);
const say = (message: WorkerMessage): void => parentPort?.postMessage(message, []);
let done: DoneRange[] = [];
for (let index = out.begin(); index < ranges.length; index = out.begin()) {
  const range = ranges[index];
  if (range !== undefined) {
    done.push({ index, filtered: filter.filter(range, out) });
  }
  out.end();
  if (done.length === SAID_TOGETHER) {
    say({ ranges: done });
    done = [];
  }
}
filter.close();
say({ ranges: done });
say({ summary: filter.summary() });
