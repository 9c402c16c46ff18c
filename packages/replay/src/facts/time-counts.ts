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
const NO_COUNT: TimeCount = { requests: 0, writes: 0, refused: 0 };

/** Counts over time in at most a thousand equal spans, whatever the log's length: when it is too long the spans double. */
export class TimeCounts {
  /** Milliseconds of a span. */
  widthMs = 1_000;
  #counts = new Map<number, TimeCount>();
  /** The span of the last one: the next is nearly always of the same. */
  #last = { span: Number.NaN, count: NO_COUNT };

  /** Counts a request at `ms` since 1970; not a number where its time is not known. */
  add(ms: number, isWrite: boolean, isRefused: boolean): void {
    if (Number.isNaN(ms)) {
      return;
    }
    const span = Math.floor(ms / this.widthMs);
    if (this.#last.span !== span) {
      this.#last = { span, count: at(this.#counts, span) };
    }
    const { count } = this.#last;
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
    this.#last = { span: Number.NaN, count: NO_COUNT };
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
    this.#last = { span: Number.NaN, count: NO_COUNT };
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
