import type { IngestConfig } from "../config/config.ts";
import { startDaemon } from "./daemon.ts";
import type { MetricsPage } from "../metrics/metrics-page.ts";
import type { DaemonEnd, DaemonOptions } from "./daemon.ts";
import { reasonOf } from "../errors.ts";
import { WebhookPorts } from "../sources/webhook-ports.ts";

/** What {@link runDaemon} needs. */
export interface ReloadOptions extends DaemonOptions {
  /** Reads the configuration again; undefined when it cannot be used (its problems are told by whoever reads it). */
  readonly load: () => Promise<IngestConfig | undefined>;
  /** A `reload` event asks for it. */
  readonly reloads: EventTarget;
}

/**
 * Runs the daemon, and on a `reload` with the configuration read anew: what is under way is drained, the checkpoint says where to
 * go on. A configuration that cannot be used, or that would begin elsewhere, changes nothing.
 *
 * @example
 * const reloads = new EventTarget();
 * const stop = new AbortController();
 * const ended = runDaemon(config, { logger, signal: stop.signal, load, reloads });
 * reloads.dispatchEvent(new Event("reload")); // at SIGHUP
 * stop.abort(); // at SIGTERM
 * const end = await ended;
 */
export async function runDaemon(first: IngestConfig, options: ReloadOptions): Promise<DaemonEnd> {
  const webhookPorts = new WebhookPorts();
  try {
    return await runConfigurations(first, { ...options, webhookPorts });
  } finally {
    await webhookPorts.close();
  }
}

type RunOptions = ReloadOptions & { readonly webhookPorts: WebhookPorts };

async function runConfigurations(first: IngestConfig, options: RunOptions): Promise<DaemonEnd> {
  let config = first;
  let previous: IngestConfig | undefined;
  let earlier: MetricsPage | undefined;
  for (;;) {
    const run = new Run(config, { ...options, earlier });
    try {
      const end = await run.end();
      earlier = end.metrics;
      if (end.failedAtStart === true && previous !== undefined && !options.signal.aborted) {
        throw end.error;
      }
      if (options.signal.aborted || run.next === undefined || end.reason === "failed") {
        return end;
      }
      previous = config;
      config = run.next;
    } catch (error) {
      if (previous === undefined) {
        throw error;
      }
      options.logger.error(
        { reason: reasonOf(error) },
        "The new configuration cannot be started: going on with the one before.",
      );
      config = previous;
      previous = undefined;
    }
  }
}

/** The daemon with one configuration. */
class Run {
  /** What to go on with, once a reload has been asked for. */
  next: IngestConfig | undefined;
  readonly #config: IngestConfig;
  readonly #options: RunOptions;
  readonly #stop = new AbortController();
  /** The reloads that were asked for, one after the other: the last one counts. */
  #reloading: Promise<void> = Promise.resolve();

  constructor(config: IngestConfig, options: RunOptions) {
    this.#config = config;
    this.#options = options;
  }

  async end(): Promise<DaemonEnd> {
    const { signal, reloads, webhookPorts } = this.#options;
    const onReload = (): void => {
      this.#reloading = this.#reloading.then(() => this.#reload());
    };
    reloads.addEventListener("reload", onReload);
    try {
      await webhookPorts.release(this.#config.sources.filter((source) => source.type === "webhook"));
      const end = await startDaemon(this.#config, {
        ...this.#options,
        signal: AbortSignal.any([signal, this.#stop.signal]),
      });
      if (!signal.aborted) {
        await this.#reloading;
      }
      return end;
    } finally {
      reloads.removeEventListener("reload", onReload);
    }
  }

  async #reload(): Promise<void> {
    const { load, logger, webhookPorts } = this.#options;
    let loaded: IngestConfig | undefined;
    try {
      loaded = await load();
    } catch (error) {
      logger.error({ reason: reasonOf(error) }, "The configuration cannot be read again.");
    }
    const refusal = loaded === undefined ? "it has problems" : refusalOf(this.#config, loaded);
    if (refusal !== undefined) {
      logger.error({ reason: refusal }, "The configuration is not loaded again: going on with the one before.");
      return;
    }
    logger.info("Loading the configuration again.");
    this.next = loaded;
    webhookPorts.hold();
    this.#stop.abort();
  }
}

/** Why a configuration cannot take the place of another without a restart. */
function refusalOf(now: IngestConfig, next: IngestConfig): string | undefined {
  if (next.stateFolder !== now.stateFolder) {
    return "it has another stateFolder, where the position is not: move the folder and restart";
  }
  if (next.cluster !== now.cluster) {
    return "it has another cluster, which would give the same lines other ids: restart";
  }
  if (now.sources.some(({ type }) => type === "stdin")) {
    return "it reads standard input, which cannot be opened again";
  }
  return undefined;
}
