export type DeliveryKind = "event" | "finding" | "undecidable" | "receipt";

/** What is handed to a sink: already stripped and redacted. A sink never sees original bytes. */
export interface Delivery {
  /** 128-bit keyed hash of the original line or of the receipt's range, or the finding's id: 32 hex characters. */
  readonly id: string;
  readonly kind: DeliveryKind;
  /** One JSON document without newline: the audit event, the finding, the receipt, or what is known of a line that is no event. */
  readonly document: Buffer;
  /** RFC 3339 with microseconds: stageTimestamp of the event, time of the finding; else when it was read. */
  readonly time: string;
  /**
   * An earlier try or an earlier run may have stored it. A sink that can look its id up does so before it writes, where writing
   * the same id again would make a second document.
   */
  readonly mayBeStored?: boolean;
}

/** What became of one delivery of a batch. */
export type ItemResult =
  | { readonly status: "stored" }
  /** Refused for good: goes to the dead letter. `reason` is of a bounded set, `detail` may quote the document. */
  | { readonly status: "refused"; readonly reason: string; readonly detail?: string };

export const STORED: ItemResult = { status: "stored" };

/**
 * Where deliveries go.
 *
 * Contract: `write` resolves with one result per delivery, in their order, once each is durable or refused for good;
 * it rejects only when the whole batch may be tried again later. It retries what is worth retrying by itself, and stops
 * doing so when `signal` aborts. It must not change or keep the deliveries after it settles. Writing the same `id`
 * again must not make a second document where the sink can prevent it.
 */
export interface Sink {
  readonly name: string;
  write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]>;
  close(): Promise<void>;
}
