import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { Detection } from "./detection.ts";
import type { EvidenceReader, EvidenceWriter } from "./evidence-table.ts";
import { requestId } from "./finding.ts";
import { newRequest, readRequest, writeRequest } from "./open-request.ts";
import type { OpenRequest, Standing } from "./open-request.ts";
import { UseOrder } from "./use-order.ts";

/** Bounds of {@link OpenRequests}. */
export interface OpenRequestsOptions {
  /** Most requests at a time. */
  readonly maxRequests: number;
  /** Most characters of events held for a later stage. */
  readonly maxHeldLength: number;
  /** Event time after which a request without a later stage is let go, in ms. */
  readonly holdMs: number;
}

/** The requests of which a later stage may still come, in order of last use. */
export class OpenRequests {
  readonly #options: OpenRequestsOptions;
  readonly #apiserver: string;
  readonly #byKey = new Map<string, OpenRequest>();
  /** In their order: a map would have to forget and learn each again that is used, and takes long to find its first one then. */
  readonly #order = new UseOrder<OpenRequest>();
  /** How many requests have this auditID: an event with another is of none of them, and needs no key. */
  readonly #ofAuditID = new Map<string, number>();
  /** Requests of a snapshot, which does not say their auditIDs. */
  readonly #unnamed = new Set<OpenRequest>();
  #heldLength = 0;

  constructor(options: OpenRequestsOptions, apiserver: string) {
    this.#options = options;
    this.#apiserver = apiserver;
  }

  /** Whether an event with this auditID may be a stage of an open request. */
  mayBeOpen(auditID: string): boolean {
    return this.#unnamed.size > 0 || this.#ofAuditID.has(auditID);
  }

  /** The open request that the event is a stage of, now last in order; a new one where there is none and `isOpened`. */
  of(event: AuditEvent, time: number, isOpened: boolean): OpenRequest | undefined {
    const { auditID } = event;
    if (!isOpened && !this.mayBeOpen(auditID)) {
      return undefined;
    }
    const key = requestId(event, this.#apiserver);
    const known = this.#byKey.get(key);
    if (known === undefined && !isOpened) {
      return undefined;
    }
    const request = known ?? newRequest(key, auditID, time, new Map<Detection, Standing>());
    if (known === undefined) {
      this.#ofAuditID.set(auditID, (this.#ofAuditID.get(auditID) ?? 0) + 1);
      this.#byKey.set(key, request);
    }
    request.time = Number.isNaN(time) ? request.time : time;
    this.#order.use(request);
    return request;
  }

  /** Notes how a detection stands with a request. */
  settle(request: OpenRequest, detection: Detection, standing: Standing): void {
    this.#heldLength += lengthOf(standing) - lengthOf(request.standings.get(detection));
    request.standings.set(detection, standing);
  }

  /** No later stage of the request is waited for any more. */
  close(request: OpenRequest): void {
    this.#byKey.delete(request.key);
    this.#order.remove(request);
    for (const standing of request.standings.values()) {
      this.#heldLength -= lengthOf(standing);
    }
    if (request.auditID === undefined) {
      this.#unnamed.delete(request);
      return;
    }
    const left = (this.#ofAuditID.get(request.auditID) ?? 1) - 1;
    if (left > 0) {
      this.#ofAuditID.set(request.auditID, left);
    } else {
      this.#ofAuditID.delete(request.auditID);
    }
  }

  /** Every request, to close them; the one used longest ago first. */
  all(): readonly OpenRequest[] {
    return this.#order.all();
  }

  /** The request to close next because there are too many, or they hold too much. */
  excess(): OpenRequest | undefined {
    const { maxRequests, maxHeldLength } = this.#options;
    return this.#byKey.size > maxRequests || this.#heldLength > maxHeldLength ? this.#order.oldest : undefined;
  }

  /** The request to close next because its last event is further than the bound from `now`, in either direction: clocks err too. */
  overdue(now: number): OpenRequest | undefined {
    const { oldest } = this.#order;
    return oldest !== undefined && Math.abs(now - oldest.time) > this.#options.holdMs ? oldest : undefined;
  }

  snapshot(evidence: EvidenceWriter): JsonValue {
    return this.all().map((request) => writeRequest(request, evidence));
  }

  /** Takes over what `evidence` knows the detections of. */
  restore(written: readonly JsonValue[], evidence: EvidenceReader): void {
    for (const one of written) {
      const request = readRequest(one, evidence);
      if (request) {
        this.#byKey.set(request.key, request);
        this.#order.use(request);
        this.#unnamed.add(request);
        for (const standing of request.standings.values()) {
          this.#heldLength += lengthOf(standing);
        }
      }
    }
  }
}

function lengthOf(standing: Standing | undefined): number {
  return standing?.kind === "held" ? standing.length : 0;
}
