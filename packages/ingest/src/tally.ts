import type { StreamDecision } from "@auditsieve/policy";

/** Why a line was left out of a sink on purpose: a rule of its policy, or because its feed holds only findings. */
export interface DropCount {
  /** Index of the rule; null where none matched; `feed` where no policy was asked. */
  readonly rule: number | null | "feed";
  readonly events: number;
  readonly bytes: number;
}

/** What became of a source's lines at one sink: `lines = delivered + dropped + deadLettered + pending`. */
export interface SinkTally {
  readonly sink: string;
  readonly lines: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly deadLettered: number;
  readonly pending: number;
  /** Of the delivered: with bodies cut out by a policy. */
  readonly stripped: number;
  readonly droppedByRule: readonly DropCount[];
  /** Findings, and events that were delivered later because a finding rests on them; counted besides the lines. */
  readonly findings: { readonly delivered: number; readonly deadLettered: number; readonly pending: number };
  readonly deadLetteredByReason: Readonly<Record<string, number>>;
}

/** What a pipeline has read of its source, and what became of it at each sink. */
export interface PipelineTally {
  readonly source: string;
  readonly lines: number;
  readonly bytes: number;
  /** Parts of the lines: no event could be made of them; reduced because they were too long. */
  readonly undecidable: number;
  readonly reduced: number;
  readonly findings: number;
  /** Requests that a detection could not decide, because the log does not say enough; by the detection's id. */
  readonly undecided: Readonly<Record<string, number>>;
  /** Lines that some sink has not settled yet. */
  readonly unacknowledged: number;
  readonly sinks: readonly SinkTally[];
}

const MAX_REASONS = 64;

/** Counts for one sink. */
export class SinkCounter {
  readonly #sink: string;
  readonly #drops = new Map<StreamDecision | "feed", { events: number; bytes: number }>();
  readonly #reasons = new Map<string, number>();
  #line = { delivered: 0, deadLettered: 0, pending: 0 };
  #extra = { delivered: 0, deadLettered: 0, pending: 0 };
  #dropped = 0;
  #stripped = 0;

  constructor(sink: string) {
    this.#sink = sink;
  }

  drop(by: StreamDecision | "feed", bytes: number): void {
    const known = this.#drops.get(by);
    this.#dropped++;
    if (known === undefined) {
      this.#drops.set(by, { events: 1, bytes });
    } else {
      known.events++;
      known.bytes += bytes;
    }
  }

  strip(): void {
    this.#stripped++;
  }

  start(isLine: boolean): void {
    (isLine ? this.#line : this.#extra).pending++;
  }

  stored(isLine: boolean): void {
    const counts = isLine ? this.#line : this.#extra;
    counts.pending--;
    counts.delivered++;
  }

  deadLettered(isLine: boolean, reason: string): void {
    const counts = isLine ? this.#line : this.#extra;
    counts.pending--;
    counts.deadLettered++;
    const label = this.#reasons.has(reason) || this.#reasons.size < MAX_REASONS ? reason : "other";
    this.#reasons.set(label, (this.#reasons.get(label) ?? 0) + 1);
  }

  tally(lines: number): SinkTally {
    return {
      sink: this.#sink,
      lines,
      ...this.#line,
      dropped: this.#dropped,
      stripped: this.#stripped,
      droppedByRule: this.#dropsByRule(),
      findings: { ...this.#extra },
      deadLetteredByReason: Object.fromEntries(this.#reasons),
    };
  }

  #dropsByRule(): readonly DropCount[] {
    const byRule = new Map<DropCount["rule"], { events: number; bytes: number }>();
    for (const [by, { events, bytes }] of this.#drops) {
      const rule = by === "feed" ? by : by.rule;
      const sum = byRule.get(rule) ?? { events: 0, bytes: 0 };
      byRule.set(rule, { events: sum.events + events, bytes: sum.bytes + bytes });
    }
    return [...byRule].map(([rule, counts]) => ({ rule, ...counts }));
  }
}
