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
  /** What is kept, one behind the other. */
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

  constructor(options: Pick<FilterOptions, "policy" | "verify" | "maxLineBytes">) {
    this.#filter = new Filter({ ...options, onProblem: (problem) => this.#problems.push(problem) });
    this.#buffer = this.#filter.rooms?.[0] ?? Buffer.allocUnsafeSlow(READ_BYTES);
    this.#before = this.#filter.summary();
  }

  /** Reads, filters and gives what is kept; the file is read past the range's end up to the end of the last line. */
  filter({ path, start, end }: FileRange): FilteredRange {
    const file = openSync(path, "r");
    const kept: Buffer[] = [];
    this.#problems = [];
    let first = start;
    try {
      first = start === 0 ? 0 : this.#lineAfter(file, start - 1);
      this.#read(file, first, end, kept);
    } finally {
      closeSync(file);
    }
    kept.push(...this.#filter.end().map((run) => Buffer.from(run)));
    const summary = this.#filter.summary();
    const counted = difference(summary, this.#before);
    this.#before = summary;
    const problems = this.#problems.map((problem) => ({ ...problem, offset: problem.offset + first }));
    return { kept: joined(kept), summary: counted, problems };
  }

  #read(file: number, first: number, end: number, kept: Buffer[]): void {
    for (let at = first; ;) {
      const length = readSync(file, this.#buffer, 0, this.#buffer.length, at);
      if (length === 0 || first >= end) {
        return;
      }
      // The last line is the one that begins before the end.
      const newline =
        at + length < end ? -1 : this.#buffer.subarray(0, length).indexOf(NEWLINE, Math.max(0, end - 1 - at));
      const stop = newline === -1 ? length : newline + 1;
      for (const run of this.#filter.write(this.#buffer.subarray(0, stop))) {
        kept.push(Buffer.from(run));
      }
      if (newline !== -1) {
        return;
      }
      at += length;
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

function joined(runs: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(runs.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const run of runs) {
    bytes.set(run, at);
    at += run.length;
  }
  return bytes;
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
