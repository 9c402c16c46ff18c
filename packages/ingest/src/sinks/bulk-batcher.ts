import { IngestError } from "../errors.ts";
import { STORED } from "../sink.ts";
import type { ItemResult } from "../sink.ts";
import { backOff } from "./backoff.ts";
import type { Backoff } from "./backoff.ts";
import { InFlight } from "./in-flight.ts";

/** One document of a bulk request, as it goes over the wire. */
export interface BulkItem {
  readonly id: string;
  readonly document: string;
  readonly bytes: number;
}

/** What the server said of one item. */
export interface BulkItemAnswer {
  readonly status: number;
  readonly errorType?: string;
  readonly errorReason?: string;
  /** Elasticsearch put it aside for its owner to repair: that is not delivered. */
  readonly isInFailureStore?: boolean;
}

/** What became of one request as a whole. */
export type BulkAnswer =
  | { readonly kind: "items"; readonly items: readonly BulkItemAnswer[] }
  /** Busy, gone, cut off or not understood: nobody knows what was stored, and asking again is safe because of the ids. */
  | { readonly kind: "retry"; readonly reason: string; readonly isOverloaded: boolean }
  /** Too large, or no valid request as a whole: smaller ones may pass. */
  | { readonly kind: "split"; readonly reason: string; readonly detail: string }
  /** Not allowed, or no such stream: an operator must change something. */
  | { readonly kind: "refused"; readonly error: IngestError };

export interface BulkBatcherOptions {
  readonly send: (items: readonly BulkItem[], signal: AbortSignal) => Promise<BulkAnswer>;
  readonly backoff: Backoff;
  /** Most bytes of one request. Default 5 MiB. */
  readonly maxRequestBytes?: number;
  /** Most documents of one request. Default 2,000. */
  readonly maxRequestItems?: number;
  /** Most requests under way. Default 4; it begins with 2. */
  readonly maxInFlight?: number;
  /** Told of each wait, for a log and a metric. */
  readonly onRetry?: (retry: { readonly reason: string; readonly items: number; readonly attempt: number }) => void;
}

/**
 * Sends documents in bulk requests until each is stored or refused for good. Made because the client's own bulk helper
 * loses documents without a word: its timer's batch is overwritten while it waits for a slot, an item's 503 is dropped.
 *
 * @see https://github.com/elastic/elasticsearch-js/issues/1562
 */
export class BulkBatcher {
  readonly #options: BulkBatcherOptions;
  readonly #inFlight: InFlight;
  readonly #maxBytes: number;
  readonly #maxItems: number;

  constructor(options: BulkBatcherOptions) {
    this.#options = options;
    this.#inFlight = new InFlight(2, options.maxInFlight ?? 4);
    this.#maxBytes = options.maxRequestBytes ?? 5 * 1024 * 1024;
    this.#maxItems = options.maxRequestItems ?? 2000;
  }

  /** One result per item, in order. Rejects when `signal` aborts or an operator must change something. */
  async deliver(items: readonly BulkItem[], signal: AbortSignal): Promise<readonly ItemResult[]> {
    const parts = await Promise.all(this.#requests(items).map((part) => this.#deliver(part, signal, 0)));
    return parts.flat();
  }

  #requests(items: readonly BulkItem[]): readonly (readonly BulkItem[])[] {
    const requests: BulkItem[][] = [];
    let bytes = Infinity;
    for (const item of items) {
      const last = requests.at(-1);
      if (last === undefined || bytes + item.bytes > this.#maxBytes || last.length >= this.#maxItems) {
        requests.push([item]);
        bytes = item.bytes;
      } else {
        last.push(item);
        bytes += item.bytes;
      }
    }
    return requests;
  }

  async #deliver(items: readonly BulkItem[], signal: AbortSignal, attempt: number): Promise<readonly ItemResult[]> {
    if (signal.aborted) {
      throw new IngestError("sink-closed", `Cannot send ${items.length} documents: told to stop`, {
        hint: "They are not acknowledged and come again after a restart",
      });
    }
    const answer = await this.#send(items, signal);
    switch (answer.kind) {
      case "items":
        return this.#settle(items, answer.items, signal, attempt);
      case "retry":
        await this.#wait(answer.reason, items.length, attempt, signal);
        return this.#deliver(items, signal, attempt + 1);
      case "split": {
        if (items.length <= 1) {
          return items.map(() => ({ status: "refused", reason: answer.reason, detail: answer.detail }));
        }
        const half = items.length >> 1;
        const first = await this.#deliver(items.slice(0, half), signal, attempt);
        return [...first, ...(await this.#deliver(items.slice(half), signal, attempt))];
      }
      case "refused":
        throw answer.error;
      default:
        return answer satisfies never;
    }
  }

  #send(items: readonly BulkItem[], signal: AbortSignal): Promise<BulkAnswer> {
    return this.#inFlight.run(async () => {
      const answer = await this.#options.send(items, signal);
      const isOverloaded =
        answer.kind === "retry" ? answer.isOverloaded : answer.kind === "items" && answer.items.some(isBusy);
      return { isOverloaded, answer };
    });
  }

  async #settle(
    items: readonly BulkItem[],
    answers: readonly BulkItemAnswer[],
    signal: AbortSignal,
    attempt: number,
  ): Promise<readonly ItemResult[]> {
    if (answers.length !== items.length) {
      await this.#wait("answer-incomplete", items.length, attempt, signal);
      return this.#deliver(items, signal, attempt + 1);
    }
    const results = answers.map(resultOf);
    const again = items.filter((_, i) => results[i] === undefined);
    if (again.length > 0) {
      await this.#wait("items-rejected", again.length, attempt, signal);
      const later = await this.#deliver(again, signal, attempt + 1);
      let next = 0;
      return results.map((result) => result ?? (later[next++] as ItemResult));
    }
    return results.map((result) => result ?? STORED);
  }

  async #wait(reason: string, items: number, attempt: number, signal: AbortSignal): Promise<void> {
    this.#options.onRetry?.({ reason, items, attempt });
    try {
      await backOff(this.#options.backoff, attempt, signal);
    } catch (error) {
      throw new IngestError("sink-closed", `Cannot send ${items} documents: told to stop while waiting (${reason})`, {
        cause: error,
        hint: "They are not acknowledged and come again after a restart",
      });
    }
  }
}

function isBusy(answer: BulkItemAnswer): boolean {
  return answer.status === 429 || answer.status === 503;
}

/** Undefined: send it again. */
function resultOf(answer: BulkItemAnswer): ItemResult | undefined {
  if (answer.isInFailureStore === true) {
    return refused("failure-store", answer);
  }
  // 409: this id is there already, which is what was wanted.
  if ((answer.status >= 200 && answer.status < 300) || answer.status === 409) {
    return STORED;
  }
  return isBusy(answer) ? undefined : refused(answer.errorType ?? `status-${answer.status}`, answer);
}

function refused(reason: string, answer: BulkItemAnswer): ItemResult {
  return { status: "refused", reason, ...(answer.errorReason !== undefined && { detail: answer.errorReason }) };
}
