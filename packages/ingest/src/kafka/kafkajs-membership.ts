import { setTimeout as delay } from "node:timers/promises";
import type { Consumer } from "kafkajs";

/** Who cannot leave in time, because its broker is away, goes on trying and comes to its end by itself. */
const PATIENCE_MS = 10_000;

/**
 * Leaves a consumer group so that nobody stays in it. The library's own `disconnect` does nothing about a consumer that is about to
 * join, at the start or after it has lost its broker, and forgets it: it joins later all the same, is given partitions, reads them without
 * end and can be stopped by nobody. So one that is joining is let join, or fail, and then leaves.
 */
export class KafkajsMembership {
  readonly #consumer: Pick<Consumer, "on" | "events" | "disconnect">;
  readonly #patienceMs: number;
  readonly #left = Promise.withResolvers<void>();
  #isJoining = false;
  #isLeaving = false;

  constructor(consumer: Pick<Consumer, "on" | "events" | "disconnect">, patienceMs: number = PATIENCE_MS) {
    this.#consumer = consumer;
    this.#patienceMs = patienceMs;
    consumer.on(consumer.events.GROUP_JOIN, () => {
      this.#isJoining = false;
      if (this.#isLeaving) {
        // The library says that it has joined just before it takes note of it.
        setImmediate(() => this.#disconnect());
      }
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#isJoining = payload.restart;
      if (this.#isLeaving && !payload.restart) {
        this.#disconnect();
      }
    });
  }

  /** From now on it joins until it has joined, or has failed for good. */
  begin(): void {
    this.#isJoining = true;
  }

  /**
   * Resolves when it has left, or after a while, in which case it leaves later: whether it has left. To be called once; it must not be
   * restarted any more.
   */
  async leave(): Promise<boolean> {
    this.#isLeaving = true;
    if (!this.#isJoining) {
      this.#disconnect();
    }
    const late = new AbortController();
    const hasLeft = await Promise.race([
      this.#left.promise.then(() => true),
      delay(this.#patienceMs, false, { signal: late.signal }).catch(() => false),
    ]);
    late.abort();
    return hasLeft;
  }

  #disconnect(): void {
    this.#consumer.disconnect().then(this.#left.resolve, () => this.#left.resolve());
  }
}
