import type { AuditEvent, EventScan } from "@auditsieve/audit";
import { findingOfRequest, requestId } from "@auditsieve/detect";
import type { Detection, Finding, ShownEvent } from "@auditsieve/detect";
import { safeText } from "@auditsieve/detect/safe-text";
import type { LinePlaces } from "../lines/line-shape.ts";
import { AuditIdMemory } from "./audit-id-memory.ts";
import type { AlikeNumbers } from "./audit-id-memory.ts";

/** The shipped detection `stealth/audit-id-repeated.yml`. */
export const AUDIT_ID_REPEATED = "a6d68001-03a2-4db5-8ab9-6d2d75e1b436";
const MAX_TOLD = 1000;
const MAX_TEXT = 200;

/** Where it is kept over restarts what a watch has seen. */
export interface AuditIdRecord {
  /** Of an {@link AuditIdMemory}, where reading begins. */
  readonly bytes: Uint8Array;
  /** Requests of the last findings there. */
  readonly told: Iterable<string>;
  /** The line in hand was noted. */
  noted(low: number, high: number, content: number): void;
  /** The line in hand has a finding. */
  wasTold(request: string): void;
}

/** Adds a request to those of the last findings, of which so many are kept. */
export function addTold(told: Set<string>, request: string): void {
  told.add(request);
  if (told.size > MAX_TOLD) {
    told.delete([...told][0] ?? "");
  }
}

/**
 * Finds requests that bear the Audit-ID of another one. As Sigma can say it, the detection counts sensitive requests only; the
 * watch looks at every event, whatever it is about, and its findings take the place of that correlation's: one detection, the
 * same in the daemon and in a replay.
 *
 * @example
 * const watch = AuditIdWatch.of(detections);
 * if (watch?.isUsedAgain(scan) === true) findings.push(...watch.findings(original, () => redacted));
 */
export class AuditIdWatch {
  readonly #detection: Detection;
  readonly #memory = new AuditIdMemory();
  readonly #record: AuditIdRecord | undefined;
  readonly #onNoted: ((low: number, high: number, content: number) => void) | undefined;
  /** Requests of the last findings: the stages of one request make one. */
  #told = new Set<string>();

  private constructor(detection: Detection, record: AuditIdRecord | undefined) {
    this.#detection = detection;
    this.#record = record;
    this.#onNoted = record && ((low, high, content) => record.noted(low, high, content));
    if (record !== undefined) {
      this.#told = new Set(record.told);
      this.#memory.load(record.bytes);
    }
  }

  /** A watch if the detection is among these; with a record it goes on from there, and tells it what it sees. */
  static of(detections: readonly Detection[], record?: AuditIdRecord): AuditIdWatch | undefined {
    const detection = detections.find(({ id }) => id === AUDIT_ID_REPEATED);
    return detection === undefined ? undefined : new AuditIdWatch(detection, record);
  }

  /** Notes the event that `scan` holds. True: {@link findings} may make a finding of it. */
  isUsedAgain(scan: EventScan): boolean {
    return this.#memory.isUsedAgain(scan, this.#onNoted) && scan.stage !== "RequestReceived";
  }

  /** For {@link noteAlike}, of the event that `scan` holds. */
  alike(scan: EventScan): AlikeNumbers {
    return this.#memory.alike(scan);
  }

  /** Notes an event that is like another one. False, and nothing is noted, where {@link isUsedAgain} must look at it. */
  noteAlike(numbers: AlikeNumbers, places: LinePlaces): boolean {
    return this.#memory.noteAlike(numbers, places, this.#onNoted);
  }

  /** The finding about an event whose auditID another request had, once for each request; `show` gives it redacted. */
  findings(event: AuditEvent, show: () => ShownEvent): readonly Finding[] {
    const request = requestId(event);
    if (this.#told.has(request)) {
      return [];
    }
    addTold(this.#told, request);
    this.#record?.wasTold(request);
    const shown = show();
    const { user, verb, requestURI } = shown.event;
    const text = `${user?.username ?? "?"}: ${verb} ${requestURI} under an Audit-ID that another request had`;
    return [findingOfRequest(this.#detection, request, shown, safeText(text, MAX_TEXT))];
  }

  /** Whether this is a finding of the correlation, whose place the watch takes. */
  replaces(finding: Finding): boolean {
    return finding.correlation !== undefined && finding.detection.id === this.#detection.id;
  }

  /** What was seen, for {@link restore}; the arrays are those in use. */
  snapshot(): unknown {
    return { told: this.#told, memory: this.#memory.snapshot() };
  }

  /** The snapshot of another watch, which made the findings of what this one has seen, with what that is. */
  withSeen(snapshot: unknown): unknown {
    return { ...(snapshot as object), memory: this.#memory.snapshot() };
  }

  /** Goes on from a snapshot. */
  restore(snapshot: unknown): void {
    const { told, memory } = snapshot as { readonly told: Set<string>; readonly memory: unknown };
    this.#told = told;
    this.#memory.restore(memory);
  }
}
