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
export { openCanonicalLog } from "./logs/canonical-log.ts";
export { openCanonicalLogAt } from "./logs/canonical-log-at.ts";
export { openLinesAt } from "./logs/lines-at.ts";
export type { LinesAt } from "./logs/lines-at.ts";
export { openLog } from "./logs/log-file.ts";
export { logFormat } from "./logs/log-format.ts";
export { noEventYet, readLogHead } from "./logs/log-head.ts";
export type { LogFormat } from "./logs/log-format.ts";
export { Filter } from "./filter/filter.ts";
export type { FilterOptions, FilterSummary, LineProblem } from "./filter/filter-options.ts";
export type { RuleCount } from "./filter/rule-counts.ts";
export { AuditIdWatch } from "./alarms/audit-id-watch.ts";
export { FindingTap } from "./detections/finding-tap.ts";
export { LineTail, reducedEvent } from "./detections/reduced-event.ts";
export { scannedEvent } from "./detections/scanned-event.ts";
export { HeadMemo } from "./detections/head-memo.ts";
export type { HeadEntry } from "./detections/head-memo.ts";
export { scanHead } from "./detections/scan-head.ts";
export type { LineAlarm } from "./pipeline/line-handler-options.ts";
export type { Feed, SinkFeed } from "./pipeline/outlet.ts";
export { Pipeline } from "./pipeline/pipeline.ts";
export type { PipelineOptions } from "./pipeline/pipeline-options.ts";
export type { PipelineLimits } from "./pipeline/pipeline-limits.ts";
export type { PipelineTally, SinkTally } from "./lines/tally.ts";
export { archiveSource } from "./sources/archive.ts";
export type { ArchivedLog, ArchiveOptions } from "./sources/archive.ts";
export { checkConfig } from "./daemon/check-config.ts";
export { startDaemon } from "./daemon/daemon.ts";
export type { DaemonEnd, DaemonOptions } from "./daemon/daemon.ts";
export { openQuarantine } from "./sinks/quarantine.ts";
export type { OpenedLine } from "./sinks/quarantine.ts";
export { primeDetections } from "./daemon/prime-detections.ts";
export type { Primed, PrimeOptions } from "./daemon/prime-detections.ts";
export { readConfig } from "./config/config.ts";
export type { IngestConfig, ReadConfig } from "./config/config.ts";
export type {
  ArchiveSourceConfig,
  FileSourceConfig,
  SourceConfig,
  StdinSourceConfig,
} from "./config/config-sources.ts";
export type { ConfigReferences, References } from "./config/config-reader.ts";
export type { ElasticsearchSinkConfig } from "./config/config-elasticsearch.ts";
export type { FileSinkConfig, SinkConfig, StdoutSinkConfig, StoreSinkConfig } from "./config/config-sinks.ts";
export { createLogger } from "./logger.ts";
export type { Logger, LoggerOptions } from "./logger.ts";
export type { BatchLimits } from "./pipeline/outlet.ts";
export type { DropCount } from "./lines/tally.ts";
export { Checkpoint, openCheckpoint } from "./state/checkpoint.ts";
export type { StateFiles } from "./state/checkpoint.ts";
export { createFileTail } from "./sources/file-tail.ts";
export type { FileTailOptions } from "./sources/file-tail.ts";
export { lockState } from "./state/state-lock.ts";
export type { StateLock } from "./state/state-lock.ts";
export { isStore, openStore } from "./sources/store-reader.ts";
export type { Store, StoreSegment, StoreSelection } from "./sources/store-reader.ts";
export { createStoreSink } from "./sinks/store.ts";
export type { StoreSinkOptions } from "./sinks/store.ts";
export type { IndexEntry } from "./logs/store-format.ts";
export { createWebhook } from "./sources/webhook.ts";
export type { WebhookOptions } from "./sources/webhook.ts";
export { createFileTails } from "./sources/file-tails.ts";
export type { FileTailsOptions } from "./sources/file-tails.ts";
export { createStdoutSink } from "./sinks/stdout.ts";
export type { StdoutSinkOptions } from "./sinks/stdout.ts";
export { checkSink, createSink } from "./config/create-sink.ts";
export type { SinkContext } from "./config/create-sink.ts";
export { createFileSink } from "./sinks/file.ts";
export type { FileSinkOptions } from "./sinks/file.ts";
export { openSideLogs } from "./sinks/dead-letter.ts";
export type { DeadLetter, QuarantinedLine, SideLogs } from "./sinks/dead-letter.ts";
export { ecsDocument } from "./sinks/ecs-document.ts";
export type { EcsContext } from "./sinks/ecs-document.ts";
export type { NoiseReceipt } from "./receipts/receipt-book.ts";
export type { StateSection } from "./lines/pipeline-state.ts";
export { reconcile } from "./reconcile/reconcile.ts";
export type { Discrepancy, ReconciledSink, Reconciliation, ReconcileOptions } from "./reconcile/reconciliation.ts";
export { runDaemon } from "./daemon/daemon-reload.ts";
export type { ReloadOptions } from "./daemon/daemon-reload.ts";
export { configSchema } from "./config/config-schema.ts";
export { openDeadLetters, redeliverDeadLetters } from "./reconcile/dead-letter-redeliver.ts";
export type { RedeliverContext, Redelivered } from "./reconcile/dead-letter-redeliver.ts";
export { readPrivateKey } from "./state/sealed-line.ts";
export type { IngestCase } from "./config/config-cases.ts";
export type { WebhookSourceConfig } from "./config/config-webhook.ts";
export { runCases } from "./config/run-cases.ts";
export type { CaseResult } from "./config/run-cases.ts";
