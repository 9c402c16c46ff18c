import { setFlagsFromString } from "node:v8";

/** A flag that is set, and as V8 has it by itself. */
type Flag = readonly [set: string, own: string];

type Work = "filter" | "replay";

/**
 * How often V8 runs a function before it compiles it for speed, and for more speed; 400 and 10,000 by itself (3,000 without Maglev). The scanner's module is compiled function
 * by function once each has run about four times as long as by itself.
 */
const RUNS_BEFORE: Readonly<Record<Work, readonly Flag[]>> = {
  filter: [
    ["--invocation-count-for-maglev=4000", "--invocation-count-for-maglev=400"],
    ["--invocation-count-for-turbofan=300000", "--invocation-count-for-turbofan=10000"],
    ["--wasm-tiering-budget=50000000", "--wasm-tiering-budget=13000000"],
  ],
  replay: [
    ["--invocation-count-for-maglev=1600", "--invocation-count-for-maglev=400"],
    ["--invocation-count-for-turbofan=60000", "--invocation-count-for-turbofan=10000"],
  ],
};
/**
 * Until its first full collection V8 begins to mark at some 10 MB, because the scanner's memory, 28 MB of which hardly any is touched, counts as if it
 * were old objects. Counted apart, and with marking put off, a quiet log ends before anything is marked.
 */
const MARK_LATER: readonly Flag[] = [
  ["--incremental-marking-hard-trigger=1000", "--incremental-marking-hard-trigger=0"],
  ["--external-memory-accounted-in-global-limit", "--no-external-memory-accounted-in-global-limit"],
];
/** Of a room for new objects that is kept small there is little to be shared: waking others costs more than it saves. */
const COLLECT_ALONE: Flag = ["--no-parallel-scavenge", "--parallel-scavenge"];

let flags: readonly Flag[] = [];

/**
 * Has V8 compile a function for speed only once it has run so often, and collect new objects in one thread. Most of a filter's lines are taken by
 * WebAssembly, so that what has run a few hundred times in JavaScript has mostly been run for the last time too: compiling it took a tenth of the
 * time of a short run, and saved nothing. A replay runs more of its JavaScript for every line, and has two threads already, each of which compiles
 * what it runs: on two cores that was a fifth of all time. The flags are only looked at when something is counted or collected, so they may be set
 * at any time, but for that of modules: with them it is settled when one is made, which is with the first scan. Not where only lines are filtered:
 * Node's module for it loads those of streams, which takes as long as is saved there.
 */
export function compileLater(work: Work): void {
  flags = [...RUNS_BEFORE[work], COLLECT_ALONE];
  flags.forEach(([set]) => setFlagsFromString(set));
}

/** Has V8 not mark its heap while that is small: to be called after {@link compileLater}. */
export function markLater(): void {
  flags = [...flags, ...MARK_LATER];
  MARK_LATER.forEach(([set]) => setFlagsFromString(set));
}

/** The heap is large: V8 marks it beside the work again, which is less than what has to be collected at once (`boundHeap`). */
export function markAsEver(): void {
  flags = flags.filter((flag) => !MARK_LATER.includes(flag));
  MARK_LATER.forEach(([, own]) => setFlagsFromString(own));
}

/** Loads something with V8's flags as they were at the start: what was compiled before, Node's own modules too, V8 takes only with those. */
export function asAtStart<T>(load: () => T): T {
  flags.forEach(([, own]) => setFlagsFromString(own));
  try {
    return load();
  } finally {
    flags.forEach(([set]) => setFlagsFromString(set));
  }
}
