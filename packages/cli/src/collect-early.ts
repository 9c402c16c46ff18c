import { heapOfProcess } from "@auditsieve/replay/heap";
import type { HeapOfProcess } from "@auditsieve/replay/heap";

/** Of some 5 MB that are alive then. V8 begins to mark 32 MB before the heap is as large as it may become, and most logs need up to 45 MB. */
const GROWTH_PERCENT = 1800;

/**
 * Has the heap collected while hardly anything is in it, and not by itself before it has grown to a multiple of that. Otherwise V8 begins to mark at
 * 10 MB, which every log with detections comes to, and frees one: that takes three times as long. {@link keepHeapSmall} bounds what is made later.
 */
export function collectEarly(heap: Pick<HeapOfProcess, "letOldGrow" | "collectNext"> = heapOfProcess()): void {
  heap.letOldGrow(GROWTH_PERCENT);
  heap.collectNext();
  heap.letOldGrow(undefined);
}
