/**
 * The part of the room that holds findings in bounded memory, for a command that replays nothing: it starts as fast as without it.
 *
 * @module
 */
export { boundHeap } from "./judge/bound-heap.ts";
export type { BoundHeap } from "./judge/bound-heap.ts";
export { FindingStore } from "./findings/finding-store.ts";
export type { FindingList } from "./findings/finding-store.ts";
