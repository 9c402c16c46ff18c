import type { LeftConditions } from "./body-verdicts.ts";
import type { Detection } from "./detection.ts";

/**
 * What a stream asks of every event with a head: such an event is to be pushed by {@link FindingStream.pushWanted}, and its head need not be
 * asked about.
 */
export interface Wanted {
  /** Alike for all heads that differ in names alone: whoever takes such an event may keep here what else is alike for them. */
  readonly kept: Map<unknown, unknown>;
  /** The candidates, at least one. */
  readonly asked: readonly Detection[];
  /** What such heads leave of their conditions. */
  readonly left: LeftConditions | undefined;
}
