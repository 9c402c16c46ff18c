import type { EventScan, Problem, QuietHeads } from "@auditsieve/audit";
import type { StreamPolicy } from "@auditsieve/policy/stream";
import type { EventWatch } from "../detections/event-watch.ts";
import type { RuleCount } from "./rule-counts.ts";

/**
 * `lines = kept + dropped`; `stripped` and `invalid` are parts of `kept`. Bytes count lines with their newlines. A line that is an
 * envelope counts as the lines that are taken out of it, and so do its bytes. `salvaged` are no lines: whole events inside invalid ones,
 * which are kept as they are.
 */
export interface FilterSummary {
  readonly lines: number;
  readonly bytes: number;
  readonly kept: number;
  readonly keptBytes: number;
  readonly dropped: number;
  readonly stripped: number;
  readonly invalid: number;
  readonly salvaged: number;
  readonly byRule: readonly RuleCount[];
}

/** What begins in an input that is none of lines in UTF-8: a part of an archive, text in UTF-16. */
export interface OtherPart {
  /** Bytes of the input before it. */
  readonly offset: number;
  /** Of what was given, all from there on. */
  readonly given: Buffer;
}

/** A line that was kept because it could not be decided. */
export interface LineProblem {
  /** 1-based; of what was taken out of an envelope: of the line that this is. */
  readonly line: number;
  /** Of the line's first byte in the (decompressed) input; of what was taken out of an envelope: of its record. */
  readonly offset: number;
  readonly problem: Problem;
  /** Whole events that were found in it all the same. */
  readonly salvaged: number;
}

/** How {@link Filter} works. */
export interface FilterOptions {
  readonly policy: StreamPolicy;
  /** Called for every line that cannot be decided, in order. */
  readonly onProblem?: (problem: LineProblem) => void;
  /** Is shown decidable events before anything is cut from them, kept or not: all of which it has not said that it wants nothing of them. */
  readonly watch?: EventWatch;
  /**
   * Applied to every kept line; the default leaves the original bytes. Gives the same buffer where nothing changes. `scan` holds the event that
   * the line is, or was before something was cut from it; undefined where the line cannot be decided.
   */
  readonly redact?: (line: Buffer, scan: EventScan | undefined) => Buffer;
  /** Says of which kept lines `redact` would leave all as it is: they are not given to it. */
  readonly unredacted?: QuietHeads | undefined;
  /**
   * Proves of every line that it is one well-formed event. Without it a line that begins like one decided before needs only be
   * whole, which is exact for what an apiserver writes and what damage leaves of it (docs/filter.md).
   */
  readonly verify?: boolean;
  /** Lines over this length are kept undecided. Default 16 MiB. */
  readonly maxLineBytes?: number;
}
