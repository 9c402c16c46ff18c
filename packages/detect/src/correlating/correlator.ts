import { isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { EventHit, LateEvidence } from "../correlation-hit.ts";
import type { AnyRequest, CorrelationHit } from "../correlation-hit.ts";
import type { CorrelatorOptions } from "./correlator-options.ts";
import type { Detection } from "../definition/detection.ts";
import { listOf } from "./evidence-table.ts";
import type { EvidenceReader, EvidenceWriter } from "./evidence-table.ts";
import { microsOfEvent } from "../reading/event-parts.ts";
import { SuppressedCounts } from "../exceptions/suppressed-counts.ts";
import type { Finding } from "../finding.ts";
import { HitReader } from "./hit-reader.ts";
import { finite, listParts, objectParts, onePart } from "../json-parts.ts";
import type { LinkedCorrelation, LinkedCorrelations } from "../definition/link-correlations.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { OpenWindows } from "./open-windows.ts";
import { WaitingHits } from "./waiting-hits.ts";
import type { ShowEvent } from "../shown-event.ts";

/** What a correlator lost to stay within its bounds. */
export interface CorrelatorCounts {
  /** Hits that came later than the bound. */
  readonly late: number;
  /** Hits forgotten before their window was over. */
  readonly evicted: number;
  /** Hits whose group or value the log does not say, by the correlation's id. */
  readonly undecided: ReadonlyMap<string, number>;
}

/** A log that begins anew so far back, or a clock that was wrong, is believed after so many events. */
const RESTART_US = 3_600_000_000;
const RESTART_EVENTS = 100;
const NO_FINDINGS: readonly Finding[] = [];

/**
 * Runs correlations over the hits of detections. Hits wait until the newest event is `latenessMs` ahead of them and
 * are then taken in the order of event time, so that their order of arrival does not matter within that bound.
 */
export class Correlator {
  readonly #linked: LinkedCorrelations;
  readonly #byDetection = new Map<Detection, LinkedCorrelation[]>();
  readonly #latenessUs: number;
  readonly #maxHits: number;
  readonly #maxHeldLength: number;
  readonly #maxAtOnce: number;
  readonly #waiting = new WaitingHits();
  readonly #windows: OpenWindows;
  readonly #reader: HitReader;
  readonly #suppressed: SuppressedCounts;
  #newest = Number.NEGATIVE_INFINITY;
  /** Hits before this moment are late. */
  #floor = Number.NEGATIVE_INFINITY;
  /** Whether hits and windows are due that have brought nothing yet. */
  #isBehind = false;
  #stale = 0;
  #late = 0;

  constructor(linked: LinkedCorrelations, options: CorrelatorOptions = {}) {
    this.#linked = linked;
    this.#suppressed = options.suppressed ?? new SuppressedCounts([]);
    for (const correlation of linked.correlations) {
      for (const one of correlation.detections) {
        this.#byDetection.set(one, [...(this.#byDetection.get(one) ?? []), correlation]);
      }
    }
    this.#reader = new HitReader(this.#byDetection);
    this.#latenessUs = (options.latenessMs ?? 60_000) * 1000;
    this.#maxHits = options.maxHits ?? 100_000;
    this.#maxHeldLength = options.maxHeldLength ?? 32 * 1024 * 1024;
    this.#maxAtOnce = options.maxAtOnce ?? 1000;
    this.#windows = new OpenWindows(linked, this.#byDetection, {
      maxHits: this.#maxHits,
      maxHitsPerGroup: options.maxHitsPerGroup ?? 10_000,
      maxHeldLength: this.#maxHeldLength,
      maxEvents: options.maxEvents ?? 20,
    });
  }

  /** `length` is that of the event as text. What correlations read of an event that `detection` hits; undefined when none is about that detection. */
  hitOf(
    detection: Detection,
    event: AuditEvent,
    request: AnyRequest,
    show: ShowEvent,
    length: number,
    memory?: ClusterMemory,
  ): CorrelationHit | undefined {
    if (!this.#byDetection.has(detection)) {
      return undefined;
    }
    const time = microsOfEvent(event);
    const known = Number.isFinite(this.#newest) ? this.#newest : 0;
    const { readings, excused } = this.#reader.read(detection, event, show, memory);
    return new EventHit(
      Number.isNaN(time) ? known : time,
      detection,
      readings,
      new LateEvidence(request, show, length),
      excused,
    );
  }

  /** Takes a hit into account; findings come from `advance`, and here where too many wait. Whether the hit may be in a later one. */
  add(hit: CorrelationHit, findings: Finding[]): boolean {
    for (const id of hit.excused) {
      this.#suppressed.add(id);
    }
    if (hit.time < this.#floor) {
      this.#late++;
      return false;
    }
    if (this.#windows.isSpent(hit) || !this.#waiting.add(hit)) {
      return false;
    }
    while (this.#waiting.size > this.#maxHits || this.#waiting.length > this.#maxHeldLength) {
      const next = this.#waiting.pop();
      if (next) {
        this.#floor = Math.max(this.#floor, next.time);
        this.#process(next, findings);
      }
    }
    return true;
  }

  /** Tells the time of an event in microseconds, whether or not a detection hit it. */
  advance(time: number): readonly Finding[] {
    if (Number.isNaN(time)) {
      return NO_FINDINGS;
    }
    this.#stale = time < this.#floor - RESTART_US ? this.#stale + 1 : 0;
    if (this.#stale >= RESTART_EVENTS) {
      const findings = this.flush();
      this.#newest = time;
      this.#floor = time - this.#latenessUs;
      return findings;
    }
    if (time <= this.#newest) {
      return this.#isBehind ? this.#drain(this.#floor) : NO_FINDINGS;
    }
    this.#newest = time;
    this.#floor = Math.max(this.#floor, time - this.#latenessUs);
    return this.#drain(this.#floor);
  }

  /** Takes what waits and closes every window; call it when the input ends. */
  flush(): readonly Finding[] {
    return [...this.flushing()].flat();
  }

  /** The same in blocks, to be taken to the end. */
  *flushing(): Generator<readonly Finding[], void> {
    this.#stale = 0;
    this.#isBehind = false;
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) {
      const findings: Finding[] = [];
      this.#process(next, findings);
      yield findings;
    }
    let isMore = true;
    while (isMore) {
      const findings: Finding[] = [];
      isMore = this.#windows.expireNext(Number.POSITIVE_INFINITY, findings);
      yield findings;
    }
  }

  /** What waits and what windows hold, for `restore`: as text, in parts. */
  snapshot(evidence: EvidenceWriter): Iterable<string> {
    return objectParts({
      newest: () => onePart(finite(this.#newest)),
      floor: () => onePart(finite(this.#floor)),
      waiting: () => listParts(this.#waiting.items(), (hit) => evidence.hit(hit)),
      windows: () => this.#windows.snapshot(evidence),
    });
  }

  /** Goes on from a snapshot; the correlator must be new. What is of a detection that `evidence` does not know is left out. */
  restore(snapshot: JsonValue | undefined, evidence: EvidenceReader): void {
    const { newest, floor, waiting, windows } = isJsonObject(snapshot) ? snapshot : {};
    this.#newest = typeof newest === "number" ? newest : Number.NEGATIVE_INFINITY;
    this.#floor = typeof floor === "number" ? floor : Number.NEGATIVE_INFINITY;
    this.#isBehind = true;
    for (const number of listOf(waiting)) {
      const hit = evidence.hit(number);
      if (hit) {
        this.#waiting.add(hit);
      }
    }
    this.#windows.restore(windows, evidence);
  }

  /** Whether findings of this detection are only counted by correlations. */
  isSilent(detection: Detection): boolean {
    return this.#linked.silent.has(detection);
  }

  counts(): CorrelatorCounts {
    return { late: this.#late, evicted: this.#windows.evicted, undecided: this.#reader.undecided };
  }

  /** Hits that wait or are in windows. */
  get size(): number {
    return this.#waiting.size + this.#windows.hits;
  }

  #drain(before: number): readonly Finding[] {
    const findings: Finding[] = [];
    for (let next = this.#waiting.peek(); next && next.time < before; next = this.#waiting.peek()) {
      this.#windows.expire(next.time, findings, this.#maxAtOnce);
      if (findings.length >= this.#maxAtOnce) {
        break;
      }
      this.#waiting.pop();
      this.#windows.feed(next, findings);
      this.#windows.keepWithin();
    }
    this.#windows.expire(before, findings, this.#maxAtOnce);
    this.#windows.keepWithin();
    this.#isBehind = findings.length >= this.#maxAtOnce;
    return findings;
  }

  #process(hit: CorrelationHit, findings: Finding[]): void {
    this.#windows.expire(hit.time, findings);
    this.#windows.feed(hit, findings);
    this.#windows.keepWithin();
  }
}
