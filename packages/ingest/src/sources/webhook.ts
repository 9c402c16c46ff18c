import { safeText } from "@auditsieve/detect";
import type { Checkpoint } from "../state/checkpoint.ts";
import { reasonOf } from "../errors.ts";
import type { Source, SourceAlarm, SourceChunk } from "../source.ts";
import { decodeSpoolPosition, numberOf, Spool } from "./spool.ts";
import { readWebhookBody } from "./webhook-body.ts";
import { WebhookPorts } from "./webhook-ports.ts";
import { accepted } from "./webhook-server.ts";
import type { Answer, WebhookServerOptions } from "./webhook-server.ts";

/** Options of {@link createWebhook}. */
export interface WebhookOptions extends Omit<WebhookServerOptions, "accept" | "onAnswer"> {
  readonly name: string;
  readonly checkpoint: Checkpoint;
  /** Holds bodies until every sink has them. */
  readonly spoolFolder: string;
  /** Most bytes of it. Default 256 MiB. */
  readonly maxSpoolBytes?: number;
  readonly onAlarm?: (alarm: SourceAlarm) => void;
  /** Told the port once it listens. */
  readonly onListening?: (port: number) => void;
  /** Value of `--audit-webhook-initial-backoff` of the apiserver, which says when it gives a batch up. Default 10 s. */
  readonly initialBackoffMs?: number;
  readonly chunkBytes?: number;
  /** Keeps its port open over a reload. */
  readonly ports?: WebhookPorts | undefined;
}

const DEFAULT_SPOOL_BYTES = 256 * 1024 * 1024;
const RETRY_AFTER_S = 5;
const QUIET_MS = 60_000;

/**
 * How long the apiserver tries one batch that is answered with 429: 5 tries, 1, 1.5, 2.25 and 3.375 times the initial backoff
 * between them, and in each try client-go repeats the request 10 times after the `Retry-After` that it is given.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/util/webhook/webhook.go
 * @see https://github.com/kubernetes/client-go/blob/v0.37.2/rest/with_retry.go
 */
export function patienceOfApiserver(initialBackoffMs: number, retryAfterSeconds: number): number {
  return 5 * 10 * retryAfterSeconds * 1000 + initialBackoffMs * (1 + 1.5 + 2.25 + 3.375);
}

/**
 * Receives what the apiserver's audit webhook posts. A body is answered with 2xx when its events are synced in a bounded spool,
 * never waiting for a sink; with 429 and `Retry-After` when the spool is full, and an alarm says how long the apiserver will
 * keep trying. Events come from the spool as from any log, after a restart too.
 *
 * @example
 * const source = createWebhook({ name: "webhook", host: "0.0.0.0", port: 8443, tls, token, spoolFolder, checkpoint });
 */
export function createWebhook(options: WebhookOptions): Source {
  return new Webhook(options);
}

class Webhook implements Source {
  readonly name: string;
  readonly #options: WebhookOptions;
  readonly #section: string;
  readonly #told = new Map<string, { at: number; since: number }>();
  readonly #requests = new Map<string, number>();
  #spool: Spool | undefined;
  /** When the spool was first found full. */
  #fullSince: number | undefined;
  /** Of the largest body that did not fit since one did. */
  #turnedAwayBytes = 0;

  constructor(options: WebhookOptions) {
    this.name = options.name;
    this.#options = options;
    this.#section = `source/${options.name}`;
  }

  async *open(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const { spoolFolder, maxSpoolBytes = DEFAULT_SPOOL_BYTES, chunkBytes, checkpoint, onListening } = this.#options;
    const { ports = new WebhookPorts() } = this.#options;
    const from = decodeSpoolPosition(checkpoint.get(this.#section));
    const spool = await Spool.open(
      { folder: spoolFolder, maxBytes: maxSpoolBytes, ...(chunkBytes !== undefined && { chunkBytes }) },
      from,
    );
    this.#spool = spool;
    const { server, port } = await ports.open({
      ...this.#options,
      accept: (body) => this.#accept(body, spool),
      onAnswer: (answer) => {
        this.#requests.set(answer.reason, (this.#requests.get(answer.reason) ?? 0) + 1);
        if (answer.status !== 200) {
          this.#refused(answer);
        }
      },
    });
    try {
      onListening?.(port);
      yield* spool.read(from, signal);
    } finally {
      await ports.leave(server, this.#options);
    }
  }

  get hasCaughtUp(): boolean {
    return this.#spool?.hasCaughtUp === true;
  }

  /** Not before it listens, nor where what an apiserver sends at once may not fit into the spool. */
  get hasRoom(): boolean {
    const { maxSpoolBytes = DEFAULT_SPOOL_BYTES } = this.#options;
    return this.#spool?.hasRoom(Math.max(maxSpoolBytes / 16, this.#turnedAwayBytes)) === true;
  }

  requests(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#requests);
  }

  async ack(input: string, offset: number): Promise<void> {
    const position = { number: numberOf(input), offset };
    this.#options.checkpoint.put(this.#section, position);
    await this.#options.checkpoint.save();
    await this.#spool?.release(position);
  }

  async close(): Promise<void> {
    await this.#spool?.close();
  }

  async #accept(body: Buffer, spool: Spool): Promise<Answer> {
    const read = readWebhookBody(body);
    if (!read.ok) {
      return { status: 400, reason: "malformed", detail: read.reason };
    }
    if (read.lines.length === 0) {
      return accepted();
    }
    if (!spool.hasRoom(read.lines.length + 1)) {
      this.#fullSince ??= performance.now();
      this.#turnedAwayBytes = Math.max(this.#turnedAwayBytes, read.lines.length + 1);
      return { status: 429, reason: "spool-full", retryAfterSeconds: RETRY_AFTER_S };
    }
    try {
      await spool.append(read.lines);
    } catch (error) {
      return { status: 503, reason: "spool-write", detail: reasonOf(error), retryAfterSeconds: RETRY_AFTER_S };
    }
    this.#fullSince = undefined;
    this.#turnedAwayBytes = 0;
    return accepted();
  }

  /** One alarm a minute for each reason: a scan must not fill the log. */
  #refused({ reason, detail }: Answer): void {
    const now = performance.now();
    const known = this.#told.get(reason);
    const kind = reason === "spool-full" ? "spool-full" : "refused";
    if (known !== undefined && now - known.at < QUIET_MS) {
      known.since++;
      this.#options.onAlarm?.({ kind, message: "", isQuiet: true });
      return;
    }
    this.#told.set(reason, { at: now, since: 0 });
    const repeated = known === undefined || known.since === 0 ? "" : ` (and ${known.since} more since the last time)`;
    this.#options.onAlarm?.({ kind, message: `${this.#messageOf(reason, detail)}${repeated}` });
  }

  #messageOf(reason: string, detail: string | undefined): string {
    const why = detail === undefined ? "" : `: ${safeText(detail, 300)}`;
    switch (reason) {
      case "spool-full": {
        const { initialBackoffMs = 10_000, maxSpoolBytes = DEFAULT_SPOOL_BYTES } = this.#options;
        const waited = this.#fullSince === undefined ? 0 : performance.now() - this.#fullSince;
        const left = Math.max(0, patienceOfApiserver(initialBackoffMs, RETRY_AFTER_S) - waited);
        return `The spool is full (${maxSpoolBytes} bytes), because a sink does not take what is in it: the apiserver is told to wait, and drops events in about ${Math.round(left / 1000)} s`;
      }
      case "spool-write":
        return `Cannot write the spool${why}; the apiserver is told to wait`;
      case "malformed":
        return `A body was refused because it is malformed${why}; an apiserver does not send it again`;
      case "too-large":
        return `A body was refused because it is too large (${detail}), and the apiserver does not send it again: raise maxBodyBytes, or set --audit-webhook-truncate-enabled or a smaller --audit-webhook-batch-max-size`;
      case "authority":
        return "A caller that had connected under an earlier clientCaFile is told to come anew: an apiserver does so";
      case "forbidden":
        return `A request was refused, because its caller is none of clientNames${why}; an apiserver does not send it again`;
      default:
        return `A request was refused (${reason})${why}`;
    }
  }
}
