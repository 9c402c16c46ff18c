/**
 * The pipeline: where audit logs come from, what becomes of each line, and where events and findings go.
 *
 * @module
 */
export { IngestError } from "./errors.ts";
export type { IngestErrorCode, IngestErrorOptions } from "./errors.ts";
export type { Delivery, ItemResult, Sink } from "./sink.ts";
export type { Source, SourceChunk } from "./source.ts";
export { logFormat, openLog } from "./sources/log-file.ts";
export type { LogFormat } from "./sources/log-file.ts";
export { Filter } from "./filter.ts";
export type { FilterOptions, FilterSummary, LineProblem, RuleCount } from "./filter.ts";
