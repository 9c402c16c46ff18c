import type { SuppressedCounts } from "../exceptions/suppressed-counts.ts";

/** How a `Correlator` works; every bound has a default. */
export interface CorrelatorOptions {
  /** How far behind the newest event a hit may come. Findings wait as long. Default one minute. */
  readonly latenessMs?: number;
  /** Most hits that all windows hold, and as many may wait for their turn. Default 100,000. */
  readonly maxHits?: number;
  /** Most hits of one window. Default 10,000. */
  readonly maxHitsPerGroup?: number;
  /** Most characters of events that windows hold, and as many may wait for their turn. Default 32 Mi. */
  readonly maxHeldLength?: number;
  /** Most events that a finding carries. Default 20. */
  readonly maxEvents?: number;
  /** Findings that one event or moment brings at most, but for those of one hit: the others come with the events that follow. Default 1,000. */
  readonly maxAtOnce?: number;
  /** Where hits are counted that exceptions take out of what correlations count. */
  readonly suppressed?: SuppressedCounts;
}
