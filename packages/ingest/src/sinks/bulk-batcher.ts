import { IngestError } from "../errors.ts";
import { STORED } from "../sink.ts";
import type { ItemResult } from "../sink.ts";
import { backOff } from "../backoff.ts";
import type { Backoff } from "../backoff.ts";
import type { BulkItem } from "./bulk-item.ts";
import { InFlight } from "./in-flight.ts";

/** What the server said of one item. */
export interface BulkItemAnswer {
  readonly status: number;
  readonly errorType?: string;
  readonly errorReason?: string;
  /** Elasticsearch put it aside for its owner to repair: that is not delivered. */
  readonly isInFailureStore?: boolean;
  /** The request asked for more than this server takes at once, although nothing else was under way there. */
  readonly isTooMuch?: boolean;
}

interface RetryAnswer {
  readonly kind: "retry";
  /** Of a bounded set; a label. */
  readonly reason: string;
  /** The server's or the system's own words. */
  readonly detail?: string;
  readonly isOverloaded: boolean;
}

/** What is sent again after a wait. */
export interface BulkRetry extends Pick<RetryAnswer, "reason" | "detail"> {
  readonly items: number;
  readonly attempt: number;
}

/** What became of one request as a whole. */
export type BulkAnswer =
  | { readonly kind: "items"; readonly items: readonly BulkItemAnswer[] }
  /** Busy, gone, cut off or not understood. `isUnknown`: nobody knows what was stored. */
  | (RetryAnswer & { readonly isUnknown: boolean })
  /** Too large, or no valid request as a whole: smaller ones may pass. */
  | { readonly kind: "split"; readonly reason: string; readonly detail: string }
  /** Not allowed, or no such stream: an operator must change something. */
  | { readonly kind: "refused"; readonly error: IngestError };

/** Which of some ids are stored. */
export type FindAnswer =
  | { readonly kind: "found"; readonly ids: ReadonlySet<string> }
  | RetryAnswer
  /** It may not or cannot be asked: only the create operation itself is left to refuse what is there already. */
  | { readonly kind: "blind" };

export interface BulkBatcherOptions {
  readonly send: (items: readonly BulkItem[], signal: AbortSignal) => Promise<BulkAnswer>;
  /** Asked before anything is sent that may be stored already, and before such a document is refused for good. */
  readonly find: (ids: readonly string[], signal: AbortSignal) => Promise<FindAnswer>;
  readonly backoff: Backoff;
  /** Most bytes of one request. Default 5 MiB. */
  readonly maxRequestBytes?: number;
  /** Most documents of one request. Default 2,000. */
  readonly maxRequestItems?: number;
  /** Most requests under way. Default 4; it begins with 2. */
  readonly maxInFlight?: number;
  /** Told of each wait, for a log and a metric. */
  readonly onRetry?: (retry: BulkRetry) => void;
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
    const [first = [], ...others] = parts;
    return others.length === 0 ? first : parts.flat();
  }

  #requests(items: readonly BulkItem[]): readonly (readonly BulkItem[])[] {
    const requests: BulkItem[][] = [];
    let bytes = Infinity;
    for (const item of items) {
      const last = requests.at(-1);
      const length = item.end - item.start;
      if (last === undefined || bytes + length > this.#maxBytes || last.length >= this.#maxItems) {
        requests.push([item]);
        bytes = length;
      } else {
        last.push(item);
        bytes += length;
      }
    }
    return requests;
  }

  /** Sends what is not found already. */
  async #deliver(items: readonly BulkItem[], signal: AbortSignal, attempt: number): Promise<readonly ItemResult[]> {
    const stored = await this.#lookUp(items, signal);
    if (stored.size === 0) {
      return this.#attempt(items, signal, attempt);
    }
    const open = items.filter(({ id }) => !stored.has(id));
    const later = open.length === 0 ? [] : await this.#attempt(open, signal, attempt);
    let next = 0;
    return items.map(({ id }) => (stored.has(id) ? STORED : (later[next++] as ItemResult)));
  }

  async #attempt(items: readonly BulkItem[], signal: AbortSignal, attempt: number): Promise<readonly ItemResult[]> {
    throwIfStopped(items.length, signal);
    const answer = await this.#send(items, signal);
    switch (answer.kind) {
      case "items":
        return this.#settle(items, answer.items, signal, attempt);
      case "retry":
        await this.#wait(answer, items.length, attempt, signal);
        return this.#deliver(answer.isUnknown ? items.map(uncertain) : items, signal, attempt + 1);
      case "split": {
        if (items.length <= 1) {
          const refusals = items.map((): ItemResult => ({
            status: "refused",
            reason: answer.reason,
            detail: answer.detail,
          }));
          return this.#unlessStored(items, refusals, signal);
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

  /** The ids among `items` that are stored, of those that may be. */
  async #lookUp(items: readonly BulkItem[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const ids = items.filter(({ mayBeStored }) => mayBeStored === true).map(({ id }) => id);
    if (ids.length === 0) {
      return NONE;
    }
    for (let tries = 0; ; tries++) {
      throwIfStopped(items.length, signal);
      const answer = await this.#inFlight.run(async () => {
        const found = await this.#options.find(ids, signal);
        return { isOverloaded: found.kind === "retry" && found.isOverloaded, answer: found };
      });
      if (answer.kind !== "retry") {
        return answer.kind === "found" ? answer.ids : NONE;
      }
      await this.#wait(answer, ids.length, tries, signal);
    }
  }

  /** What an earlier try has stored is not refused, whatever the server says of it now: one or the other, never both. */
  async #unlessStored(
    items: readonly BulkItem[],
    results: readonly ItemResult[],
    signal: AbortSignal,
  ): Promise<readonly ItemResult[]> {
    const stored = await this.#lookUp(
      items.filter((_, i) => results[i]?.status === "refused"),
      signal,
    );
    return stored.size === 0 ? results : results.map((result, i) => (stored.has(items[i]?.id ?? "") ? STORED : result));
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
      await this.#wait({ reason: "answer-incomplete" }, items.length, attempt, signal);
      return this.#deliver(items.map(uncertain), signal, attempt + 1);
    }
    const results = answers.map(resultOf);
    if (results.every((result) => result === STORED)) {
      return results as readonly ItemResult[];
    }
    const again = items.filter((_, i) => results[i] === undefined);
    if (again.length > 0) {
      const tooMuch = attempt < PATIENT_TRIES ? undefined : answers.find(({ isTooMuch }) => isTooMuch === true);
      const later =
        tooMuch === undefined
          ? await this.#later(again, signal, attempt)
          : await this.#smaller(again, refused("too-large-for-the-server", tooMuch), signal, attempt);
      let next = 0;
      return this.#unlessStored(
        items,
        results.map((result) => result ?? (later[next++] as ItemResult)),
        signal,
      );
    }
    return this.#unlessStored(
      items,
      results.map((result) => result ?? STORED),
      signal,
    );
  }

  async #later(items: readonly BulkItem[], signal: AbortSignal, attempt: number): Promise<readonly ItemResult[]> {
    await this.#wait({ reason: "items-rejected" }, items.length, attempt, signal);
    return this.#deliver(items, signal, attempt + 1);
  }

  /** One document that a server of this size never takes must not hold up all others for ever. */
  async #smaller(
    items: readonly BulkItem[],
    refusal: ItemResult,
    signal: AbortSignal,
    attempt: number,
  ): Promise<readonly ItemResult[]> {
    if (items.length <= 1) {
      return items.map(() => refusal);
    }
    const half = items.length >> 1;
    const first = await this.#deliver(items.slice(0, half), signal, attempt);
    return [...first, ...(await this.#deliver(items.slice(half), signal, attempt))];
  }

  async #wait(
    { reason, detail }: Pick<RetryAnswer, "reason" | "detail">,
    items: number,
    attempt: number,
    signal: AbortSignal,
  ): Promise<void> {
    this.#options.onRetry?.({ reason, items, attempt, ...(detail !== undefined && { detail }) });
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

/** So often a server may say that a request is too much for it before that is believed: something else may have been under way. */
const PATIENT_TRIES = 6;

function isBusy(answer: BulkItemAnswer): boolean {
  return answer.status === 429 || answer.status === 503;
}

const NONE: ReadonlySet<string> = new Set();

function uncertain({ id, room, start, end }: BulkItem): BulkItem {
  return { id, room, start, end, mayBeStored: true };
}

function throwIfStopped(documents: number, signal: AbortSignal): void {
  if (signal.aborted) {
    throw new IngestError("sink-closed", `Cannot send ${documents} documents: told to stop`, {
      hint: "They are not acknowledged and come again after a restart",
    });
  }
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
