/**
 * The part of the room that reads logs of all kinds, and plain ones with several threads.
 *
 * @module
 */
export { filterInParallel, isRangeable } from "./parallel-filter.ts";
export type { ParallelFilterOptions } from "./parallel-filter.ts";
export { openCanonicalLog } from "./sources/canonical-log.ts";
