import { join } from "node:path";
import type { Readable } from "node:stream";
import { createRedactor, isJsonObject } from "@auditsieve/audit";
import { AuditIdWatch } from "../alarms/audit-id-watch.ts";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { Checkpoint } from "../state/checkpoint.ts";
import type { SourceConfig } from "../config/config-sources.ts";
import type { IngestConfig } from "../config/config.ts";
import { openDetectionState } from "../state/detection-state.ts";
import { IngestError, reasonOf } from "../errors.ts";
import { DaemonObserver } from "./daemon-observer.ts";
import { notReady } from "./not-ready.ts";
import type { SourceStanding } from "./not-ready.ts";
import type { Logger } from "../logger.ts";
import { serveMetrics } from "../metrics/metrics-server.ts";
import { renderMetrics } from "../metrics/metrics.ts";
import type { PipelineSnapshot } from "../metrics/metrics.ts";
import type { MetricsPage } from "../metrics/metrics-page.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { unreadBytes } from "../reconcile/reconcile-inputs.ts";
import type { Delivery, Sink } from "../sink.ts";
import type { Backoff } from "../backoff.ts";
import { createSink } from "../config/create-sink.ts";
import type { SourceAlarm } from "../source.ts";
import { openSideLogs, readDeadLetterIds } from "../sinks/dead-letter.ts";
import { Quarantine } from "../sinks/quarantine.ts";
import { createSource, describeSource } from "../config/create-source.ts";
import { lockFolders, OPEN_FOLDER_HINT, openFolders } from "../config/folder-locks.ts";
import { markSinks } from "../config/sink-marks.ts";
import { stateKey } from "../state/state-keys.ts";
import type { PipelineTally } from "../lines/tally.ts";
import { openWatchMemory } from "../alarms/watch-memory.ts";
import type { WebhookPorts } from "../sources/webhook-ports.ts";

/** What a daemon needs of the process that it runs in. */
export interface DaemonOptions {
  readonly logger: Logger;
  /** Aborts to stop: what is under way is drained within `limits.drainMs`. */
  readonly signal: AbortSignal;
  readonly backoff?: Backoff;
  readonly now?: () => Date;
  /** Standard input, for a source of that type. */
  readonly input?: Readable;
  /** Standard output, for a sink of that type; resolves when the bytes were taken. */
  readonly writeOutput?: (bytes: Buffer | string) => Promise<void>;
  /** What that sink prints of a delivery. Default: its document. */
  readonly format?: (delivery: Delivery) => string | undefined;
  /** Told what a source tells, besides the log. */
  readonly onAlarm?: (alarm: SourceAlarm) => void;
  /** Whether what detections remember outlives the run, so that a stop does not end what is open. Default true. */
  readonly keepsDetections?: boolean;
  /** Keeps the ports of webhooks open over a reload. */
  readonly webhookPorts?: WebhookPorts | undefined;
  /** Shown in the metrics. */
  readonly version?: string;
  readonly residentBytes?: () => number | undefined;
  /** What this process has counted before, with another configuration. */
  readonly earlier?: MetricsPage | undefined;
  /** How often the counters are logged. Default a minute. */
  readonly reportIntervalMs?: number;
}

/** Why the daemon ended, and what it did until then. */
export interface DaemonEnd {
  readonly reason: "stopped" | "failed";
  /** Set when it failed. */
  readonly error?: IngestError;
  /** The source that failed had read nothing yet: so it cannot be read as it is configured. */
  readonly failedAtStart?: boolean;
  /** Lines that some sink or the checkpoint does not have yet: they come again at the next start. */
  readonly unacknowledged: number;
  readonly tallies: readonly PipelineTally[];
  /** What metrics show at the end. */
  readonly metrics: MetricsPage;
}

/**
 * Runs the daemon until `signal` aborts or a source fails for good. Rejects only when it cannot start: an unreadable
 * checkpoint, an unwritable state folder, or one that another daemon uses.
 *
 * @example
 * const stop = new AbortController();
 * const ended = startDaemon(config, { logger, signal: stop.signal });
 * stop.abort(); // at SIGTERM
 * const end = await ended;
 * const exitCode = end.reason === "failed" || end.unacknowledged > 0 ? 3 : 0;
 */
export async function startDaemon(config: IngestConfig, options: DaemonOptions): Promise<DaemonEnd> {
  const lock = await lockFolders(config);
  try {
    (await openFolders(config)).forEach(({ message }) => options.logger.warn({ hint: OPEN_FOLDER_HINT }, message));
    return await runLocked(config, options);
  } finally {
    await lock.release();
  }
}

async function runLocked(config: IngestConfig, options: DaemonOptions): Promise<DaemonEnd> {
  const { logger } = options;
  const { stateFolder } = config;
  const redactionKey = config.redactionKey ?? (await keyOf(stateFolder, "redaction", logger));
  const idKey = config.idKey ?? (await keyOf(stateFolder, "id", logger));
  const checkpoint = await openCheckpoint(join(stateFolder, "checkpoint.json"));
  markSinks(checkpoint, config);
  const deadLetter = join(stateFolder, "dead-letter.ndjson");
  const sideLogs = openSideLogs({
    deadLetter,
    earlier: await readDeadLetterIds(deadLetter),
    quarantine: join(stateFolder, "quarantine.ndjson"),
    seal: config.deadLetters && { ...config.deadLetters, idKey },
  });
  const observer = new DaemonObserver(logger);
  const onRetry = (reason: string): void => observer.retry(reason);
  const sinks = await Promise.all(
    config.sinks.map((sink) => createSink(sink, { ...options, cluster: config.cluster, onRetry })),
  );
  const sources = await Promise.all(
    config.sources.map((source) =>
      createSource(source, {
        stateFolder,
        checkpoint,
        onAlarm: (alarm) => {
          observer.alarm(source.name, alarm.kind, alarm.message, alarm.isQuiet);
          if (alarm.isQuiet !== true) {
            options.onAlarm?.(alarm);
          }
        },
        ...(options.input && { input: options.input }),
        idKey,
        webhookPorts: options.webhookPorts,
        keepsDetections: options.keepsDetections !== false && config.detections.detections.length > 0,
      }),
    ),
  );
  const detectionStates = await Promise.all(
    config.sources.map(async ({ name, type }) => {
      const saved = checkpoint.get(`pipeline/${name}`);
      // Standard input cannot be gone on with: no place of it is kept.
      return type === "stdin" || options.keepsDetections === false
        ? undefined
        : openDetectionState(stateFolder, name, isJsonObject(saved) ? saved["detections"] : undefined);
    }),
  );
  const watchMemories = await Promise.all(
    config.sources.map(async ({ name }, place) => {
      const saved = checkpoint.get(`pipeline/${name}`);
      const keepsAuditIds = AuditIdWatch.of(config.detections.detections) !== undefined;
      return (
        detectionStates[place] &&
        openWatchMemory(stateFolder, name, isJsonObject(saved) ? saved["watched"] : undefined, { keepsAuditIds })
      );
    }),
  );
  const quarantine =
    config.quarantine &&
    (await Quarantine.open({
      folder: join(stateFolder, "quarantine"),
      ...config.quarantine,
      onLost: (reason) =>
        observer.alarm("quarantine", "quarantine-lost", `Raw bytes of a long line are not kept: ${reason}`),
    }));
  const pipelines = sources.map(
    (source, place) =>
      new Pipeline({
        source,
        ...(quarantine && { sealLine: () => quarantine.begin() }),
        readsAlone: config.sources[place]?.type !== "kafka",
        ...(detectionStates[place] && { detectionState: detectionStates[place] }),
        watched: watchMemories[place],
        feeds: config.sinks.map(({ feed, policy }, i) => ({ sink: sinks[i] as Sink, feed, ...(policy && { policy }) })),
        sideLogs: {
          ...sideLogs,
          deadLetter: async (letters) => {
            await sideLogs.deadLetter(letters);
            observer.refused(letters, deadLetter);
          },
        },
        receipts: true,
        state: checkpoint.section(`pipeline/${source.name}`),
        cluster: config.cluster,
        idKey,
        redactor: createRedactor({ key: redactionKey }),
        detections: config.detections,
        limits: config.limits,
        ...(options.backoff && { backoff: options.backoff }),
        ...(options.now && { now: options.now }),
        onFailure: (error) => observer.failure(error),
        onLineAlarm: ({ kind, input, offset, bytes, reason, salvaged, hint }) =>
          observer.line(kind, {
            source: source.name,
            input,
            offset,
            bytes,
            reason,
            ...(salvaged && { salvaged }),
            ...(hint !== undefined && { hint }),
          }),
        onAlarm: ({ kind, message }) => observer.alarm(source.name, kind, message),
      }),
  );
  const status = { isStopping: false };
  options.signal.addEventListener("abort", () => (status.isStopping = true));
  const close = (): Promise<unknown> =>
    Promise.allSettled([...[...sources, ...sinks].map((one) => one.close()), sideLogs.close()]);
  const standings = (): readonly SourceStanding[] =>
    pipelines.map((pipeline, i) => ({
      source: pipeline.tally().source,
      stalledSeconds: pipeline.delays().stalledSeconds,
      hasRoom: sources[i]?.hasRoom,
    }));
  const page = async (): Promise<MetricsPage> => {
    const snapshots = pipelines.map(async (pipeline, i) => ({
      ...(await snapshotOf(pipeline, config.sources[i] as SourceConfig, checkpoint, stateFolder)),
      rotation: sources[i]?.rotation?.(),
      requests: sources[i]?.requests?.(),
    }));
    const { version = "", residentBytes, earlier } = options;
    const shared = { version, ...observer.counts(), residentBytes: residentBytes?.() };
    return renderMetrics({ ...shared, pipelines: await Promise.all(snapshots) }, earlier);
  };
  const metrics =
    config.metrics &&
    (await serveMetrics({
      ...config.metrics,
      notReady: () => notReady(standings(), status.isStopping || options.signal.aborted),
      metrics: async () => (await page()).text(),
    }).catch(async (error: unknown) => {
      await close();
      throw error;
    }));
  logger.info(
    {
      cluster: config.cluster,
      sources: config.sources.map(describeSource),
      sinks: config.sinks.map(({ name, feed }) => `${name} (${feed})`),
    },
    "Started.",
  );
  const report = setInterval(() => logTallies(logger, pipelines), options.reportIntervalMs ?? 60_000);
  const failure = await runAll(pipelines, options.signal);
  clearInterval(report);
  await metrics?.close();
  await close();
  return { ...endOf(pipelines, failure, logger), metrics: await page() };
}

async function snapshotOf(
  pipeline: Pipeline,
  source: SourceConfig,
  checkpoint: Checkpoint,
  stateFolder: string,
): Promise<PipelineSnapshot> {
  const lagBytes = await unreadBytes(source, checkpoint, stateFolder).catch(() => undefined);
  const { lagSeconds, stalledSeconds } = pipeline.delays();
  return { tally: pipeline.tally(), lagBytes, lagSeconds, stalledSeconds };
}

async function keyOf(folder: string, name: "redaction" | "id", logger: Logger): Promise<Buffer> {
  const { key, isNew } = await stateKey(folder, name);
  if (isNew) {
    logger.warn(
      { file: join(folder, `${name}.key`) },
      name === "id"
        ? "No id key is configured: made one. Daemons of one cluster must share it, or an event read by two is stored twice."
        : "No redaction key is configured: made one. Keep it, or the same secret gets another hash.",
    );
  }
  return key;
}

interface RunFailure {
  readonly error: IngestError;
  readonly isAtStart: boolean;
}

/** Runs all until the signal; when one fails, the others are stopped too: half a daemon would look like a whole one. */
async function runAll(pipelines: readonly Pipeline[], signal: AbortSignal): Promise<RunFailure | undefined> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const failures = await Promise.all(
    pipelines.map((pipeline) =>
      pipeline.run(either).then(
        () => undefined,
        (error: unknown): RunFailure => {
          failed.abort();
          return { error: asIngestError(error), isAtStart: pipeline.tally().lines === 0 };
        },
      ),
    ),
  );
  return failures.find((failure) => failure !== undefined);
}

function asIngestError(error: unknown): IngestError {
  return error instanceof IngestError
    ? error
    : new IngestError("unreadable", `Cannot go on: ${reasonOf(error)}`, {
        cause: error,
        hint: "This is a defect: please report it",
      });
}

function endOf(
  pipelines: readonly Pipeline[],
  failure: RunFailure | undefined,
  logger: Logger,
): Omit<DaemonEnd, "metrics"> {
  const tallies = pipelines.map((pipeline) => pipeline.tally());
  const unacknowledged = tallies.reduce((sum, tally) => sum + tally.unacknowledged, 0);
  logTallies(logger, pipelines);
  if (failure !== undefined) {
    const { code, hint, message } = failure.error;
    logger.error({ code, hint }, message);
  }
  if (unacknowledged > 0) {
    logger.error(
      { unacknowledged },
      "Stopped with lines that a sink or the checkpoint does not have: they come again at the next start.",
    );
  } else {
    logger.info("Stopped; everything read is delivered.");
  }
  const failed = failure && { error: failure.error, failedAtStart: failure.isAtStart };
  return { reason: failure === undefined ? "stopped" : "failed", ...failed, unacknowledged, tallies };
}

function logTallies(logger: Logger, pipelines: readonly Pipeline[]): void {
  for (const pipeline of pipelines) {
    const { source, lines, bytes, undecidable, reduced, findings, unacknowledged, sinks } = pipeline.tally();
    const bySink = sinks.map(({ sink, delivered, dropped, deadLettered, pending }) => ({
      sink,
      delivered,
      dropped,
      deadLettered,
      pending,
    }));
    logger.info({ source, lines, bytes, undecidable, reduced, findings, unacknowledged, sinks: bySink }, "Counters.");
  }
}
