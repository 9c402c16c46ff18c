import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { Asked, DetectionTexts } from "./judge-desk.ts";

/** What a thread of {@link JudgeThread} is started with. */
export interface JudgeSetup extends DetectionTexts {
  readonly compileCache: string | undefined;
}

const { compileCache, ...texts } = workerData as JudgeSetup;
if (compileCache !== undefined) {
  enableCompileCache(compileCache);
}
// Loaded only now, so that they are found in the cache.
const [{ JudgeDesk }, { boundHeap }] = await Promise.all([import("./judge-desk.ts"), import("../bound-heap.ts")]);
const desk = new JudgeDesk(texts);
boundHeap();
parentPort?.on("message", (asked: Asked) => parentPort?.postMessage(desk.answer(asked), []));
