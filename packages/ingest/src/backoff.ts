import { setTimeout as delay } from "node:timers/promises";

/** How long to wait before a try is repeated; clock and chance are injected by tests. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const DEFAULT_BACKOFF: Backoff = {
  firstMs: 500,
  mostMs: 30_000,
  random: Math.random,
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};

/** Waits before try `attempt` (0 is the first repetition): capped exponential with full jitter. Rejects on abort. */
export function backOff(backoff: Backoff, attempt: number, signal: AbortSignal): Promise<void> {
  const most = Math.min(backoff.mostMs, backoff.firstMs * 2 ** Math.min(attempt, 30));
  return backoff.sleep(backoff.random() * most, signal);
}
