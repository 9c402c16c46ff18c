import type { LineHandler } from "./line-handler.ts";
import { MAX_OPEN_BYTES, MAX_RECEIPT_AGE_MS } from "./pipeline-limits.ts";
import type { PipelineState } from "../lines/pipeline-state.ts";
import type { Source } from "../source.ts";

export interface ReceiptCutsOptions {
  readonly handler: LineHandler;
  readonly state: PipelineState;
  readonly source: Source;
  /** A log that says nothing for so long gets its receipts. */
  readonly idleMs: number;
  /** Tries until it is done; false where the run ends before. */
  readonly save: (attempt: () => Promise<void>) => Promise<boolean>;
}

/** Ends receipts where the log itself does not say that they end: when it falls silent, has no times, or the daemon stops. */
export class ReceiptCuts {
  readonly #options: ReceiptCutsOptions;
  /** Whether the source had nothing more to give at some time, as far as can be told from outside. */
  #hasCaughtUp = false;

  constructor(options: ReceiptCutsOptions) {
    this.#options = options;
  }

  /** Looks whether it is time for a cut. `readAt` is when the log last said something, by the monotonic clock; `isFull` whether it is not asked. */
  look(readAt: number, isFull: boolean): void {
    const { handler, idleMs } = this.#options;
    const now = performance.now();
    const { since } = handler.receipts;
    this.#hasCaughtUp ||= now - readAt > idleMs && !isFull;
    if (now - Math.max(since, readAt) > idleMs || now - since > MAX_RECEIPT_AGE_MS) {
      void this.cut();
    }
  }

  /** The source has ended: no run can have read further. */
  sourceEnded(): void {
    this.#hasCaughtUp = true;
  }

  /**
   * Ends the receipts where the log is now. First the place is saved: after a crash they must end there again. Gives whether
   * none is left open: where an earlier run may have ended them elsewhere they are, and come again at the next start.
   */
  async cut(): Promise<boolean> {
    const { handler, state, save } = this.#options;
    if (handler.receipts.since === Infinity) {
      return true;
    }
    if (this.#mayBeCounted) {
      return false;
    }
    const { cuts, deliver } = handler.receipts.endAll();
    const isSaved = await save(() => state.cut(cuts));
    if (isSaved) {
      deliver();
    }
    return isSaved;
  }

  /** Whether what is read now may have been read by a run that was killed: its receipts would count the same lines. */
  get #mayBeCounted(): boolean {
    const { handler, source, state } = this.#options;
    const hasCaughtUp = source.hasCaughtUp ?? this.#hasCaughtUp;
    return !state.hasStopped && !hasCaughtUp && handler.bytes <= MAX_OPEN_BYTES;
  }
}
