import { ID_HASHES, hashOfID } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { Detection } from "../definition/detection.ts";
import type { EvidenceReader, EvidenceWriter } from "../correlating/evidence-table.ts";
import { requestId, requestNames } from "../finding.ts";
import { listParts } from "../json-parts.ts";
import { idHashOf } from "../reading/event-parts.ts";
import { OpenRequest, readRequest, SETTLED, writeRequest } from "./open-request.ts";
import type { Standing } from "./open-request.ts";
import { SettledTogether } from "./settled-together.ts";
import { UseOrder } from "./use-order.ts";

const MANY = 0xffff;
/** How long the end of a stream is waited for, in ms of event time: an exec, an attach or a port-forward may last for hours. */
const STREAM_MS = 24 * 3_600_000;

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
  /** By their auditIDs; where several have the same, which a client may choose, or none, these by their keys. */
  readonly #byAuditID = new Map<string | undefined, OpenRequest | Map<string, OpenRequest>>();
  /** Requests of a snapshot, which does not say their auditIDs, by their keys. */
  readonly #restored = new Map<string, OpenRequest>();
  /** In their order: a map would have to forget and learn each again that is used, and takes long to find its first one then. */
  readonly #order = new UseOrder<OpenRequest>();
  /** Those whose last stage is ResponseStarted, in theirs, where nothing is waited for but their end, which must not count again. */
  readonly #streams = new UseOrder<OpenRequest>();
  /** How many of those in `#byAuditID` have an auditID of each hash, up to {@link MANY}. */
  readonly #perHash = new Uint16Array(ID_HASHES);
  /** A bit for each hash, whether there are any: each event that is told is asked for its own, and so much stays in the near cache. */
  readonly #hashes = new Int32Array(ID_HASHES / 32);
  readonly #settled = new SettledTogether();
  #count = 0;
  #heldLength = 0;

  constructor(options: OpenRequestsOptions, apiserver: string) {
    this.#options = options;
    this.#apiserver = apiserver;
  }

  /** Whether an event whose auditID has this hash may be a stage of an open request. */
  mayBeOpen(idHash: number): boolean {
    return (((this.#hashes[idHash >>> 5] as number) >>> (idHash & 31)) & 1) !== 0 || this.#restored.size > 0;
  }

  /** Whether an event with this auditID may be a stage of an open request. */
  mayBeOpenOf(auditID: string): boolean {
    return this.#restored.size > 0 || this.#byAuditID.has(auditID);
  }

  /** The open request that the event is a stage of, if there is one. */
  known(event: AuditEvent): OpenRequest | undefined {
    return this.mayBeOpen(idHashOf(event)) ? this.#find(event) : undefined;
  }

  /** The open request that the event is a stage of, now last in order: the one that is {@link known}, or a new one if `isOpened`. */
  of(known: OpenRequest | undefined, event: AuditEvent, time: number, isOpened: boolean): OpenRequest | undefined {
    const request = known ?? (isOpened ? this.#add(event, time) : undefined);
    if (request === undefined) {
      return undefined;
    }
    request.time = Number.isNaN(time) ? request.time : time;
    this.#orderOf(request).remove(request);
    request.isStream = event.stage === "ResponseStarted";
    this.#orderOf(request).use(request);
    return request;
  }

  #orderOf({ isStream }: OpenRequest): UseOrder<OpenRequest> {
    return isStream ? this.#streams : this.#order;
  }

  #find(event: AuditEvent): OpenRequest | undefined {
    const same = this.#byAuditID.get(event.auditID);
    if (same instanceof OpenRequest && same.isOfEvent(event)) {
      return same;
    }
    const areSeveral = same instanceof Map;
    if (!areSeveral && this.#restored.size === 0) {
      return undefined;
    }
    const key = requestId(event, this.#apiserver);
    return (areSeveral ? same.get(key) : undefined) ?? this.#restored.get(key);
  }

  #add(event: AuditEvent, time: number): OpenRequest {
    const { auditID } = event;
    const request = new OpenRequest(requestNames(event), this.#apiserver, auditID, time);
    const hash = idHashOf(event);
    const same = this.#perHash[hash] === 0 ? undefined : this.#byAuditID.get(auditID);
    if (same === undefined) {
      this.#byAuditID.set(auditID, request);
    } else if (same instanceof OpenRequest) {
      this.#byAuditID.set(auditID, new Map([same, request].map((one) => [one.key, one])));
    } else {
      same.set(request.key, request);
    }
    this.#count++;
    this.#tally(hash, 1);
    return request;
  }

  /** Where there have been too many to count them there may always be one. */
  #tally(hash: number, more: number): void {
    const before = this.#perHash[hash] as number;
    const count = before === MANY ? MANY : before + more;
    this.#perHash[hash] = count;
    const bit = 1 << (hash & 31);
    const word = this.#hashes[hash >>> 5] as number;
    this.#hashes[hash >>> 5] = count === 0 ? word & ~bit : word | bit;
  }

  /** Notes how a detection stands with a request. */
  settle(request: OpenRequest, detection: Detection, standing: Standing): void {
    if (standing === SETTLED && request.isShared) {
      request.share(this.#settled.with(request.standings, detection));
      return;
    }
    this.#heldLength += lengthOf(standing) - lengthOf(request.standings.get(detection));
    request.stand(detection, standing);
  }

  /** A stage of the request has been taken: where nothing of it is waited for any more, what is known of it takes little room. */
  taken(request: OpenRequest): void {
    if (!request.isShared && !request.isWaiting) {
      request.share(this.#settled.of(request.standings));
    }
  }

  /** No later stage of the request is waited for any more. */
  close(request: OpenRequest): void {
    this.#orderOf(request).remove(request);
    this.#count--;
    if (!request.isShared) {
      for (const standing of request.standings.values()) {
        this.#heldLength -= lengthOf(standing);
      }
    }
    if (request.isRestored) {
      this.#restored.delete(request.key);
      return;
    }
    this.#tally(hashOfID(request.auditID), -1);
    const same = this.#byAuditID.get(request.auditID);
    if (same instanceof Map && same.size > 1) {
      same.delete(request.key);
    } else {
      this.#byAuditID.delete(request.auditID);
    }
  }

  /** Every request, to close them; the one used longest ago first. */
  all(): readonly OpenRequest[] {
    return [...this.#order.all(), ...this.#streams.all()];
  }

  /** The request to close next because there are too many, or they hold too much. */
  excess(): OpenRequest | undefined {
    const { maxRequests, maxHeldLength } = this.#options;
    const [first, stream] = [this.#order.oldest, this.#streams.oldest];
    if (this.#heldLength > maxHeldLength) {
      return first ?? stream;
    }
    if (this.#count <= maxRequests) {
      return undefined;
    }
    return first !== undefined && stream !== undefined && stream.time < first.time ? stream : (first ?? stream);
  }

  /** The request to close next because its last event is further than the bound from `now`, in either direction: clocks err too. */
  overdue(now: number): OpenRequest | undefined {
    const { holdMs } = this.#options;
    return overdueOf(this.#order, now, holdMs) ?? overdueOf(this.#streams, now, Math.max(holdMs, STREAM_MS));
  }

  /** As text, in parts. */
  snapshot(evidence: EvidenceWriter): Iterable<string> {
    return listParts(this.all(), (request) => writeRequest(request, evidence));
  }

  /** Takes over what `evidence` knows the detections of. */
  restore(written: readonly JsonValue[], evidence: EvidenceReader): void {
    for (const one of written) {
      const request = readRequest(one, evidence);
      if (request !== undefined && !this.#restored.has(request.key)) {
        this.#restored.set(request.key, request);
        this.#orderOf(request).use(request);
        this.taken(request);
        this.#count++;
        for (const standing of request.standings.values()) {
          this.#heldLength += lengthOf(standing);
        }
      }
    }
  }
}

function overdueOf({ oldest }: UseOrder<OpenRequest>, now: number, holdMs: number): OpenRequest | undefined {
  return oldest !== undefined && Math.abs(now - oldest.time) > holdMs ? oldest : undefined;
}

function lengthOf(standing: Standing | undefined): number {
  return standing?.kind === "held" ? standing.length : 0;
}
