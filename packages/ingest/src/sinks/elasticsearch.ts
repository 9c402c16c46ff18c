import { Client, errors } from "@elastic/elasticsearch";
import type { ClientOptions, estypes } from "@elastic/elasticsearch";
import { isJsonObject, own } from "@auditsieve/audit";
import { IngestError, reasonOf } from "../errors.ts";
import type { Delivery, ItemResult, PreparedBatch, Sink } from "../sink.ts";
import { DEFAULT_BACKOFF } from "../backoff.ts";
import type { Backoff } from "../backoff.ts";
import { AnswerSerializer, CREATED_ITEM } from "./bulk-answer.ts";
import { BulkBatcher } from "./bulk-batcher.ts";
import type { BulkAnswer, BulkBatcherOptions, BulkItemAnswer, FindAnswer } from "./bulk-batcher.ts";
import { BulkBodies } from "./bulk-body.ts";
import { joined } from "./bulk-item.ts";
import type { BulkItem } from "./bulk-item.ts";
import { DATASET } from "./ecs-document.ts";
import { findStored, LookupError } from "./elasticsearch-lookup.ts";
import { answerOf, hintOf, hintOfConnection, HINTS, isAboutTheStream, isUnreachable } from "./elasticsearch-faults.ts";
import { INDEX_TEMPLATE_NAME, indexTemplate } from "./index-template.ts";
import type { Lifecycle } from "./index-template.ts";
import { isOverTheServersLimit } from "./indexing-pressure.ts";

export interface ElasticsearchOptions {
  readonly name: string;
  /** Address without credentials: `https://elastic.example:9200`. */
  readonly node: string;
  readonly auth?: { readonly apiKey: string } | { readonly username: string; readonly password: string };
  /** PEM of the authority that signed the server's certificate. */
  readonly ca?: string;
  readonly cluster: string;
  /** Last part of the data stream `logs-kubernetes.audit_logs-<namespace>`. Default "default". */
  readonly namespace?: string;
  /** Written into the index template. Default: none, so that the server's default or another template's holds. */
  readonly lifecycle?: Lifecycle;
  readonly requestTimeoutMs?: number;
  readonly batches?: Pick<BulkBatcherOptions, "maxRequestBytes" | "maxRequestItems" | "maxInFlight" | "onRetry">;
  /** Told once when documents cannot be looked up: then a rollover may let one be stored twice. */
  readonly onBlind?: (error: IngestError) => void;
  readonly backoff?: Backoff;
  readonly now?: () => Date;
}

/** A sink that can also say whether it would work. */
export interface CheckedSink extends Sink {
  /** Throws an {@link IngestError} that says what is wrong with address, credentials or rights; `signal` ends its requests. */
  check(signal?: AbortSignal): Promise<void>;
}

/**
 * Writes deliveries into the data stream `logs-kubernetes.audit_logs-<namespace>`, whose index template it installs.
 * Each document has its delivery's id and is created, never overwritten; a data stream refuses an id again only within its
 * write index, so what may be stored already is looked up in all of them before it is sent. What is sent twice is stored once.
 *
 * @example
 * const sink = createElasticsearchSink({ name: "es", node, cluster: "prod" });
 * const results = await sink.write(batch, new AbortController().signal);
 * assert.deepEqual(results, [{ status: "stored" }]);
 * await sink.close();
 */
export function createElasticsearchSink(options: ElasticsearchOptions): CheckedSink {
  return new ElasticsearchSink(options);
}

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_DETAIL = 300;
const PRIVILEGES = ["create_doc", "auto_configure", "read", "view_index_metadata"] as const;
const ANSWER_FIELDS = "items.create.status,items.create.error,items.create.failure_store";
const TRANSIENT = [
  [errors.DeserializationError, "answer-invalid"],
  [LookupError, "lookup-unavailable"],
  [errors.ConnectionError, "connection"],
  [errors.NoLivingConnectionsError, "connection"],
  [errors.RequestAbortedError, "aborted"],
] as const;

class ElasticsearchSink implements CheckedSink {
  readonly name: string;
  readonly #options: ElasticsearchOptions;
  readonly #client: Client;
  readonly #batcher: BulkBatcher;
  readonly #stream: string;
  readonly #bodies: BulkBodies;
  #template: Promise<void> | undefined;
  #isBlind = false;
  /** Requests without an answer item by item. */
  #doubts = 0;

  constructor(options: ElasticsearchOptions) {
    const namespace = options.namespace ?? "default";
    this.name = options.name;
    this.#options = options;
    this.#stream = `logs-${DATASET}-${namespace}`;
    const { now } = options;
    const clock = now === undefined ? Date.now : () => now().getTime();
    this.#bodies = new BulkBodies({ cluster: options.cluster, namespace, now: clock });
    this.#client = new Client(clientOptions(options));
    this.#batcher = new BulkBatcher({
      ...options.batches,
      backoff: options.backoff ?? DEFAULT_BACKOFF,
      send: (items, signal) => this.#send(items, signal),
      find: (ids, signal) => this.#find(ids, signal),
    });
  }

  begin(): PreparedBatch {
    return this.#bodies.begin();
  }

  async write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]> {
    signal.throwIfAborted();
    await this.#installTemplate(signal);
    const items = this.#bodies.of(batch);
    const doubts = this.#doubts;
    let isSettled = false;
    try {
      const results = await this.#batcher.deliver(items, signal);
      // What was not answered item by item may still be on its way out of this memory, and what was refused is put aside out of it.
      isSettled = doubts === this.#doubts && results.every(({ status }) => status === "stored");
      return results;
    } finally {
      if (isSettled) {
        this.#bodies.release(items);
      } else {
        this.#bodies.withhold(items);
      }
    }
  }

  async check(signal?: AbortSignal): Promise<void> {
    const options = signal && { signal };
    await this.#installTemplate(signal);
    await this.#checkPrivileges(options);
    try {
      await this.#client.indices.simulateIndexTemplate({ name: this.#stream }, options);
    } catch (error) {
      if (!isForbidden(error)) {
        throw this.#failure("use the data stream", error);
      }
      // Who may not ask may still write.
      await this.#checkTemplate(options);
    }
    try {
      await findStored(this.#client, this.#stream, ["0".repeat(32)], signal);
    } catch (error) {
      throw this.#failure("look documents up in the data stream", error);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Without the template the first document would make the server guess types: nothing is sent before it is there. */
  #installTemplate(signal?: AbortSignal): Promise<void> {
    this.#template ??= this.#putTemplate(signal).catch((error: unknown) => {
      this.#template = undefined;
      throw error;
    });
    return this.#template;
  }

  async #putTemplate(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#client.indices.putIndexTemplate(
        { name: INDEX_TEMPLATE_NAME, ...indexTemplate(DATASET, this.#options.lifecycle) },
        signal && { signal },
      );
    } catch (error) {
      // A key that may only write documents is fine when somebody else has installed the template; see require_data_stream.
      if (!isForbidden(error)) {
        throw this.#failure(`install the index template "${INDEX_TEMPLATE_NAME}"`, error);
      }
    }
  }

  /** Every user may ask what it may do; a server without security knows no such question. */
  async #checkPrivileges(options: { readonly signal: AbortSignal } | undefined): Promise<void> {
    const answer: unknown = await this.#client.security
      .hasPrivileges({ index: [{ names: [this.#stream], privileges: [...PRIVILEGES] }] }, options)
      .catch(() => undefined);
    const granted = memberOf(memberOf(answer, "index"), this.#stream);
    const missing = PRIVILEGES.filter((privilege) => memberOf(granted, privilege) === false);
    if (missing.length > 0) {
      throw this.#error(`write to "${this.#stream}"`, `this user lacks ${missing.join(", ")}`, HINTS[403]);
    }
  }

  /** Whether the template is there, where this user may know it. */
  async #checkTemplate(options: { readonly signal: AbortSignal } | undefined): Promise<void> {
    try {
      await this.#client.indices.getIndexTemplate({ name: INDEX_TEMPLATE_NAME }, options);
    } catch (error) {
      if (!isForbidden(error)) {
        throw this.#failure(`find the index template "${INDEX_TEMPLATE_NAME}"`, error);
      }
    }
  }

  async #send(items: readonly BulkItem[], signal: AbortSignal): Promise<BulkAnswer> {
    try {
      // As `client.bulk` does it, but for bytes that need no serialiser; the answer holds only what is looked at.
      const answer = await this.#client.transport.request<estypes.BulkResponse>(
        {
          method: "POST",
          path: `/${encodeURIComponent(this.#stream)}/_bulk`,
          querystring: { require_data_stream: true, filter_path: ANSWER_FIELDS },
          bulkBody: joined(items),
          meta: { name: "bulk", pathParts: { index: this.#stream } },
        },
        { maxRetries: 0, signal },
      );
      if (Array.isArray(answer.items)) {
        const results = answer.items.map((item) => itemAnswer(item, items));
        const closed = results.find(isAboutTheStream);
        return closed === undefined ? { kind: "items", items: results } : this.#closedStream(closed);
      }
      this.#doubts++;
      return { kind: "retry", reason: "answer-invalid", isOverloaded: false, isUnknown: true };
    } catch (error) {
      this.#doubts++;
      return this.#answerOf(error);
    }
  }

  /** The stream takes nothing: that is no fault of these documents, and they wait for whoever mends it. */
  #closedStream({ status, errorType = "", errorReason = "" }: BulkItemAnswer): BulkAnswer {
    this.#doubts++;
    const reason = `HTTP ${status} ${errorType}: ${errorReason}`;
    return { kind: "refused", error: this.#error(`write to "${this.#stream}"`, reason, hintOf(status)) };
  }

  async #find(ids: readonly string[], signal: AbortSignal): Promise<FindAnswer> {
    try {
      return { kind: "found", ids: await findStored(this.#client, this.#stream, ids, signal) };
    } catch (error) {
      if (error instanceof errors.ResponseError && error.statusCode === 403) {
        if (!this.#isBlind) {
          this.#isBlind = true;
          this.#options.onBlind?.(this.#failure("look up what may be stored already", error));
        }
        return { kind: "blind" };
      }
      const answer = this.#answerOf(error);
      if (answer.kind === "refused") {
        throw answer.error;
      }
      return answer.kind === "retry" ? answer : { kind: "retry", reason: "lookup-refused", isOverloaded: false };
    }
  }

  #answerOf(error: unknown): BulkAnswer {
    const detail = cut(error instanceof errors.ResponseError ? answerOf(error) : reasonOf(error));
    if (error instanceof errors.ResponseError) {
      const status = error.statusCode ?? 0;
      const isTooMuch = status === 429 && isOverTheServersLimit(answerOf(error), 0);
      if (status === 413 || status === 400 || isTooMuch) {
        return { kind: "split", reason: `request-${status}`, detail: cut(error.message) };
      }
      if (status === 408 || status === 429 || status >= 500) {
        // 429 is said before anything of the request is looked at; a 503 may be a proxy's word about a server that took it.
        return { kind: "retry", reason: `request-${status}`, detail, isOverloaded: true, isUnknown: status !== 429 };
      }
    } else if (error instanceof errors.TimeoutError) {
      return { kind: "retry", reason: "timeout", detail, isOverloaded: true, isUnknown: true };
    } else {
      const reason = TRANSIENT.find(([failure]) => error instanceof failure)?.[1];
      if (reason !== undefined) {
        return { kind: "retry", reason, detail, isOverloaded: false, isUnknown: true };
      }
    }
    return { kind: "refused", error: this.#failure(`write to "${this.#stream}"`, error) };
  }

  #failure(doing: string, error: unknown): IngestError {
    const status = error instanceof errors.ResponseError ? error.statusCode : undefined;
    return status === undefined
      ? this.#error(isUnreachable(error) ? "reach Elasticsearch" : doing, reasonOf(error), hintOfConnection(error))
      : this.#error(doing, `HTTP ${status} ${answerOf(error)}`, hintOf(status));
  }

  #error(doing: string, reason: string, hint: string): IngestError {
    const where = `at ${this.#options.node} (sink "${this.name}")`;
    return new IngestError("sink-refuses", `Cannot ${doing} ${where}: ${cut(reason)}`, { hint });
  }
}

function memberOf(value: unknown, key: string): unknown {
  return isJsonObject(value) ? own(value, key) : undefined;
}

function isForbidden(error: unknown): boolean {
  return error instanceof errors.ResponseError && error.statusCode === 403;
}

/** How the client is made of a sink's options. */
export function clientOptions(
  options: Pick<ElasticsearchOptions, "node" | "auth" | "ca" | "requestTimeoutMs">,
): ClientOptions {
  return {
    node: options.node,
    ...(options.auth !== undefined && { auth: options.auth }),
    ...(options.ca !== undefined && { tls: { ca: options.ca } }),
    // Every retry is ours: only we know which items are still open.
    maxRetries: 0,
    requestTimeout: options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    redaction: { type: "remove" },
    Serializer: AnswerSerializer,
  };
}

const CREATED: BulkItemAnswer = { status: 201, isInFailureStore: false };

function itemAnswer(item: estypes.BulkResponse["items"][number], request: readonly BulkItem[]): BulkItemAnswer {
  if (item === CREATED_ITEM) {
    return CREATED;
  }
  const answer = item.create;
  if (answer === undefined || typeof answer.status !== "number") {
    return { status: 503, errorType: "answer-invalid" };
  }
  const { error } = answer;
  if (answer.status === 201 && error === undefined && answer.failure_store === undefined) {
    return CREATED;
  }
  const reason = [error?.reason, error?.caused_by?.reason].filter((text) => typeof text === "string").join(": ");
  return {
    status: answer.status,
    ...(error !== undefined && { errorType: boundedType(error.type), errorReason: cut(reason) }),
    isInFailureStore: answer.failure_store === "used" || answer.failure_store === "failed",
    ...(answer.status === 429 && { isTooMuch: isOverTheServersLimit(reason, bytesOf(request)) }),
  };
}

function bytesOf(items: readonly BulkItem[]): number {
  return items.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Types are names in the server's code; anything else must not become a metric label. */
function boundedType(type: string): string {
  return /^[a-z_]{1,60}$/.test(type) ? type : "other";
}

function cut(text: string): string {
  return text.length <= MAX_DETAIL ? text : `${text.slice(0, MAX_DETAIL)}…`;
}
