import type { BatchLimits } from "./outlet.ts";

export interface PipelineLimits extends BatchLimits {
  /** Longer lines are delivered reduced. Default 16 MiB. */
  readonly maxLineBytes: number;
  /** Bytes of documents under way at which the source is no longer read. Default 16 MiB. */
  readonly maxInFlightBytes: number;
  /** Least time between two checkpoints. Default 200 ms. */
  readonly ackIntervalMs: number;
  /** Most time for what is under way after the signal to stop. Default 25 s. */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: PipelineLimits = {
  // Elasticsearch gets about 2.2 bytes for one of the line: 5 MB a request.
  maxBatchBytes: 2 * 1024 * 1024,
  maxBatchItems: 2000,
  maxBatchAgeMs: 1000,
  maxLineBytes: 16 * 1024 * 1024,
  maxInFlightBytes: 16 * 1024 * 1024,
  ackIntervalMs: 200,
  drainMs: 25_000,
};
