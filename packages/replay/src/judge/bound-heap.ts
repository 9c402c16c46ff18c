import { heapOfProcess } from "./heap-of-process.ts";
import type { HeapOfProcess } from "./heap-of-process.ts";

const LARGE_BYTES = 300 * 1024 * 1024;
/** A heap that takes as much is not given more room for new objects: a report of 150 MB took 35 MB less, and no more time. */
const GROWN_BYTES = 48 * 1024 * 1024;
/** Of V8's room for new objects, which by itself grows to 128 MB where much of what is made stays. */
const MOST_YOUNG_BYTES = 16 * 1024 * 1024;
const LOOK_EVERY_MS = 100;
/**
 * By how much of what is alive V8 lets the heap grow before it collects, in percent: by itself it lets it double and more. It marks beside
 * the work, which costs half of what a collection costs that is asked for (measured: 13.3 and 18.1 s where 200 MB are alive).
 */
const GROWTH_PERCENT = 30;
/** Where it takes twice of what is large. */
const LEAST_GROWTH_PERCENT = 15;
/** Where marking beside the work does not keep up the heap is collected at once: it holds so much more than when it held least since. */
const MOST_GROWTH = 1.4;
/** How much more than what it holds the heap may take of the machine: what dies leaves holes, which collecting alone does not close. */
const SLACK = 1.3;
/** Closing them takes a twentieth of the time at most. */
const SHARE = 20;

/** When {@link boundHeap} does something. */
interface Bounds {
  /** Below it nothing is collected. Default 300 MB, far above what ordinary logs need. */
  readonly largeBytes: number;
  /** Below it new objects get as much room as V8 thinks fit. Default 48 MB, or what is large if that is less. */
  readonly grownBytes: number;
  /** Milliseconds of a clock that never goes back. Default `performance.now()`. */
  readonly now: () => number;
}

/** A heap that is looked after. */
export interface BoundHeap {
  /** Looks at the heap unless that was done just now: for a thread that is so busy with messages that no timer comes to its turn. */
  look(): void;
  /** A stretch of work is over: what it needed goes before the next one begins. */
  settle(): void;
  /** The work is done. */
  release(): void;
}

/**
 * Keeps a process that has become large from growing on garbage, and on the holes that it leaves: a log that fills every table of the
 * detections would need twice the memory. Nothing is collected where it does not become large.
 *
 * @example
 * const heap = boundHeap();
 * await read();
 * heap.settle();
 * await write();
 * heap.release();
 */
export function boundHeap(heap: Partial<HeapOfProcess & Bounds> = {}): BoundHeap {
  const { usedBytes, takenBytes, youngBytes, letYoungGrow, letOldGrow, collect, compact } = {
    ...heapOfProcess(),
    ...heap,
  };
  const {
    largeBytes = LARGE_BYTES,
    grownBytes = Math.min(GROWN_BYTES, largeBytes),
    now = () => performance.now(),
  } = heap;
  let mayCloseAt = 0;
  let growth: number | undefined;
  let least = 0;
  let isYoungBound = false;
  const boundYoung = (isBound: boolean): void => {
    if (isYoungBound !== isBound) {
      isYoungBound = isBound;
      letYoungGrow(!isBound);
    }
  };
  const boundOld = (percent: number): void => {
    if (growth === undefined || percent < growth) {
      growth = percent;
      letOldGrow(percent);
      // How far it may grow was settled when it was collected last.
      collect();
      least = usedBytes();
    }
  };
  const closeHoles = (): void => {
    const from = now();
    boundYoung(false);
    compact();
    mayCloseAt = now() + SHARE * (now() - from);
  };
  const look = (): void => {
    const taken = takenBytes();
    if (taken > grownBytes && youngBytes() >= MOST_YOUNG_BYTES) {
      boundYoung(true);
    }
    if (taken <= largeBytes) {
      return;
    }
    boundOld(taken > 2 * largeBytes ? LEAST_GROWTH_PERCENT : GROWTH_PERCENT);
    least = Math.min(least, usedBytes());
    if (usedBytes() > MOST_GROWTH * least) {
      collect();
      least = usedBytes();
    }
    if (taken > SLACK * usedBytes() && now() >= mayCloseAt) {
      closeHoles();
    }
  };
  let due = 0;
  const lookWhenDue = (): void => {
    if (now() >= due) {
      look();
      due = now() + LOOK_EVERY_MS;
    }
  };
  const timer = setInterval(lookWhenDue, LOOK_EVERY_MS);
  timer.unref();
  return {
    look: lookWhenDue,
    settle: () => {
      if (takenBytes() > largeBytes) {
        closeHoles();
      }
    },
    release: () => {
      clearInterval(timer);
      boundYoung(false);
      if (growth !== undefined) {
        growth = undefined;
        letOldGrow(undefined);
      }
    },
  };
}
