import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { Detection } from "./detection.ts";
import type { EvidenceReader, EvidenceWriter } from "./evidence-table.ts";
import { idOfKey, requestKey } from "./finding.ts";
import { OpenRequest, readRequest, writeRequest } from "./open-request.ts";
import type { Standing } from "./open-request.ts";
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

/** So many requests are told by all that tells them, which may be so long. */
const FEW = 64;
const MOST_LENGTH = 1024;

/** The requests of which a later stage may still come, in order of last use. */
export class OpenRequests {
  readonly #options: OpenRequestsOptions;
  readonly #apiserver: string;
  /** By their keys, once there were more than a few: the first hash loads Node's cryptography, and a quiet log needs none. */
  #byName = new Map<string, OpenRequest>();
  readonly #namesOfFew = new Map<OpenRequest, string>();
  #areFew = true;
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
    const told = requestKey(event, this.#apiserver);
    if (this.#areFew && (this.#byName.size >= FEW || told.length > MOST_LENGTH)) {
      this.#nameByKeys();
    }
    const name = this.#areFew ? told : idOfKey(told);
    const known = this.#byName.get(name);
    if (known === undefined && !isOpened) {
      return undefined;
    }
    const request = known ?? new OpenRequest(name, !this.#areFew, auditID, time, new Map());
    if (known === undefined) {
      this.#ofAuditID.set(auditID, (this.#ofAuditID.get(auditID) ?? 0) + 1);
      this.#byName.set(name, request);
      if (this.#areFew) {
        this.#namesOfFew.set(request, name);
      }
    }
    request.time = Number.isNaN(time) ? request.time : time;
    this.#order.use(request);
    return request;
  }

  /** From here on; there may be many. */
  #nameByKeys(): void {
    this.#areFew = false;
    this.#namesOfFew.clear();
    this.#byName = new Map([...this.#byName.values()].map((request) => [request.key, request]));
  }

  /** Notes how a detection stands with a request. */
  settle(request: OpenRequest, detection: Detection, standing: Standing): void {
    this.#heldLength += lengthOf(standing) - lengthOf(request.standings.get(detection));
    request.standings.set(detection, standing);
  }

  /** No later stage of the request is waited for any more. */
  close(request: OpenRequest): void {
    this.#byName.delete(this.#namesOfFew.get(request) ?? request.key);
    this.#namesOfFew.delete(request);
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
    return this.#byName.size > maxRequests || this.#heldLength > maxHeldLength ? this.#order.oldest : undefined;
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
    this.#nameByKeys();
    for (const one of written) {
      const request = readRequest(one, evidence);
      if (request) {
        this.#byName.set(request.key, request);
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
