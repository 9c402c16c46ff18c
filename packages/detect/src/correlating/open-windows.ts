import type { JsonValue } from "@auditsieve/audit";
import { joinHits } from "../correlation-hit.ts";
import type { CorrelationHit, Group } from "../correlation-hit.ts";
import { CorrelationWindow } from "./correlation-window.ts";
import type { WindowResult } from "./correlation-window.ts";
import type { CorrelatorOptions } from "./correlator-options.ts";
import type { Detection } from "../definition/detection.ts";
import type { LinkedCorrelation, LinkedCorrelations } from "../definition/link-correlations.ts";
import { listOf, readGroup } from "./evidence-table.ts";
import type { EvidenceReader, EvidenceWriter } from "./evidence-table.ts";
import { digest } from "../finding.ts";
import type { Finding } from "../finding.ts";
import { finite, listParts } from "../json-parts.ts";
import { WindowKeys } from "./window-keys.ts";
import { deadlinesOf, leastFirst } from "./window-order.ts";
import { evidenceOf, writeCorrelationFinding } from "./write-correlation-finding.ts";

/** What windows may hold, and their findings carry. */
export type WindowBounds = Required<
  Pick<CorrelatorOptions, "maxHits" | "maxHitsPerGroup" | "maxHeldLength" | "maxEvents">
>;

/** Of the bounds, once windows are forgotten: so that it need not be done for every hit. */
const ROOM_LEFT = 0.75;
const NO_GROUPS: readonly Group[] = [];

/**
 * The windows of all correlations, within common bounds. Hits must come in the order of their time: `expire` must be called
 * up to the time of each before `feed`, and `keepWithin` after it.
 */
export class OpenWindows {
  readonly #linked: LinkedCorrelations;
  readonly #byDetection: ReadonlyMap<Detection, readonly LinkedCorrelation[]>;
  readonly #bounds: WindowBounds;
  readonly #windows = new Map<string, CorrelationWindow>();
  #deadlines = deadlinesOf(this.#windows);
  readonly #keys = new WindowKeys();
  #hits = 0;
  #heldLength = 0;
  #evicted = 0;

  /** `byDetection`: the correlations that are about a detection. */
  constructor(
    linked: LinkedCorrelations,
    byDetection: ReadonlyMap<Detection, readonly LinkedCorrelation[]>,
    bounds: WindowBounds,
  ) {
    this.#linked = linked;
    this.#byDetection = byDetection;
    this.#bounds = bounds;
  }

  /** Hits that are held. */
  get hits(): number {
    return this.#hits;
  }

  /** Hits forgotten before their window was over. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Whether all windows that would take the hit have given a result to which it belongs: it can be in no other. */
  isSpent(hit: CorrelationHit): boolean {
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

  /** Takes the next hit into all windows that it belongs to. */
  feed(hit: CorrelationHit, findings: Finding[]): void {
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
  expire(now: number, findings: Finding[], most: number = Number.POSITIVE_INFINITY): void {
    while (findings.length < most && this.expireNext(now, findings)) {
      // One deadline after the other.
    }
  }

  /** False where no deadline is before `now`. */
  expireNext(now: number, findings: Finding[]): boolean {
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

  /** Forgets whole windows where there are too many, or they hold too much. Not while one of them is in hand. */
  keepWithin(): void {
    if (this.#isOver(1)) {
      this.#forgetLeast();
    }
  }

  /** What they hold, for `restore`: as text, in parts. */
  snapshot(evidence: EvidenceWriter): Iterable<string> {
    return listParts(this.#windows.values(), (window): JsonValue => {
      const { hits, until, isFresh } = window.state();
      const { key, values } = window.group;
      const held = hits.map((hit) => evidence.hit(hit));
      return [window.linked.detection.id, [key, [...values]], held, finite(until), isFresh];
    });
  }

  /** Goes on from a snapshot; there must be no windows. Those of a detection that `evidence` does not know are left out. */
  restore(snapshot: JsonValue | undefined, evidence: EvidenceReader): void {
    for (const written of listOf(snapshot)) {
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

  #report(window: CorrelationWindow, result: WindowResult, time: number, findings: Finding[]): void {
    const { linked, group } = window;
    const { detection } = linked;
    const id = digest(detection.id, group.key, result.hits[0]?.id ?? "");
    if (!this.#linked.silent.has(detection)) {
      findings.push(writeCorrelationFinding(linked, group, result, id, this.#bounds.maxEvents));
    }
    if (this.#byDetection.has(detection)) {
      const above = new Set(result.hits.flatMap(({ readings }) => [...readings.keys()]));
      const readings = new Map([...above].map((one) => [one, joinHits(result.hits, one)]));
      const evidence = evidenceOf(linked, result.hits, this.#bounds.maxEvents);
      this.feed({ time, id, detection, readings, evidence, excused: [] }, findings);
    }
  }

  /** Forgets the first hits of a full window. */
  #bound(window: CorrelationWindow): void {
    while (window.size > this.#bounds.maxHitsPerGroup) {
      this.#counting(window, (of) => of.dropFirst());
      this.#evicted++;
    }
  }

  /** Whether more is held than `share` of the bounds. */
  #isOver(share: number): boolean {
    const most = share * this.#bounds.maxHits;
    return this.#hits > most || this.#heldLength > share * this.#bounds.maxHeldLength || this.#windows.size > most;
  }

  /**
   * Forgets windows until a fourth of the room is free: those of the fewest hits first, and of these what ends soonest. Who makes up a name
   * for each request fills windows of one hit; one that has come further is worth more than many of them.
   */
  #forgetLeast(): void {
    const areTooLong = this.#heldLength > this.#bounds.maxHeldLength;
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
