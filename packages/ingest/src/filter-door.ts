/**
 * The part of the room that filters logs, without sinks and the daemon: it starts in a third of the time.
 *
 * @module
 */
export { IngestError } from "./errors.ts";
export { Filter } from "./filter.ts";
export type { FilterOptions, FilterSummary, LineProblem, RuleCount } from "./filter.ts";
export { filterInParallel, isRangeable } from "./parallel-filter.ts";
export type { ParallelFilterOptions } from "./parallel-filter.ts";
export { openCanonicalLog } from "./sources/canonical-log.ts";
