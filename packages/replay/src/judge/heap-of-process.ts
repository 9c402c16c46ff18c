import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What V8 tells of this process's heap, and what can be asked of it. */
export interface HeapOfProcess {
  readonly usedBytes: () => number;
  /** What it takes of the machine for that. */
  readonly takenBytes: () => number;
  /** What the room for new objects takes. */
  readonly youngBytes: () => number;
  /** V8 reads whether that room may grow whenever it would; its limit cannot be set once it runs. */
  readonly letYoungGrow: (mayGrow: boolean) => void;
  /** So far beyond what was alive, in percent, the heap grows before it is collected; undefined: as V8 thinks fit. Read whenever it is collected. */
  readonly letOldGrow: (percent: number | undefined) => void;
  readonly collect: () => void;
  /** Collects, moves what is alive together and gives the rest back to the machine: slow. The room for new objects is small again. */
  readonly compact: () => void;
}

/** The one that this thread runs on. */
export function heapOfProcess(): HeapOfProcess {
  let gc: ((options?: object) => void) | undefined;
  let isAsked = false;
  const ask = (options?: object): void => {
    if (!isAsked) {
      isAsked = true;
      // V8's limits cannot be set once it runs; collecting can be asked for, unless flags are fixed.
      setFlagsFromString("--expose-gc");
      gc = runInNewContext("globalThis.gc") as typeof gc;
      // V8 takes compiled code only with the flags that it was made with.
      setFlagsFromString("--no-expose-gc");
    }
    if (options === undefined) {
      gc?.();
    } else {
      gc?.(options);
    }
  };
  return {
    usedBytes: () => getHeapStatistics().used_heap_size,
    takenBytes: () => getHeapStatistics().total_heap_size,
    youngBytes: () => getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0,
    letYoungGrow: (mayGrow) => setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`),
    letOldGrow: (percent = 0) => setFlagsFromString(`--heap-growing-percent=${percent}`),
    collect: () => ask(),
    compact: () => ask({ type: "major", flavor: "last-resort" }),
  };
}
