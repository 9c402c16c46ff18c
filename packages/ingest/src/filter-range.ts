import { closeSync, openSync, readSync } from "node:fs";
import { Filter } from "./filter.ts";
import type { FilterOptions, FilterSummary, LineProblem } from "./filter.ts";

/** Bytes of a file; lines that begin in it belong to it. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** What became of a range. */
export interface FilteredRange {
  /** What is kept, one behind the other, at the beginning of the memory that was given, or of larger one. */
  readonly kept: Uint8Array<ArrayBuffer>;
  readonly summary: FilterSummary;
  /** Lines are counted from the range's first one; offsets are those of the file. */
  readonly problems: readonly LineProblem[];
}

const NEWLINE = 10;
const READ_BYTES = 512 * 1024;

/** Filters the lines of one range of a plain log. One after the other it remembers what it has decided. */
export class RangeFilter {
  readonly #filter: Filter;
  readonly #buffer: Buffer;
  #before: FilterSummary;
  #problems: LineProblem[] = [];
  #kept: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #keptLength = 0;

  constructor(options: Pick<FilterOptions, "policy" | "verify" | "maxLineBytes">) {
    this.#filter = new Filter({ ...options, onProblem: (problem) => this.#problems.push(problem) });
    this.#buffer = this.#filter.rooms?.[0] ?? Buffer.allocUnsafeSlow(READ_BYTES);
    this.#before = this.#filter.summary();
  }

  /** Reads, filters and gives what is kept; the file is read past the range's end up to the end of the last line. */
  filter({ path, start, end }: FileRange, memory: ArrayBuffer): FilteredRange {
    const file = openSync(path, "r");
    this.#kept = new Uint8Array(memory);
    this.#keptLength = 0;
    this.#problems = [];
    let first = start;
    try {
      first = start === 0 ? 0 : this.#lineAfter(file, start - 1);
      this.#read(file, first, end);
    } finally {
      closeSync(file);
    }
    this.#keep(this.#filter.end());
    const summary = this.#filter.summary();
    const counted = difference(summary, this.#before);
    this.#before = summary;
    const problems = this.#problems.map((problem) => ({ ...problem, offset: problem.offset + first }));
    return { kept: this.#kept.subarray(0, this.#keptLength), summary: counted, problems };
  }

  #read(file: number, first: number, end: number): void {
    for (let at = first; ;) {
      const length = readSync(file, this.#buffer, 0, this.#buffer.length, at);
      if (length === 0 || first >= end) {
        return;
      }
      // The last line is the one that begins before the end.
      const newline =
        at + length < end ? -1 : this.#buffer.subarray(0, length).indexOf(NEWLINE, Math.max(0, end - 1 - at));
      const stop = newline === -1 ? length : newline + 1;
      this.#keep(this.#filter.write(this.#buffer.subarray(0, stop)));
      if (newline !== -1) {
        return;
      }
      at += length;
    }
  }

  #keep(runs: readonly Buffer[]): void {
    for (const run of runs) {
      const length = this.#keptLength + run.length;
      if (length > this.#kept.length) {
        const grown = new Uint8Array(2 * length);
        grown.set(this.#kept.subarray(0, this.#keptLength));
        this.#kept = grown;
      }
      this.#kept.set(run, this.#keptLength);
      this.#keptLength = length;
    }
  }

  /** Behind the first newline at or behind `from`; the file's end where there is none. */
  #lineAfter(file: number, from: number): number {
    for (let at = from; ;) {
      const length = readSync(file, this.#buffer, 0, this.#buffer.length, at);
      const newline = this.#buffer.subarray(0, length).indexOf(NEWLINE);
      if (length === 0 || newline !== -1) {
        return at + newline + 1;
      }
      at += length;
    }
  }
}

/** What has been counted between two summaries of one filter. */
function difference(now: FilterSummary, before: FilterSummary): FilterSummary {
  const rules = new Map(before.byRule.map((each) => [`${each.rule}/${each.level}`, each]));
  return {
    lines: now.lines - before.lines,
    bytes: now.bytes - before.bytes,
    kept: now.kept - before.kept,
    keptBytes: now.keptBytes - before.keptBytes,
    dropped: now.dropped - before.dropped,
    stripped: now.stripped - before.stripped,
    invalid: now.invalid - before.invalid,
    byRule: now.byRule.map((each) => {
      const old = rules.get(`${each.rule}/${each.level}`);
      return {
        ...each,
        dropped: each.dropped - (old?.dropped ?? 0),
        stripped: each.stripped - (old?.stripped ?? 0),
        bytes: each.bytes - (old?.bytes ?? 0),
      };
    }),
  };
}
