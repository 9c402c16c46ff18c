/**
 * The part of the room that asks V8 about the heap, for a command that does so before it loads anything else.
 *
 * @module
 */
export { heapOfProcess } from "./judge/heap-of-process.ts";
export type { HeapOfProcess } from "./judge/heap-of-process.ts";
