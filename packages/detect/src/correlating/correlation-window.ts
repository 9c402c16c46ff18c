import { isSettledEarly, meets } from "../definition/correlation.ts";
import { lengthOf } from "../correlation-hit.ts";
import type { CorrelationHit, Group } from "../correlation-hit.ts";
import type { LinkedCorrelation } from "../definition/link-correlations.ts";

/** What came true: the hits of the window in their order, and what was measured of them. */
export interface WindowResult {
  readonly hits: readonly CorrelationHit[];
  readonly value: number;
}

const FEW = 8;

interface Entry {
  readonly hit: CorrelationHit;
  /** Its place among those that the correlation is about. */
  readonly detection: number;
  readonly values: readonly string[];
}

/**
 * The sliding window of one correlation and group. Hits must come in the order of their time, and `expire` must be
 * called for every deadline before a later hit. After a result the rest of its window belongs to that result.
 */
export class CorrelationWindow {
  readonly linked: LinkedCorrelation;
  readonly group: Group;
  readonly #isEarly: boolean;
  readonly #span: number;
  #entries: Entry[] = [];
  /** Only where there are so many that looking through them takes long: most windows hold one or two hits, and there may be very many. */
  #ids: Set<string> | undefined;
  /** Only where they are counted. */
  readonly #values: Map<string, number> | undefined;
  readonly #perDetection: number[] | undefined;
  #detectionsSeen = 0;
  #length = 0;
  /** Whether a hit has come since the last look: a rest of what has failed is not looked at again. */
  #isFresh = false;
  #until = Number.NEGATIVE_INFINITY;

  constructor(linked: LinkedCorrelation, group: Group) {
    this.linked = linked;
    this.group = group;
    this.#isEarly = isSettledEarly(linked.correlation);
    this.#span = linked.correlation.timespanMs * 1000;
    const { type } = linked.correlation;
    this.#values = type === "value_count" ? new Map() : undefined;
    this.#perDetection =
      type === "temporal" || type === "temporal_ordered" ? linked.detections.map(() => 0) : undefined;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Characters of events that are held. */
  get length(): number {
    return this.#length;
  }

  /** What is not after this moment belongs to a result that was given. */
  get until(): number {
    return this.#until;
  }

  /** The last moment of the window that begins with its first hit. */
  get deadline(): number {
    const [first] = this.#entries;
    return first ? first.hit.time + this.#span : this.#until;
  }

  /** Takes the next hit; a result when the condition is met and no later hit can undo that. */
  take(hit: CorrelationHit): WindowResult | undefined {
    if (hit.time <= this.#until || this.#holds(hit)) {
      return undefined;
    }
    this.#add(this.#entryOf(hit));
    return this.#isEarly ? this.#result() : undefined;
  }

  /** What is held, in its order; `until` and `isFresh` as {@link CorrelationWindow.restore} takes them. */
  state(): { readonly hits: readonly CorrelationHit[]; readonly until: number; readonly isFresh: boolean } {
    return { hits: this.#entries.map(({ hit }) => hit), until: this.#until, isFresh: this.#isFresh };
  }

  /** Goes on from a state; the window must be new. */
  restore(hits: readonly CorrelationHit[], until: number, isFresh: boolean): void {
    hits.forEach((hit) => this.#add(this.#entryOf(hit)));
    this.#until = until;
    this.#isFresh = isFresh;
  }

  /** Forgets the first hit, after a last look when the condition could not be settled earlier. */
  expire(): WindowResult | undefined {
    const result = this.#isEarly || !this.#isFresh ? undefined : this.#result();
    this.#isFresh = false;
    if (!result) {
      this.dropFirst();
    }
    return result;
  }

  /** Forgets the first hit. */
  dropFirst(): void {
    const first = this.#entries.shift();
    if (!first) {
      return;
    }
    this.#length -= lengthOf(first.hit);
    this.#ids?.delete(first.hit.id);
    if (this.#values !== undefined) {
      for (const value of first.values) {
        const left = (this.#values.get(value) ?? 1) - 1;
        if (left > 0) {
          this.#values.set(value, left);
        } else {
          this.#values.delete(value);
        }
      }
    }
    if (this.#perDetection !== undefined) {
      this.#perDetection[first.detection] = (this.#perDetection[first.detection] ?? 1) - 1;
      this.#detectionsSeen -= this.#perDetection[first.detection] === 0 ? 1 : 0;
    }
  }

  #holds({ id }: CorrelationHit): boolean {
    return this.#ids === undefined ? this.#entries.some(({ hit }) => hit.id === id) : this.#ids.has(id);
  }

  #entryOf(hit: CorrelationHit): Entry {
    const reading = hit.readings.get(this.linked.detection);
    const values = (reading?.values ?? []).map((tuple) =>
      tuple.length === 1 ? (tuple[0] ?? "") : JSON.stringify(tuple),
    );
    return { hit, detection: this.linked.detections.indexOf(hit.detection), values };
  }

  #add(entry: Entry): void {
    if (this.#entries.length === 0) {
      // A list that grows takes room for seventeen at once; most windows hold one hit.
      this.#entries = [entry];
    } else {
      this.#entries.push(entry);
    }
    this.#length += lengthOf(entry.hit);
    this.#isFresh = true;
    if (this.#ids !== undefined) {
      this.#ids.add(entry.hit.id);
    } else if (this.#entries.length > FEW) {
      this.#ids = new Set(this.#entries.map(({ hit }) => hit.id));
    }
    if (this.#values !== undefined) {
      for (const value of entry.values) {
        this.#values.set(value, (this.#values.get(value) ?? 0) + 1);
      }
    }
    if (this.#perDetection !== undefined) {
      this.#detectionsSeen += this.#perDetection[entry.detection] === 0 ? 1 : 0;
      this.#perDetection[entry.detection] = (this.#perDetection[entry.detection] ?? 0) + 1;
    }
  }

  #result(): WindowResult | undefined {
    const value = this.#measure();
    const [first] = this.#entries;
    if (!first || value === undefined || !meets(value, this.linked.correlation.threshold)) {
      return undefined;
    }
    const hits = this.#entries.map(({ hit }) => hit);
    this.#until = this.deadline;
    this.#entries.length = 0;
    this.#length = 0;
    this.#ids = undefined;
    this.#values?.clear();
    this.#perDetection?.fill(0);
    this.#detectionsSeen = 0;
    return { hits, value };
  }

  #measure(): number | undefined {
    switch (this.linked.correlation.type) {
      case "event_count":
        return this.#entries.length;
      case "value_count":
        return this.#values?.size ?? 0;
      case "temporal":
        return this.#detectionsSeen;
      case "temporal_ordered":
        // In order there are never more than at all: most hits need no walk.
        return this.#isEarly && !meets(this.#detectionsSeen, this.linked.correlation.threshold) ? 0 : this.#inOrder();
      case "value_sum":
      case "value_avg":
      case "value_percentile":
      default:
        return this.#ofNumbers();
    }
  }

  /** How many detections, from the first on, have hits of different requests in their order. */
  #inOrder(): number {
    let next = 0;
    let last: string | undefined;
    for (const { hit, detection } of this.#entries) {
      const request = hit.evidence[0]?.request;
      if (detection === next && (last === undefined || request !== last)) {
        next++;
        last = request;
      }
    }
    return next;
  }

  #ofNumbers(): number | undefined {
    const { type, percentile } = this.linked.correlation;
    const numbers = this.#entries.flatMap(({ values }) => values.filter((text) => text.trim() !== "").map(Number));
    const finite = numbers.filter((number) => Number.isFinite(number));
    if (finite.length === 0) {
      return undefined;
    }
    if (type === "value_percentile") {
      // Nearest rank: a value that really occurred.
      const rank = Math.max(1, Math.ceil((percentile / 100) * finite.length));
      return finite.sort((a, b) => a - b)[rank - 1];
    }
    const sum = finite.reduce((total, number) => total + number, 0);
    return type === "value_avg" ? sum / finite.length : sum;
  }
}
