import type { LineHandler } from "./line-handler.ts";
import { CLOCK_STEP_MS, SILENCE_MS } from "./pipeline-limits.ts";

export interface LogClockOptions {
  readonly handler: Pick<LineHandler, "newest" | "bytes" | "advance">;
  /** The clock on the wall. Default: the machine's. */
  readonly now?: (() => Date) | undefined;
  /** Milliseconds that only go forward. Default: the process's. */
  readonly monotonic?: (() => number) | undefined;
  /** Whether reading waits for sinks: then nobody knows whether the log says anything. */
  readonly isFull: () => boolean;
  readonly onAlarm?: ((alarm: { readonly kind: string; readonly message: string }) => void) | undefined;
}

/** What passes where the log itself says nothing: the time that detections wait for, and silence that an operator must hear of. */
export class LogClock {
  readonly #options: LogClockOptions;
  readonly #monotonic: () => number;
  #readAt: number;
  #toldAt: number;
  #isSilent = false;

  constructor(options: LogClockOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#readAt = this.#monotonic();
    this.#toldAt = this.#readAt;
  }

  /** When the log last said something, by the monotonic clock, in ms. */
  get readAt(): number {
    return this.#readAt;
  }

  /** The log has said something. */
  read(): void {
    this.#readAt = this.#monotonic();
    this.#isSilent = false;
  }

  /** How far behind the log is by its own time; undefined where it has said none. */
  get lagSeconds(): number | undefined {
    const { handler, now } = this.#options;
    const { newest } = handler;
    const time = (now?.() ?? new Date()).getTime();
    return newest === undefined ? undefined : Math.max(0, (time - Date.parse(newest)) / 1000);
  }

  /** A log that was busy and says nothing any more: the apiserver is gone, or somebody has stopped it from writing. */
  watchSilence(): void {
    const { handler, onAlarm } = this.#options;
    const silent = this.#monotonic() - this.#readAt;
    if (silent > SILENCE_MS && handler.bytes > 0 && !this.#isSilent) {
      this.#isSilent = true;
      onAlarm?.({ kind: "silence", message: `Nothing was written for ${Math.round(SILENCE_MS / 60_000)} minutes` });
    }
  }

  /**
   * Windows of correlations end although no event comes that a detection looks at: by the newest event of the log, and once that
   * says nothing more, by the clock, a minute late. Not while it is read that was written long ago: its events would come too late.
   * Gives whether the detections were told a time.
   */
  tell(): boolean {
    const { handler, isFull } = this.#options;
    const now = this.#monotonic();
    const { newest } = handler;
    if (newest === undefined || now - this.#toldAt < CLOCK_STEP_MS || isFull()) {
      return false;
    }
    const silent = now - this.#readAt;
    const lag = (this.lagSeconds ?? Infinity) * 1000;
    const isLive = lag - silent < CLOCK_STEP_MS;
    const passed = isLive ? Math.max(0, silent - CLOCK_STEP_MS) : 0;
    this.#toldAt = now;
    handler.advance(passed === 0 ? newest : new Date(Date.parse(newest) + passed).toISOString(), isLive);
    return true;
  }
}
