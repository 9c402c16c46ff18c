import type { CorrelatorOptions } from "../correlating/correlator-options.ts";
import type { ClusterMemoryOptions } from "../memory/cluster-memory.ts";

/** How a {@link FindingStream} works; every bound has a default. */
export interface FindingStreamOptions extends Omit<CorrelatorOptions, "suppressed">, ClusterMemoryOptions {
  /** Names the apiserver that wrote the events: several may use one auditID. Default "". */
  readonly apiserver?: string;
  /** Most requests remembered at a time. Default 50,000. */
  readonly maxRequests?: number;
  /** Most characters of events held for a later stage, and of those that correlations hold. Default 64 Mi, and 32 Mi. */
  readonly maxHeldLength?: number;
  /** Event time after which a request without a later stage is let go. Default 10 minutes. */
  readonly holdMs?: number;
  /** Most values that first-seen detections remember, in each of two halves. Default 100,000. */
  readonly maxFirstSeen?: number;
}

/** Streams that share what they learn. */
export interface Beside<Stream> {
  /**
   * A stream over other events of the same cluster: what both learn of pods, grants and credentials is one memory, which the
   * snapshots of that one hold and those of this one do not. Requests, correlations and first-seen values are each one's own.
   */
  readonly beside?: Stream;
}
