import { isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { EventHit, joinHits, LateEvidence } from "../correlation-hit.ts";
import type { AnyRequest, CorrelationHit, Group } from "../correlation-hit.ts";
import type { CorrelatorOptions } from "./correlator-options.ts";
import { CorrelationWindow } from "./correlation-window.ts";
import type { WindowResult } from "./correlation-window.ts";
import type { Detection } from "../definition/detection.ts";
import { listOf, readGroup } from "./evidence-table.ts";
import type { EvidenceReader, EvidenceWriter } from "./evidence-table.ts";
import { microsOfEvent } from "../reading/event-parts.ts";
import { SuppressedCounts } from "../exceptions/suppressed-counts.ts";
import { digest } from "../finding.ts";
import type { Finding } from "../finding.ts";
import { HitReader } from "./hit-reader.ts";
import { listParts, objectParts, onePart } from "../json-parts.ts";
import type { LinkedCorrelation, LinkedCorrelations } from "../definition/link-correlations.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { WaitingHits } from "./waiting-hits.ts";
import { WindowKeys } from "./window-keys.ts";
import { deadlinesOf, leastFirst } from "./window-order.ts";
import { evidenceOf, writeCorrelationFinding } from "./write-correlation-finding.ts";
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
/** Of the bounds, once windows are forgotten: so that it need not be done for every hit. */
const ROOM_LEFT = 0.75;
const NO_GROUPS: readonly Group[] = [];
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
  readonly #maxHitsPerGroup: number;
  readonly #maxHeldLength: number;
  readonly #maxEvents: number;
  readonly #maxAtOnce: number;
  readonly #waiting = new WaitingHits();
  readonly #windows = new Map<string, CorrelationWindow>();
  #deadlines = deadlinesOf(this.#windows);
  readonly #keys = new WindowKeys();
  readonly #reader: HitReader;
  readonly #suppressed: SuppressedCounts;
  #newest = Number.NEGATIVE_INFINITY;
  /** Hits before this moment are late. */
  #floor = Number.NEGATIVE_INFINITY;
  /** Whether hits and windows are due that have brought nothing yet. */
  #isBehind = false;
  #stale = 0;
  #hits = 0;
  #heldLength = 0;
  #late = 0;
  #evicted = 0;

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
    this.#maxHitsPerGroup = options.maxHitsPerGroup ?? 10_000;
    this.#maxHeldLength = options.maxHeldLength ?? 32 * 1024 * 1024;
    this.#maxEvents = options.maxEvents ?? 20;
    this.#maxAtOnce = options.maxAtOnce ?? 1000;
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
    if (this.#isSpent(hit) || !this.#waiting.add(hit)) {
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
      isMore = this.#expireNext(Number.POSITIVE_INFINITY, findings);
      yield findings;
    }
  }

  /** What waits and what windows hold, for `restore`: as text, in parts. */
  snapshot(evidence: EvidenceWriter): Iterable<string> {
    const writeWindow = (window: CorrelationWindow): JsonValue => {
      const { hits, until, isFresh } = window.state();
      const { key, values } = window.group;
      const held = hits.map((hit) => evidence.hit(hit));
      return [window.linked.detection.id, [key, [...values]], held, finite(until), isFresh];
    };
    return objectParts({
      newest: () => onePart(finite(this.#newest)),
      floor: () => onePart(finite(this.#floor)),
      waiting: () => listParts(this.#waiting.items(), (hit) => evidence.hit(hit)),
      windows: () => listParts(this.#windows.values(), writeWindow),
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
    for (const written of listOf(windows)) {
      const [id, group, numbers, until, isFresh] = listOf(written);
      const detection = evidence.detection(id);
      const linked = this.#linked.correlations.find((one) => one.detection === detection);
      if (linked) {
        const window = new CorrelationWindow(linked, readGroup(group));
        const hits = listOf(numbers).flatMap((number) => evidence.hit(number) ?? []);
        const key = this.#keys.of(linked, window.group);
        this.#counting(window, (of) =>
          of.restore(hits, typeof until === "number" ? until : Number.NEGATIVE_INFINITY, isFresh === true),
        );
        this.#windows.set(key, window);
        this.#deadlines.push({ key, window, deadline: window.deadline });
      }
    }
  }

  /** Whether findings of this detection are only counted by correlations. */
  isSilent(detection: Detection): boolean {
    return this.#linked.silent.has(detection);
  }

  counts(): CorrelatorCounts {
    return { late: this.#late, evicted: this.#evicted, undecided: this.#reader.undecided };
  }

  /** Hits that wait or are in windows. */
  get size(): number {
    return this.#waiting.size + this.#hits;
  }

  /** Whether all windows that would take the hit have given a result to which it belongs: it can be in no other. */
  #isSpent(hit: CorrelationHit): boolean {
    for (const linked of this.#byDetection.get(hit.detection) ?? []) {
      for (const group of groupsOf(hit, linked)) {
        const window = this.#windows.get(this.#keys.of(linked, group));
        if (window === undefined || hit.time > window.until) {
          return false;
        }
      }
    }
    return true;
  }

  #drain(before: number): readonly Finding[] {
    const findings: Finding[] = [];
    for (let next = this.#waiting.peek(); next && next.time < before; next = this.#waiting.peek()) {
      this.#expire(next.time, findings, this.#maxAtOnce);
      if (findings.length >= this.#maxAtOnce) {
        break;
      }
      this.#waiting.pop();
      this.#feed(next, findings);
      this.#keepWithin();
    }
    this.#expire(before, findings, this.#maxAtOnce);
    this.#keepWithin();
    this.#isBehind = findings.length >= this.#maxAtOnce;
    return findings;
  }

  #process(hit: CorrelationHit, findings: Finding[]): void {
    this.#expire(hit.time, findings);
    this.#feed(hit, findings);
    this.#keepWithin();
  }

  #feed(hit: CorrelationHit, findings: Finding[]): void {
    for (const linked of this.#byDetection.get(hit.detection) ?? []) {
      for (const group of groupsOf(hit, linked)) {
        const key = this.#keys.of(linked, group);
        let window = this.#windows.get(key);
        if (!window) {
          window = new CorrelationWindow(linked, group);
          this.#windows.set(key, window);
        }
        const isNew = window.size === 0 && window.deadline === Number.NEGATIVE_INFINITY;
        const result = this.#counting(window, (of) => of.take(hit));
        if (isNew) {
          this.#deadlines.push({ key, window, deadline: window.deadline });
        }
        if (result) {
          this.#report(window, result, hit.time, findings);
        }
        this.#bound(window);
      }
    }
  }

  /** Closes what ends before `now`, in the order of the ends, while findings are fewer than `most`. */
  #expire(now: number, findings: Finding[], most = Number.POSITIVE_INFINITY): void {
    while (findings.length < most && this.#expireNext(now, findings)) {
      // One deadline after the other.
    }
  }

  /** False where no deadline is before `now`. */
  #expireNext(now: number, findings: Finding[]): boolean {
    const next = this.#deadlines.peek();
    if (next === undefined || next.deadline >= now) {
      return false;
    }
    this.#deadlines.pop();
    const { key, window, deadline } = next;
    if (window.deadline === deadline && window.size > 0) {
      const result = this.#counting(window, (of) => of.expire());
      if (result) {
        this.#report(window, result, deadline, findings);
      }
    }
    if (window.size > 0 || window.deadline > deadline) {
      this.#deadlines.push({ key, window, deadline: window.deadline });
    } else {
      this.#windows.delete(key);
    }
    return true;
  }

  #report(window: CorrelationWindow, result: WindowResult, time: number, findings: Finding[]): void {
    const { linked, group } = window;
    const { detection } = linked;
    const id = digest(detection.id, group.key, result.hits[0]?.id ?? "");
    if (!this.#linked.silent.has(detection)) {
      findings.push(writeCorrelationFinding(linked, group, result, id, this.#maxEvents));
    }
    if (this.#byDetection.has(detection)) {
      const above = new Set(result.hits.flatMap(({ readings }) => [...readings.keys()]));
      const readings = new Map([...above].map((one) => [one, joinHits(result.hits, one)]));
      const evidence = evidenceOf(linked, result.hits, this.#maxEvents);
      this.#feed({ time, id, detection, readings, evidence, excused: [] }, findings);
    }
  }

  /** Forgets the first hits of a full window. */
  #bound(window: CorrelationWindow): void {
    while (window.size > this.#maxHitsPerGroup) {
      this.#counting(window, (of) => of.dropFirst());
      this.#evicted++;
    }
  }

  /** Forgets whole windows where there are too many, or they hold too much. Not while one of them is in hand. */
  #keepWithin(): void {
    if (this.#isOver(1)) {
      this.#forgetLeast();
    }
  }

  /** Whether more is held than `share` of the bounds. */
  #isOver(share: number): boolean {
    const most = share * this.#maxHits;
    return this.#hits > most || this.#heldLength > share * this.#maxHeldLength || this.#windows.size > most;
  }

  /**
   * Forgets windows until a fourth of the room is free: those of the fewest hits first, and of these what ends soonest. Who makes up a name
   * for each request fills windows of one hit; one that has come further is worth more than many of them.
   */
  #forgetLeast(): void {
    const areTooLong = this.#heldLength > this.#maxHeldLength;
    const least = leastFirst(this.#windows, { areTooLong });
    for (let next = least.pop(); next !== undefined && this.#isOver(ROOM_LEFT); next = least.pop()) {
      const { key, window } = next;
      this.#evicted += window.size;
      this.#hits -= window.size;
      this.#heldLength -= window.length;
      this.#windows.delete(key);
    }
    this.#deadlines = deadlinesOf(this.#windows);
  }

  #counting<T>(window: CorrelationWindow, act: (window: CorrelationWindow) => T): T {
    const { size, length } = window;
    const result = act(window);
    this.#hits += window.size - size;
    this.#heldLength += window.length - length;
    return result;
  }
}

/** The groups in which the correlation counts the hit. */
function groupsOf(hit: CorrelationHit, { detection, correlation }: LinkedCorrelation): readonly Group[] {
  const reading = hit.readings.get(detection);
  return reading === undefined || (correlation.fields.length > 0 && reading.values.length === 0)
    ? NO_GROUPS
    : reading.groups;
}

/** JSON has no infinite numbers. */
function finite(time: number): number | null {
  return Number.isFinite(time) ? time : null;
}
