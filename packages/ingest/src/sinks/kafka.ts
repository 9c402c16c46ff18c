import { setTimeout as delay } from "node:timers/promises";
import { EventScan, isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { STORED } from "../sink.ts";
import type { Delivery, ItemResult, Sink } from "../sink.ts";
import type { KafkaMessage, KafkaProducer } from "../kafka/kafka-client.ts";

export interface KafkaSinkOptions {
  readonly name: string;
  /** Connects; called at the first write, and again when that failed. */
  readonly createProducer: () => Promise<KafkaProducer>;
  /** Larger documents are refused: `max.message.bytes` of the topic less what a record adds. Default 1,000,000. */
  readonly maxDocumentBytes?: number;
  /** How long {@link Sink.close} waits for what is under way. Default 5 s. */
  readonly closeLimitMs?: number;
}

const DEFAULT_DOCUMENT_BYTES = 1_000_000;
/** A broker that says nothing does not hold the end back for longer. */
const CLOSE_LIMIT_MS = 5000;

/**
 * Writes deliveries to a topic, keyed by actor, so that everything that one actor does is in one partition and in order.
 * The headers `auditsieve-id` and `auditsieve-kind` say what it is; at least once, who reads it knows repeats by the id.
 *
 * @example
 * const sink = createKafkaSink({ name: "kafka", createProducer });
 */
export function createKafkaSink(options: KafkaSinkOptions): Sink {
  return new KafkaSink(options);
}

class KafkaSink implements Sink {
  readonly name: string;
  readonly #options: KafkaSinkOptions;
  #producer: Promise<KafkaProducer> | undefined;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(options: KafkaSinkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]> {
    // One batch after the other: what an actor does must not overtake what it did.
    const sending = this.#sending.then(() => this.#write(batch, signal));
    this.#sending = sending.catch(() => undefined);
    return sending;
  }

  async close(): Promise<void> {
    const { closeLimitMs = CLOSE_LIMIT_MS } = this.#options;
    const late = new AbortController();
    const closing = this.#sending.then(async () => (await this.#producer?.catch(() => undefined))?.close());
    await Promise.race([closing, delay(closeLimitMs, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
  }

  async #write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]> {
    signal.throwIfAborted();
    const { maxDocumentBytes = DEFAULT_DOCUMENT_BYTES } = this.#options;
    const results = new Map<Delivery, ItemResult>();
    const fitting = batch.filter((delivery) => {
      const isFitting = delivery.document.length <= maxDocumentBytes;
      if (!isFitting) {
        results.set(delivery, tooLarge(delivery));
      }
      return isFitting;
    });
    const producer = fitting.length === 0 ? undefined : await this.#connected();
    if (producer !== undefined) {
      await this.#send(producer, fitting, results, signal);
    }
    return batch.map((delivery) => results.get(delivery) ?? STORED);
  }

  #connected(): Promise<KafkaProducer> {
    this.#producer ??= this.#options.createProducer().catch((error: unknown) => {
      this.#producer = undefined;
      throw error;
    });
    return this.#producer;
  }

  /** What the broker calls too large is halved until the one is found that is. */
  async #send(
    producer: KafkaProducer,
    deliveries: readonly Delivery[],
    results: Map<Delivery, ItemResult>,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const [first] = deliveries;
    if (first === undefined || (await producer.send(deliveries.map(messageOf))) === "stored") {
      return;
    }
    if (deliveries.length === 1) {
      results.set(first, tooLarge(first));
      return;
    }
    const half = Math.ceil(deliveries.length / 2);
    await this.#send(producer, deliveries.slice(0, half), results, signal);
    await this.#send(producer, deliveries.slice(half), results, signal);
  }
}

function tooLarge({ document }: Delivery): ItemResult {
  return { status: "refused", reason: "too-large", detail: `a document of ${document.length} bytes` };
}

const SCAN = new EventScan();

function messageOf({ id, kind, document }: Delivery): KafkaMessage {
  const key = kind === "event" ? keyOfEvent(document) : kind === "finding" ? keyOfFinding(document) : undefined;
  return {
    key: key === undefined ? undefined : Buffer.from(key),
    value: document,
    headers: { "auditsieve-id": id, "auditsieve-kind": kind },
  };
}

/** The user who authenticated, else the last source IP: the one that the apiserver itself saw. */
function keyOfEvent(document: Buffer): string | undefined {
  if (!SCAN.scan(document, 0, document.length)) {
    return undefined;
  }
  const user = SCAN.text("user.username");
  if (user !== undefined && user !== "") {
    return user;
  }
  return lastOf((JSON.parse(document.toString("utf8")) as { readonly sourceIPs?: JsonValue }).sourceIPs);
}

function keyOfFinding(document: Buffer): string | undefined {
  const finding = JSON.parse(document.toString("utf8")) as { readonly actor?: JsonValue; readonly events?: JsonValue };
  if (typeof finding.actor === "string" && finding.actor !== "") {
    return finding.actor;
  }
  const events: readonly JsonValue[] = Array.isArray(finding.events) ? finding.events : [];
  const [event] = events;
  return isJsonObject(event) ? lastOf(event["sourceIPs"]) : undefined;
}

function lastOf(value: JsonValue | undefined): string | undefined {
  const last = Array.isArray(value) ? (value as readonly JsonValue[]).at(-1) : undefined;
  return typeof last === "string" && last !== "" ? last : undefined;
}
