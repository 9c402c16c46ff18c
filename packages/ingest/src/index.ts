/**
 * The pipeline: where audit logs come from, what becomes of each line, and where events and findings go.
 *
 * @module
 */
export { IngestError } from "./errors.ts";
export type { IngestErrorCode, IngestErrorOptions } from "./errors.ts";
export { STORED } from "./sink.ts";
export type { Delivery, DeliveryKind, ItemResult, Sink } from "./sink.ts";
export type { Source, SourceAlarm, SourceChunk } from "./source.ts";
export { openCanonicalLog } from "./sources/canonical-log.ts";
export { openCanonicalLogAt } from "./sources/canonical-log-at.ts";
export { openLinesAt } from "./sources/lines-at.ts";
export type { LinesAt } from "./sources/lines-at.ts";
export { openLog } from "./sources/log-file.ts";
export { logFormat } from "./sources/log-format.ts";
export type { LogFormat } from "./sources/log-format.ts";
export { Filter } from "./filter.ts";
export type { FilterOptions, FilterSummary, LineProblem, RuleCount } from "./filter.ts";
export { AuditIdWatch } from "./audit-id-watch.ts";
export { FindingTap } from "./finding-tap.ts";
export { LineTail, reducedEvent } from "./reduced-event.ts";
export { scannedEvent } from "./scanned-event.ts";
export { HeadMemo } from "./head-memo.ts";
export type { HeadEntry } from "./head-memo.ts";
export { scanHead } from "./scan-head.ts";
export type { LineAlarm } from "./line-handler-options.ts";
export type { Feed, SinkFeed } from "./outlet.ts";
export { Pipeline } from "./pipeline.ts";
export type { PipelineOptions } from "./pipeline-options.ts";
export type { PipelineLimits } from "./pipeline-limits.ts";
export type { PipelineTally, SinkTally } from "./tally.ts";
export { archiveSource } from "./sources/archive.ts";
export type { ArchivedLog, ArchiveOptions } from "./sources/archive.ts";
export { checkConfig, startDaemon } from "./daemon.ts";
export type { DaemonEnd, DaemonOptions } from "./daemon.ts";
export { openQuarantine } from "./sinks/quarantine.ts";
export type { OpenedLine } from "./sinks/quarantine.ts";
export { primeDetections } from "./prime-detections.ts";
export type { Primed, PrimeOptions } from "./prime-detections.ts";
export { readConfig } from "./config.ts";
export type { IngestConfig, ReadConfig } from "./config.ts";
export type { ArchiveSourceConfig, FileSourceConfig, SourceConfig, StdinSourceConfig } from "./config-sources.ts";
export type { ConfigReferences, References } from "./config-reader.ts";
export type {
  ElasticsearchSinkConfig,
  FileSinkConfig,
  SinkConfig,
  StdoutSinkConfig,
  StoreSinkConfig,
} from "./config-sinks.ts";
export { createLogger } from "./logger.ts";
export type { Logger, LoggerOptions } from "./logger.ts";
export type { BatchLimits } from "./outlet.ts";
export type { DropCount } from "./tally.ts";
export { Checkpoint, openCheckpoint } from "./checkpoint.ts";
export type { StateFiles } from "./checkpoint.ts";
export { createFileTail } from "./sources/file-tail.ts";
export type { FileTailOptions } from "./sources/file-tail.ts";
export { lockState } from "./state-lock.ts";
export type { StateLock } from "./state-lock.ts";
export { isStore, openStore } from "./sources/store-reader.ts";
export type { Store, StoreSegment, StoreSelection } from "./sources/store-reader.ts";
export { createStoreSink } from "./sinks/store.ts";
export type { StoreSinkOptions } from "./sinks/store.ts";
export type { IndexEntry } from "./sinks/store-format.ts";
export { createWebhook } from "./sources/webhook.ts";
export type { WebhookOptions } from "./sources/webhook.ts";
export { createFileTails } from "./sources/file-tails.ts";
export type { FileTailsOptions } from "./sources/file-tails.ts";
export { createStdoutSink } from "./sinks/stdout.ts";
export type { StdoutSinkOptions } from "./sinks/stdout.ts";
export { createSink } from "./sinks/create-sink.ts";
export type { SinkContext } from "./sinks/create-sink.ts";
export { createFileSink } from "./sinks/file.ts";
export type { FileSinkOptions } from "./sinks/file.ts";
export { openSideLogs } from "./sinks/dead-letter.ts";
export type { DeadLetter, QuarantinedLine, SideLogs } from "./sinks/dead-letter.ts";
export { ecsDocument } from "./sinks/ecs-document.ts";
export type { EcsContext } from "./sinks/ecs-document.ts";
export type { NoiseReceipt } from "./receipt-book.ts";
export type { StateSection } from "./pipeline-state.ts";
export { reconcile } from "./reconcile.ts";
export type { Discrepancy, ReconciledSink, Reconciliation, ReconcileOptions } from "./reconcile.ts";
export { runDaemon } from "./daemon-reload.ts";
export type { ReloadOptions } from "./daemon-reload.ts";
export { configSchema } from "./config-schema.ts";
export { openDeadLetters, redeliverDeadLetters } from "./sinks/dead-letter-redeliver.ts";
export type { RedeliverContext, Redelivered } from "./sinks/dead-letter-redeliver.ts";
export { readPrivateKey } from "./sealed-line.ts";
export type { IngestCase } from "./config-cases.ts";
export type { WebhookSourceConfig } from "./config-webhook.ts";
export { runCases } from "./run-cases.ts";
export type { CaseResult } from "./run-cases.ts";
