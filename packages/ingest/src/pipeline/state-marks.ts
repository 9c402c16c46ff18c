import type { AckWindow } from "../lines/ack-window.ts";
import type { Mark } from "../state/detection-state.ts";
import type { LineHandler } from "./line-handler.ts";

export interface StateMarksOptions {
  readonly handler: Pick<LineHandler, "bytes" | "remembers" | "encodeRemembered">;
  readonly window: AckWindow;
  /** Least time between two marks. */
  readonly leastMs: number;
  /** Whether lines come again that are remembered already: then the place counts too. */
  readonly isApart: boolean;
  /** Called when a mark was made without a chunk. */
  readonly onMarked: () => void;
  /** What is remembered is too large to be kept. */
  readonly onTooLarge: () => void;
}

/** Writing down what is remembered costs at most this share of the time, unless so many bytes are read meanwhile. */
const SHARE = 0.02;
const MOST_BYTES = 64 * 1024 * 1024;

/** Notes in the window what the detections remember, again and again: a position becomes ready only where that was noted. */
export class StateMarks {
  readonly #options: StateMarksOptions;
  #last: { readonly bytes: number; readonly remembers: unknown; readonly text: Mark } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waitMs: number;

  constructor(options: StateMarksOptions) {
    this.#options = options;
    this.#waitMs = options.leastMs;
  }

  /** Lines were handled, or something else has changed what is remembered. */
  moved(): void {
    const { handler, onMarked } = this.#options;
    if (handler.bytes - (this.#last?.bytes ?? 0) > MOST_BYTES) {
      this.mark();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.mark();
      onMarked();
    }, this.#waitMs);
  }

  /** Notes what is remembered behind the last line. */
  mark(): void {
    this.stop();
    const { handler, window, leastMs, isApart, onTooLarge } = this.#options;
    const started = performance.now();
    const { bytes } = handler;
    const remembers = handler.remembers ?? null;
    const isSame = this.#last?.remembers === remembers;
    if (isSame && this.#last?.bytes === bytes) {
      return;
    }
    const text = isSame && !isApart ? this.#last?.text : handler.encodeRemembered();
    if (text === undefined) {
      onTooLarge();
    }
    this.#last = { bytes, remembers, text: text ?? "" };
    window.mark(this.#last.text);
    this.#waitMs = Math.max(leastMs, (performance.now() - started) / SHARE);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
