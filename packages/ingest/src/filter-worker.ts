import { StreamPolicy } from "@auditsieve/policy/stream";
import type { StreamRules } from "@auditsieve/policy/stream";
import { parentPort, workerData } from "node:worker_threads";
import { RangeFilter } from "./filter-range.ts";
import type { FileRange } from "./filter-range.ts";

/** The worker's side of {@link filterInParallel}: a range comes, what became of it goes. */
export interface WorkerSetup {
  readonly rules: StreamRules;
  readonly verify: boolean;
}

const { rules, verify } = workerData as WorkerSetup;
const filter = new RangeFilter({ policy: new StreamPolicy(rules), verify });
parentPort?.on("message", (range: FileRange) => {
  const filtered = filter.filter(range);
  parentPort?.postMessage(filtered, [filtered.kept.buffer]);
});
