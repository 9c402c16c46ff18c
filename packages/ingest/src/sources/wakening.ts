import { watch } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Least time between two looks: a busy log wakes the watch with every line. */
const LEAST_WAIT_MS = 10;

/** Waits for the next look: the interval, or earlier when the folder reports a change. */
export class Wakening {
  readonly #folder: string;
  readonly #intervalMs: number;
  #watcher: ReturnType<typeof watch> | undefined;
  #isChanged = false;
  #wake: (() => void) | undefined;

  constructor(path: string, intervalMs: number) {
    this.#folder = dirname(path);
    this.#intervalMs = intervalMs;
    this.#watch();
  }

  async wait(signal: AbortSignal): Promise<void> {
    const least = Math.min(LEAST_WAIT_MS, this.#intervalMs);
    await sleep(least, undefined, { signal }).catch(() => undefined);
    if (!this.#isChanged && !signal.aborted) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const timer = new AbortController();
      const interval = sleep(this.#intervalMs - least, undefined, {
        signal: AbortSignal.any([signal, timer.signal]),
      }).catch(() => undefined);
      await Promise.race([woken, interval]);
      timer.abort();
    }
    this.#isChanged = false;
  }

  close(): void {
    this.#watcher?.close();
  }

  /** A hint only: volumes and network file systems report nothing, and then the interval counts. */
  #watch(): void {
    try {
      this.#watcher = watch(this.#folder, () => {
        this.#isChanged = true;
        this.#wake?.();
      });
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }
}
