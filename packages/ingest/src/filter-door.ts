/**
 * The part of the room that filters plain logs, without sinks and the daemon: it starts in a tenth of the time.
 *
 * @module
 */
export { IngestError } from "./errors.ts";
export { Filter } from "./filter/filter.ts";
export type { FilterOptions, FilterSummary, LineProblem, OtherPart } from "./filter/filter-options.ts";
export type { RuleCount } from "./filter/rule-counts.ts";
export { openPlainLog } from "./logs/plain-log.ts";
export type { PlainLog } from "./logs/plain-log.ts";
