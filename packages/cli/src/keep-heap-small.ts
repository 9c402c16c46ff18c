import { heapOfProcess } from "@auditsieve/replay/heap";
import type { HeapOfProcess } from "@auditsieve/replay/heap";

/** Of V8's room for new objects. By itself it grows to 64 MB, twice as much as that took before in all. */
const MOST_BYTES = 8 * 1024 * 1024;
/** It grows fastest while heads are seen for the first time; after so many looks one in a while does: what V8 tells takes as long as a hundred lines. */
const FIRST_LOOKS = 64;
const LOOK_EVERY_MS = 25;
/** The whole heap is collected when it has become so large, and each time when it has grown by so much since: V8 lets it more than double. */
const MOST_HEAP_BYTES = 72 * 1024 * 1024;
const GROWTH = 1.25;

/** What {@link keepHeapSmall} looks at and does. */
type Heap = Pick<HeapOfProcess, "youngBytes" | "letYoungGrow" | "takenBytes" | "collect">;

/**
 * Keeps the memory of a long run small: call the answer after each chunk, or every few of them. `whenLarge`
 * is called before it is collected for the first time. `now`: milliseconds of a clock that never goes back. Once V8's room for new objects has grown to 8 MB it grows no
 * more; what is made of an event dies with it, and more room only means that more garbage lies about (measured: 167 MB before and 118 MB
 * with it on a log of 1 GB). V8 reads the flag whenever it would grow that room; its limit cannot be set once it runs.
 * What outlives that room is collected, from `mostBytes` on, before it has doubled (measured: 169 to 179 MB before and 148 to 157 MB with it on 2.1 GB).
 */
export function keepHeapSmall(
  whenLarge: () => void,
  heap: Heap = heapOfProcess(),
  now: () => number = () => 1000 * process.uptime(),
  mostBytes: number = MOST_HEAP_BYTES,
): () => void {
  let calls = 0;
  let due = 0;
  let isBounded = false;
  let wasLarge = false;
  let most = mostBytes;
  return () => {
    calls++;
    if (calls > FIRST_LOOKS) {
      if (now() < due) {
        return;
      }
      due = now() + LOOK_EVERY_MS;
    }
    if (!isBounded && heap.youngBytes() >= MOST_BYTES) {
      isBounded = true;
      heap.letYoungGrow(false);
    }
    if (heap.takenBytes() > most) {
      if (!wasLarge) {
        wasLarge = true;
        whenLarge();
      }
      heap.collect();
      most = Math.max(mostBytes, GROWTH * heap.takenBytes());
    }
  };
}
