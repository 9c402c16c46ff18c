/** Requests of a span of time. */
export interface TimeCount {
  requests: number;
  writes: number;
  refused: number;
}

/** What {@link TimeCounts.restore} goes on from. */
export interface TimesSnapshot {
  readonly widthMs: number;
  readonly counts: Map<number, TimeCount>;
}

const MOST_SPANS = 1_000;

/** Counts over time in at most a thousand equal spans, whatever the log's length: when it is too long the spans double. */
export class TimeCounts {
  /** Milliseconds of a span. */
  widthMs = 1_000;
  #counts = new Map<number, TimeCount>();

  add(time: string, isWrite: boolean, isRefused: boolean): void {
    const ms = Date.parse(time);
    if (Number.isNaN(ms)) {
      return;
    }
    const count = at(this.#counts, Math.floor(ms / this.widthMs));
    count.requests++;
    count.writes += isWrite ? 1 : 0;
    count.refused += isRefused ? 1 : 0;
    if (this.#counts.size > MOST_SPANS) {
      this.#widen();
    }
  }

  snapshot(): TimesSnapshot {
    return { widthMs: this.widthMs, counts: this.#counts };
  }

  restore({ widthMs, counts }: TimesSnapshot): void {
    this.widthMs = widthMs;
    this.#counts = counts;
  }

  /** The spans that hold something, in order; `fromMs` is when each begins. */
  spans(): readonly (TimeCount & { readonly fromMs: number })[] {
    return [...this.#counts]
      .sort(([a], [b]) => a - b)
      .map(([span, count]) => ({ fromMs: span * this.widthMs, ...count }));
  }

  #widen(): void {
    const wider = new Map<number, TimeCount>();
    for (const [span, { requests, writes, refused }] of this.#counts) {
      const count = at(wider, Math.floor(span / 2));
      count.requests += requests;
      count.writes += writes;
      count.refused += refused;
    }
    this.#counts = wider;
    this.widthMs *= 2;
  }
}

function at(counts: Map<number, TimeCount>, span: number): TimeCount {
  let count = counts.get(span);
  if (count === undefined) {
    count = { requests: 0, writes: 0, refused: 0 };
    counts.set(span, count);
  }
  return count;
}
