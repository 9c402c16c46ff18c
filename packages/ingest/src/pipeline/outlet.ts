import type { EventScan } from "@auditsieve/audit";
import type { StreamPolicy } from "@auditsieve/policy";
import type { Held } from "../lines/ack-window.ts";
import type { IngestError } from "../errors.ts";
import { PreparedDelivery } from "../sink.ts";
import type { Delivery, ItemResult, PreparedBatch, Sink } from "../sink.ts";
import type { Backoff } from "../backoff.ts";
import type { DeadLetter } from "../sinks/dead-letter.ts";
import type { Ledger } from "../lines/tally-ledger.ts";
import { SinkCounter } from "../lines/tally.ts";
import type { CountedAs } from "../lines/tally.ts";
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

/**
 * A delivery for an outlet, with the line that waits for it. The outlet that it is given to keeps it until it is settled, and is the only
 * one: of all that is kept of a line every collection of garbage copies each object.
 */
export interface ForDelivery {
  /** In its place the outlet puts what its sink has made of it. */
  delivery: Delivery;
  readonly held: Held;
  /** Where its line starts. */
  readonly offset: number;
  /** Events that are delivered because of a finding count as findings. */
  readonly countedAs: CountedAs;
  /** The line is delivered, or delivered whole, only because a finding rests on it. */
  readonly isOnlyEvidence?: boolean;
  /** 0 until the outlet says what it counts for where memory is bounded: the bytes of its document, or half of those that it has as it is sent. */
  weight: number;
}

/** Deliveries that are written together. */
interface Batch {
  readonly underway: ForDelivery[];
  readonly prepared: PreparedBatch | undefined;
  bytes: number;
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
  readonly onSettled: (settled: readonly ForDelivery[]) => void;
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
  /** Full, or to be sent as they are. */
  readonly #closed: Batch[] = [];
  #open: Batch | undefined;
  #writes = 0;
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.to = options.to;
    this.counter = new SinkCounter(options.to.sink.name, options.ledger);
  }

  /** Whether {@link add} takes documents whose bytes hold during the call only, with the scan that holds them. */
  get prepares(): boolean {
    return this.to.sink.begin !== undefined;
  }

  /** Takes a delivery in and gives its weight. */
  add(one: ForDelivery, scan?: EventScan): number {
    const { delivery } = one;
    this.counter.start(one.countedAs);
    const open = (this.#open ??= { underway: [], prepared: this.to.sink.begin?.(), bytes: 0 });
    const { length } = delivery.document;
    const prepared = open.prepared?.add(delivery, scan);
    const weight = prepared === undefined ? length : prepared.bytes >> 1;
    one.delivery = prepared ?? delivery;
    one.weight = weight;
    open.underway.push(one);
    open.bytes += length;
    const { maxBatchItems, maxBatchBytes } = this.#options.limits;
    if (open.underway.length >= maxBatchItems || open.bytes >= maxBatchBytes) {
      this.#close(open);
    }
    // Asked for every line: with a timer running, an open batch waits.
    if (this.#closed.length > 0 || this.#isDue || this.#timer === undefined) {
      this.#send();
    }
    return weight;
  }

  /** Sends what is queued without waiting for a full batch. */
  flush(): void {
    this.#isDue = true;
    this.#send();
  }

  #close(batch: Batch): void {
    this.#open = undefined;
    this.#closed.push(batch);
  }

  #send(): void {
    while (this.#writes < MAX_WRITES) {
      if (this.#closed.length === 0 && this.#isDue && this.#open !== undefined) {
        this.#close(this.#open);
      }
      const batch = this.#closed.shift();
      if (batch === undefined) {
        break;
      }
      this.#writes++;
      void this.#write(batch.underway).finally(() => {
        this.#writes--;
        this.#send();
      });
    }
    if (this.#closed.length === 0 && this.#open === undefined) {
      this.#isDue = false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined && !this.#isDue) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.flush();
      }, this.#options.limits.maxBatchAgeMs);
    }
  }

  /** Never rejects: what is not settled stays unacknowledged. */
  async #write(all: readonly ForDelivery[]): Promise<void> {
    const { sink } = this.to;
    const batch = await this.#withoutDeadLettered(all);
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
    const isRefused = results.some(({ status }) => status === "refused");
    const letters = isRefused ? batch.flatMap((underway, i) => this.#letterOf(underway, results[i])) : [];
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
  async #withoutDeadLettered(batch: readonly ForDelivery[]): Promise<readonly ForDelivery[]> {
    const { isDeadLettered, onSettled } = this.#options;
    const aside = batch.filter(({ delivery }) => delivery.mayBeStored === true && isDeadLettered(delivery.id));
    if (aside.length === 0) {
      return batch;
    }
    // The line in hand may have to be held for other outlets still.
    await Promise.resolve();
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

  #letterOf({ delivery, held, offset }: ForDelivery, result: ItemResult | undefined): readonly DeadLetter[] {
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
  if (delivery instanceof PreparedDelivery) {
    delivery.mayBeStored = true;
    return delivery;
  }
  return { ...delivery, mayBeStored: true };
}
