import type { StreamDecision } from "@auditsieve/policy";
import { countIn } from "./tally-ledger.ts";
import type { Counts, Ledger } from "./tally-ledger.ts";

/** Why a line was left out of a sink on purpose: a rule of its policy, or because its feed holds only findings. */
export interface DropCount {
  /** Index of the rule; null where none matched; `feed` where no policy was asked. */
  readonly rule: number | null | "feed";
  readonly events: number;
  readonly bytes: number;
}

/** What became of deliveries. */
export interface DeliveryCounts {
  readonly delivered: number;
  readonly deadLettered: number;
  readonly pending: number;
}

/** What a delivery counts as: a line of the input, or something besides. */
export type CountedAs = "lines" | "findings" | "receipts" | "salvaged";

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
  readonly findings: DeliveryCounts;
  /** Summaries of what was dropped; counted besides the lines. */
  readonly receipts: DeliveryCounts;
  /** Whole events in undecidable lines; counted besides these lines, which are delivered too. */
  readonly salvaged: DeliveryCounts;
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
  /** Whole events that were found in undecidable lines; no lines of their own. */
  readonly salvaged: number;
  readonly findings: number;
  /** Requests that a detection could not decide, because the log does not say enough; by the detection's id. */
  readonly undecided: Readonly<Record<string, number>>;
  /** Findings that exceptions kept out, by the exception's id; also those that kept none out. */
  readonly suppressed: Readonly<Record<string, number>>;
  /** What detections forgot to stay within bounds: `requests` that were open, `late` hits, `correlation-hits`, and what is in `memory`. */
  readonly forgotten: Readonly<Record<string, number>>;
  /** Lines that a next start would read again: some sink has not settled them yet, or the checkpoint does not say so. */
  readonly unacknowledged: number;
  /** Of this and all earlier runs, exactly what the checkpoint covers: columns as in the ledger. */
  readonly acknowledged: Readonly<Record<string, number>>;
  readonly sinks: readonly SinkTally[];
}

/** Columns of the ledger for what a source's lines are. */
export type LineColumns = Readonly<Record<"lines" | "bytes" | "undecidable" | "reduced" | "salvaged", number>>;

/** The columns of a ledger that count lines, whatever becomes of them. */
export function lineColumns(ledger: Ledger): LineColumns {
  return {
    lines: ledger.column("lines"),
    bytes: ledger.column("bytes"),
    undecidable: ledger.column("undecidable"),
    reduced: ledger.column("reduced"),
    salvaged: ledger.column("salvaged"),
  };
}

const MAX_REASONS = 64;

/** Counts for one sink: of this run at once, of the ledger with the lines that they belong to. */
export class SinkCounter {
  readonly #sink: string;
  readonly #ledger: Ledger;
  readonly #drops = new Map<StreamDecision | "feed", { events: number; bytes: number; readonly column: number }>();
  readonly #reasons = new Map<string, number>();
  readonly #counts: Readonly<Record<CountedAs, { delivered: number; deadLettered: number; pending: number }>> = {
    lines: { delivered: 0, deadLettered: 0, pending: 0 },
    findings: { delivered: 0, deadLettered: 0, pending: 0 },
    receipts: { delivered: 0, deadLettered: 0, pending: 0 },
    salvaged: { delivered: 0, deadLettered: 0, pending: 0 },
  };
  readonly #delivered: Readonly<Record<CountedAs, number>>;
  readonly #lineColumn: number;
  readonly #strippedColumn: number;
  #dropped = 0;
  #stripped = 0;

  constructor(sink: string, ledger: Ledger) {
    this.#sink = sink;
    this.#ledger = ledger;
    this.#lineColumn = ledger.column(`${sink}/lines`);
    this.#strippedColumn = ledger.column(`${sink}/stripped`);
    this.#delivered = {
      lines: ledger.column(`${sink}/delivered`),
      findings: ledger.column(`${sink}/findings/delivered`),
      receipts: ledger.column(`${sink}/receipts/delivered`),
      salvaged: ledger.column(`${sink}/salvaged/delivered`),
    };
  }

  /** Column of the ledger for the lines that this sink was asked about. */
  get lineColumn(): number {
    return this.#lineColumn;
  }

  /** Gives the column of the ledger to count the line in. */
  drop(by: StreamDecision | "feed", bytes: number): number {
    this.#dropped++;
    let known = this.#drops.get(by);
    if (known === undefined) {
      const rule = by === "feed" ? by : (by.rule ?? "none");
      known = { events: 0, bytes: 0, column: this.#ledger.column(`${this.#sink}/dropped/${rule}`) };
      this.#drops.set(by, known);
    }
    known.events++;
    known.bytes += bytes;
    return known.column;
  }

  /** Gives the column of the ledger to count the line in. */
  strip(): number {
    this.#stripped++;
    return this.#strippedColumn;
  }

  start(as: CountedAs): void {
    this.#counts[as].pending++;
  }

  stored(as: CountedAs, line: Counts): void {
    const counts = this.#counts[as];
    counts.pending--;
    counts.delivered++;
    countIn(line, this.#delivered[as]);
  }

  deadLettered(as: CountedAs, reason: string, line: Counts): void {
    const counts = this.#counts[as];
    counts.pending--;
    counts.deadLettered++;
    const label = this.#reasons.has(reason) || this.#reasons.size < MAX_REASONS ? reason : "other";
    this.#reasons.set(label, (this.#reasons.get(label) ?? 0) + 1);
    const kind = as === "lines" ? "" : `${as}/`;
    countIn(line, this.#ledger.column(`${this.#sink}/${kind}deadLettered/${label}`));
  }

  tally(lines: number): SinkTally {
    return {
      sink: this.#sink,
      lines,
      ...this.#counts.lines,
      dropped: this.#dropped,
      stripped: this.#stripped,
      droppedByRule: this.#dropsByRule(),
      findings: { ...this.#counts.findings },
      receipts: { ...this.#counts.receipts },
      salvaged: { ...this.#counts.salvaged },
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
