import type { LeftConditions } from "./body-verdicts.ts";
import type { Detection } from "./detection.ts";
import type { Judged } from "./judge.ts";

/** What is asked of events with alike heads. */
export interface Asked {
  /** The candidates, at least one. */
  readonly asked: readonly Detection[];
  /** What such heads leave of their conditions. */
  readonly left: LeftConditions | undefined;
  /** Of whoever judges them. */
  judged: Judged | undefined;
}

/**
 * What a stream asks of every event with a head: such an event is to be pushed by {@link FindingStream.pushWanted}, and its head need not be
 * asked about.
 */
export interface Wanted extends Asked {
  /** Alike for all heads that differ in names alone: whoever takes such an event may keep here what else is alike for them. */
  readonly kept: Map<unknown, unknown>;
}
