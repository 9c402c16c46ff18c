import { setFlagsFromString } from "node:v8";

/** Ten and a hundred times as often as V8 waits for by itself. */
const RUNS_BEFORE = ["--invocation-count-for-maglev=4000", "--invocation-count-for-turbofan=300000"];
/** Of a room for new objects that is kept small there is little to be shared: waking others costs more than it saves. */
const COLLECT_ALONE = "--no-parallel-scavenge";

/**
 * Has V8 compile a function for speed only once it has run so often, and collect new objects in one thread. Most of a filter's lines are taken by
 * WebAssembly, so that what has run a few hundred times in JavaScript has mostly been run for the last time too: compiling it took a tenth of the
 * time of a short run, and saved nothing. The flags are only looked at when something is counted or collected, so they may be set at any time. Not
 * where only lines are filtered: Node's module for it loads those of streams, which takes as long as is saved there.
 */
export function compileLater(): void {
  [...RUNS_BEFORE, COLLECT_ALONE].forEach((flag) => setFlagsFromString(flag));
}
