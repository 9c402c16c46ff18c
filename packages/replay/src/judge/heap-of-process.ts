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
  /** The same at the start of a process, without the context in which what collects is found: that takes a quarter as long. */
  readonly collectNext: () => void;
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
    collectNext: () => {
      // What would collect new objects collects all.
      setFlagsFromString("--gc-global");
      fillYoung();
      setFlagsFromString("--no-gc-global");
    },
    compact: () => ask({ type: "major", flavor: "last-resort" }),
  };
}

/** The room for new objects has one megabyte at the start. */
const FILLED_BYTES = 2 * 1024 * 1024;
const WORDS = 4096;
const WORD_BYTES = 8;

/** Makes new objects until they are collected. What is used falls a little by the way, too. */
function fillYoung(): void {
  const words = Array.from({ length: WORDS });
  let most = 0;
  for (let made = 0; made < FILLED_BYTES; made += words.slice().length * WORD_BYTES) {
    const used = youngUsedBytes();
    if (2 * used < most) {
      return;
    }
    most = Math.max(most, used);
  }
}

function youngUsedBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_used_size ?? 0;
}
