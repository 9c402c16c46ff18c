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
export { FindingTap } from "./finding-tap.ts";
export { scanHead } from "./scan-head.ts";
export type { LineAlarm } from "./line-handler.ts";
export type { Feed, SinkFeed } from "./outlet.ts";
export { Pipeline } from "./pipeline.ts";
export type { PipelineLimits, PipelineOptions } from "./pipeline.ts";
export { ecsDocument } from "./sinks/ecs-document.ts";
export type { EcsContext } from "./sinks/ecs-document.ts";
export type { PipelineTally, SinkTally } from "./tally.ts";
export { archiveSource } from "./sources/archive.ts";
export type { ArchivedLog, ArchiveOptions } from "./sources/archive.ts";
