import type { BatchLimits } from "./outlet.ts";

/** Bounds of a pipeline. */
export interface PipelineLimits extends BatchLimits {
  /** Longer lines are delivered reduced. Default 16 MiB. */
  readonly maxLineBytes: number;
  /** Bytes of documents under way at which the source is no longer read. Default 16 MiB. */
  readonly maxInFlightBytes: number;
  /** Least time between two checkpoints, unless the source waits for one. Default 1 s. */
  readonly ackIntervalMs: number;
  /** Most time for what is under way after the signal to stop. Default 25 s. */
  readonly drainMs: number;
  /** A log that says nothing for so long gets its receipts, so that all of it can be acknowledged. Default 10 s. */
  readonly idleMs: number;
}

export const DEFAULT_LIMITS: PipelineLimits = {
  // Elasticsearch gets about 2.2 bytes for one of the line: 5 MB a request.
  maxBatchBytes: 2 * 1024 * 1024,
  maxBatchItems: 2000,
  maxBatchAgeMs: 1000,
  maxLineBytes: 16 * 1024 * 1024,
  maxInFlightBytes: 16 * 1024 * 1024,
  ackIntervalMs: 1000,
  drainMs: 25_000,
  idleMs: 10_000,
};

/** Bytes of lines read but not acknowledged at which the source is no longer read. */
export const MAX_OPEN_BYTES: number = 96 * 1024 * 1024;
/** Receipts wait for the log's next minute; a log without times does not hold them back longer than this. */
export const MAX_RECEIPT_AGE_MS: number = 75_000;
/** In which time passes for detections where nothing tells it. */
export const CLOCK_STEP_MS: number = 60_000;
/** Even an idle cluster renews its leases every few seconds. */
export const SILENCE_MS: number = 5 * 60_000;
/** More than that, a chunk and a line: nothing further behind the checkpoint can have been delivered by an earlier run. */
export const LOOK_BACK_BYTES: number = MAX_OPEN_BYTES + 48 * 1024 * 1024;
/** States that are sent elsewhere are written by so much less often than the checkpoint. */
export const SENT_STATE_FACTOR: number = 2;
