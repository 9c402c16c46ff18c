import type { Asked } from "./judge.ts";

/**
 * What a stream asks of every event with a head: such an event is to be pushed by {@link FindingStream.pushWanted}, and its head need not be
 * asked about.
 */
export interface Wanted extends Asked {
  /** Alike for all heads that differ in names alone: whoever takes such an event may keep here what else is alike for them. */
  kept: unknown;
}
