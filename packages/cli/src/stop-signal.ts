import { EXIT } from "./exit-code.ts";

/** Signals to end, heard from now on. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** From now on a signal ends the process at once, as if nobody had listened. */
  release(): void;
}

/** What comes so soon is the same signal: a terminal and `timeout` send it to the whole group, and npx and the like pass theirs on. */
const SAME_SIGNAL_MS = 500;

/** Aborts at the first signal to end; a second one does not wait for what has to be put in order. */
export function stopSignal(now: () => number = () => performance.now()): StopSignal {
  const stop = new AbortController();
  let since = 0;
  const end = (): void => {
    if (!stop.signal.aborted) {
      since = now();
      stop.abort();
    } else if (now() - since > SAME_SIGNAL_MS) {
      process.exit(EXIT.failed);
    }
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  return {
    signal: stop.signal,
    release() {
      process.off("SIGTERM", end);
      process.off("SIGINT", end);
    },
  };
}
