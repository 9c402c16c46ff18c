import { setTimeout as delay } from "node:timers/promises";
import type { StreamPolicy } from "@auditsieve/policy";
import type { Held } from "./ack-window.ts";
import type { IngestError } from "./errors.ts";
import type { Delivery, ItemResult, Sink } from "./sink.ts";
import type { Backoff } from "./sinks/backoff.ts";
import type { DeadLetter } from "./sinks/dead-letter.ts";
import type { Ledger } from "./tally-ledger.ts";
import { SinkCounter } from "./tally.ts";
import type { CountedAs } from "./tally.ts";
import { untilDone } from "./until-done.ts";

/** What a sink gets: findings with the events they rest on; these and what its policy keeps; or these and everything. */
export type Feed = "findings" | "kept" | "all";

/** One sink with what it is to get. */
export interface SinkFeed {
  readonly sink: Sink;
  readonly feed: Feed;
  /** Decides for the feed `kept`; without one everything is kept. */
  readonly policy?: StreamPolicy;
}

/** Bounds of a batch; whatever is reached first sends it. */
export interface BatchLimits {
  readonly maxBatchBytes: number;
  readonly maxBatchItems: number;
  readonly maxBatchAgeMs: number;
}

/** A delivery on its way, with the line that waits for it. */
export interface Underway {
  readonly delivery: Delivery;
  readonly held: Held;
  /** Where its line starts. */
  readonly offset: number;
  /** Events that are delivered because of a finding count as findings. */
  readonly countedAs: CountedAs;
  /** The line is delivered, or delivered whole, only because a finding rests on it. */
  readonly isOnlyEvidence?: boolean;
}

export interface OutletOptions {
  readonly source: string;
  readonly to: SinkFeed;
  readonly ledger: Ledger;
  readonly limits: BatchLimits;
  readonly backoff: Backoff;
  readonly deadLetter: (letters: readonly DeadLetter[]) => Promise<void>;
  /** Whether an earlier run has put the delivery aside already. */
  readonly isDeadLettered: (id: string) => boolean;
  readonly onSettled: (settled: readonly Underway[]) => void;
  readonly onFailure: (error: IngestError) => void;
  /** Ends every try, at the end of the drain. */
  readonly signal: AbortSignal;
}

const MAX_WRITES = 4;

/** The way into one sink: gathers deliveries into batches, repeats what fails, puts aside what is refused. */
export class Outlet {
  readonly to: SinkFeed;
  readonly counter: SinkCounter;
  readonly #options: OutletOptions;
  #queue: Underway[] = [];
  #queuedBytes = 0;
  #writes = 0;
  #isDue = false;
  #timer: AbortController | undefined;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.to = options.to;
    this.counter = new SinkCounter(options.to.sink.name, options.ledger);
  }

  add(underway: Underway): void {
    this.counter.start(underway.countedAs);
    this.#queue.push(underway);
    this.#queuedBytes += underway.delivery.document.length;
    this.#send();
  }

  /** Sends what is queued without waiting for a full batch. */
  flush(): void {
    this.#isDue = true;
    this.#send();
  }

  #send(): void {
    const { maxBatchItems, maxBatchBytes, maxBatchAgeMs } = this.#options.limits;
    while (this.#writes < MAX_WRITES && this.#queue.length > 0) {
      const isFull = this.#queue.length >= maxBatchItems || this.#queuedBytes >= maxBatchBytes;
      if (!isFull && !this.#isDue) {
        break;
      }
      this.#writes++;
      void this.#write(this.#takeBatch()).finally(() => {
        this.#writes--;
        this.#send();
      });
    }
    if (this.#queue.length === 0) {
      this.#isDue = false;
      this.#timer?.abort();
      this.#timer = undefined;
    } else if (this.#timer === undefined && !this.#isDue) {
      const timer = new AbortController();
      this.#timer = timer;
      delay(maxBatchAgeMs, undefined, { signal: timer.signal }).then(
        () => {
          this.#timer = undefined;
          this.flush();
        },
        () => undefined,
      );
    }
  }

  #takeBatch(): readonly Underway[] {
    const { maxBatchItems, maxBatchBytes } = this.#options.limits;
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && count < maxBatchItems && bytes < maxBatchBytes) {
      bytes += this.#queue[count]?.delivery.document.length ?? 0;
      count++;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  /** Never rejects: what is not settled stays unacknowledged. */
  async #write(all: readonly Underway[]): Promise<void> {
    const { sink } = this.to;
    const batch = this.#withoutDeadLettered(all);
    if (batch.length === 0) {
      return;
    }
    const deliveries = batch.map(({ delivery }) => delivery);
    const results = await this.#untilDone(`write to sink "${sink.name}"`, (tries) =>
      sink.write(tries === 0 ? deliveries : deliveries.map(mayBeStored), this.#options.signal),
    );
    if (results === undefined) {
      return;
    }
    const letters = batch.flatMap((underway, i) => this.#letterOf(underway, results[i]));
    if (letters.length > 0) {
      const done = await this.#untilDone("write dead letters", () =>
        this.#options.deadLetter(letters).then(() => true),
      );
      if (done === undefined) {
        return;
      }
    }
    batch.forEach(({ countedAs, held }, i) => {
      const result = results[i];
      if (result?.status === "refused") {
        this.counter.deadLettered(countedAs, result.reason, held.counts);
      } else {
        this.counter.stored(countedAs, held.counts);
      }
    });
    this.#options.onSettled(batch);
  }

  /** What an earlier run has put aside, before its position was saved, stays aside: it must not be stored as well. */
  #withoutDeadLettered(batch: readonly Underway[]): readonly Underway[] {
    const { isDeadLettered, onSettled } = this.#options;
    const aside = batch.filter(({ delivery }) => delivery.mayBeStored === true && isDeadLettered(delivery.id));
    if (aside.length === 0) {
      return batch;
    }
    aside.forEach(({ countedAs, held }) => this.counter.deadLettered(countedAs, "earlier", held.counts));
    onSettled(aside);
    return batch.filter((one) => !aside.includes(one));
  }

  #untilDone<T>(doing: string, attempt: (tries: number) => Promise<T>): Promise<T | undefined> {
    const { signal, backoff, onFailure } = this.#options;
    // What fails because it was told to stop is no failure.
    const tell = (error: IngestError): void => (signal.aborted ? undefined : onFailure(error));
    return untilDone({ doing, code: "sink-write", backoff, signal, onFailure: tell }, attempt);
  }

  #letterOf({ delivery, held, offset }: Underway, result: ItemResult | undefined): readonly DeadLetter[] {
    if (result?.status !== "refused") {
      return [];
    }
    const { reason, detail } = result;
    const place = { sink: this.to.sink.name, source: this.#options.source, input: held.input, offset };
    return [{ delivery, reason, ...(detail !== undefined && { detail }), ...place }];
  }
}

/** A write that failed as a whole may have stored a part. */
function mayBeStored(delivery: Delivery): Delivery {
  return { ...delivery, mayBeStored: true };
}
