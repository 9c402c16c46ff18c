import { IngestError, reasonOf } from "../errors.ts";
import { backOff } from "../backoff.ts";
import type { Backoff } from "../backoff.ts";

export interface UntilDoneOptions {
  /** What is attempted, as an error says it: "write the checkpoint". */
  readonly doing: string;
  /** Of failures that are no {@link IngestError} themselves. */
  readonly code: IngestError["code"];
  readonly backoff: Backoff;
  /** Ends the tries. */
  readonly signal: AbortSignal;
  readonly onFailure: (error: IngestError) => void;
}

/** Tries until it works; undefined when told to stop before. Nothing is acknowledged meanwhile. */
export async function untilDone<T>(
  options: UntilDoneOptions,
  attempt: (tries: number) => Promise<T>,
): Promise<T | undefined> {
  const { doing, code, backoff, signal, onFailure } = options;
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await attempt(tries);
    } catch (error) {
      onFailure(
        error instanceof IngestError
          ? error
          : new IngestError(code, `Cannot ${doing}: ${reasonOf(error)}`, {
              cause: error,
              hint: "It is tried again; nothing is acknowledged until it works",
            }),
      );
      await backOff(backoff, tries, signal).catch(() => undefined);
    }
  }
  return undefined;
}
