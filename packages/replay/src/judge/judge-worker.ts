import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { Asked, JudgeDesk as Desk } from "./judge-desk.ts";

/** What a thread of {@link JudgeThread} is started with. */
export interface JudgeSetup {
  readonly compileCache: string | undefined;
}

const LARGE_BYTES = 150 * 1024 * 1024;

const { compileCache } = workerData as JudgeSetup;
if (compileCache !== undefined) {
  enableCompileCache(compileCache);
}
// Loaded only now, so that they are found in the cache.
const [{ JudgeDesk }, { boundHeap }] = await Promise.all([import("./judge-desk.ts"), import("./bound-heap.ts")]);
// It is one of two heaps.
const heap = boundHeap({ largeBytes: LARGE_BYTES });
let desk: Desk | undefined;
parentPort?.on("message", (asked: Asked) => {
  if (asked.kind === "load") {
    desk = new JudgeDesk(asked.texts);
  } else {
    parentPort?.postMessage((desk as Desk).answer(asked), []);
    heap.look();
  }
});
