import type { AckWindow } from "../lines/ack-window.ts";
import type { HandledLine } from "./line-handler-options.ts";
import { lineColumns } from "../lines/tally.ts";
import type { LineColumns, SinkCounter } from "../lines/tally.ts";
import { countIn } from "../lines/tally-ledger.ts";
import type { Ledger } from "../lines/tally-ledger.ts";

export interface LineCountsOptions {
  readonly ledger: Ledger;
  readonly window: AckWindow;
  readonly outlets: readonly { readonly counter: SinkCounter }[];
}

/** Counts lines: those that were read at once, and in the ledger with the position behind each. */
export class LineCounts {
  readonly #options: LineCountsOptions;
  readonly #lineColumns: LineColumns;
  /** Columns of the ledger in which the line in hand counts. */
  readonly #columns: number[] = [];
  readonly read = { lines: 0, bytes: 0, undecidable: 0, reduced: 0, salvaged: 0 };

  constructor(options: LineCountsOptions) {
    this.#options = options;
    this.#lineColumns = lineColumns(options.ledger);
  }

  /** A line of so many bytes is in hand; in the place of several lines, if it is what these came in. */
  begin(bytes: number, lines: number): void {
    this.read.lines += lines;
    this.read.bytes += bytes;
  }

  /** What the line in hand is. */
  is(what: "undecidable" | "reduced" | "salvaged"): void {
    this.read[what]++;
    this.#columns.push(this.#lineColumns[what]);
  }

  /** It counts in a column of the ledger. */
  in(column: number): void {
    this.#columns.push(column);
  }

  /** Nothing follows about the line: what is settled may be acknowledged over it, with its counts. */
  cover(input: string, line: HandledLine, lines = 1): void {
    const { window, outlets } = this.#options;
    window.cover(input, line.end, this.read.bytes);
    const counts = window.countsOf(input);
    countIn(counts, this.#lineColumns.lines, lines);
    countIn(counts, this.#lineColumns.bytes, line.bytes);
    for (let i = 0; i < outlets.length; i++) {
      countIn(counts, (outlets[i] as (typeof outlets)[number]).counter.lineColumn, lines);
    }
    const columns = this.#columns;
    for (let i = 0; i < columns.length; i++) {
      countIn(counts, columns[i] as number);
    }
    columns.length = 0;
  }
}
