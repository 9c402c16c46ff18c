import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LARGE_BYTES = 300 * 1024 * 1024;
const LOOK_EVERY_MS = 100;
/** How much more than what was alive last the heap may hold. By itself V8 lets it double and more. */
const GROWTH = 1.25;

/** What {@link boundHeap} looks at and does. */
export interface HeapOfProcess {
  readonly usedBytes: () => number;
  /** Below it nothing is done. Default 300 MB, far above what ordinary logs need. */
  readonly largeBytes: number;
  readonly collect: () => void;
}

/**
 * Keeps a process that has become large from growing on garbage: a log that fills every table of the detections would need half as
 * much memory again. Nothing is done where it does not become large. Call the answer when the work is done.
 *
 * @example
 * const release = boundHeap();
 * await work();
 * release();
 */
export function boundHeap(heap: Partial<HeapOfProcess> = {}): () => void {
  const { usedBytes, largeBytes, collect } = { ...own(), ...heap };
  let alive = 0;
  const look = (): void => {
    if (usedBytes() > Math.max(largeBytes, GROWTH * alive)) {
      collect();
      alive = usedBytes();
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function own(): HeapOfProcess {
  let collect: (() => void) | undefined;
  return {
    usedBytes: () => getHeapStatistics().used_heap_size,
    largeBytes: LARGE_BYTES,
    collect: () => {
      if (collect === undefined) {
        // V8's limits cannot be set once it runs (--heap-growing-percent is not read then); collecting can be asked for.
        setFlagsFromString("--expose-gc");
        collect = runInNewContext("gc") as () => void;
      }
      collect();
    },
  };
}
