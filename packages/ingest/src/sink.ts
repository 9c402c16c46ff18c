import type { EventScan } from "@auditsieve/audit";

/** What a document is about; `undecidable`: a line that is no event. */
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

/** A delivery of which a sink has made already what it will write. It belongs to that sink alone. */
export abstract class PreparedDelivery implements Delivery {
  readonly kind: DeliveryKind;
  mayBeStored: boolean;

  constructor({ kind, mayBeStored = false }: Pick<Delivery, "kind" | "mayBeStored">) {
    this.kind = kind;
    this.mayBeStored = mayBeStored;
  }

  // These hold until `write` has stored it.
  abstract readonly id: string;
  abstract readonly time: string;
  abstract readonly document: Buffer;

  /** Bytes of memory that it takes. */
  abstract readonly bytes: number;
}

/** A batch in the making. */
export interface PreparedBatch {
  /**
   * Gives what `write` is to get in the delivery's place. Where there is a `scan`, it holds the very event that the document is, so that
   * nobody needs to read it again, and the document's bytes are valid during the call only.
   */
  add(delivery: Delivery, scan: EventScan | undefined): PreparedDelivery;
}

/** What became of one delivery of a batch. */
export type ItemResult =
  | { readonly status: "stored" }
  /** Refused for good: goes to the dead letter. `reason` is of a bounded set, `detail` may quote the document. */
  | { readonly status: "refused"; readonly reason: string; readonly detail?: string };

/** The result of a delivery that a sink has durably. */
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
  /** Begins a batch, for a sink that makes of each delivery as it comes what it will write of it. */
  begin?(): PreparedBatch;
  write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]>;
  close(): Promise<void>;
}
