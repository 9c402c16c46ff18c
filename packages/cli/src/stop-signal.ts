import { EXIT } from "./exit-code.ts";

/** Signals to end, heard from now on. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** From now on a signal ends the process at once, as if nobody had listened. */
  release(): void;
}

/** Aborts at the first signal to end; the second one does not wait for what has to be put in order. */
export function stopSignal(): StopSignal {
  const stop = new AbortController();
  const end = (): void => {
    if (stop.signal.aborted) {
      process.exit(EXIT.failed);
    }
    stop.abort();
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
