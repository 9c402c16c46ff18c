import type { StreamRules } from "@auditsieve/policy/stream";
import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { FileRange } from "./filter-range.ts";

/** What a thread needs to know of {@link filterInParallel}'s options. */
export interface WorkerSetup {
  readonly rules: StreamRules;
  readonly verify: boolean;
  readonly compileCache: string | undefined;
}

/** A range to filter, and the memory for what is kept of it. */
export interface WorkerTask {
  readonly range: FileRange;
  readonly memory: ArrayBuffer;
}

const { rules, verify, compileCache } = workerData as WorkerSetup;
if (compileCache !== undefined) {
  enableCompileCache(compileCache);
}
// Loaded only now, so that they are found in the cache.
const [{ StreamPolicy }, { RangeFilter }] = await Promise.all([
  import("@auditsieve/policy/stream"),
  import("./filter-range.ts"),
]);
const filter = new RangeFilter({ policy: new StreamPolicy(rules), verify });
parentPort?.on("message", ({ range, memory }: WorkerTask) => {
  const filtered = filter.filter(range, memory);
  parentPort?.postMessage(filtered, [filtered.kept.buffer]);
});
