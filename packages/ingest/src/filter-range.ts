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
  /** Where a line begins that is too long to be held: from there on nothing of the range has been filtered. */
  readonly rest: number | undefined;
}

const NEWLINE = 10;
const READ_BYTES = 512 * 1024;
/** A longer line does not come out of a thread as a whole. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

/** Filters the lines of one range of a plain log. One after the other it remembers what it has decided. */
export class RangeFilter {
  readonly #filter: Filter;
  readonly #buffer: Buffer;
  #before: FilterSummary;
  #problems: LineProblem[] = [];
  #kept: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #keptLength = 0;

  constructor(options: Pick<FilterOptions, "policy" | "verify">) {
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
    let rest: number | undefined;
    try {
      first = start === 0 ? 0 : this.#lineAfter(file, start - 1, end);
      rest = this.#read(file, first, end);
    } finally {
      closeSync(file);
    }
    if (rest === undefined) {
      this.#keep(this.#filter.end());
    } else {
      this.#filter.dropOpenLine();
    }
    return { kept: this.#kept.subarray(0, this.#keptLength), ...this.#counted(first), rest };
  }

  /** Gives where a line begins that is too long. */
  #read(file: number, from: number, end: number): number | undefined {
    let line = from;
    for (let at = from; ;) {
      const length = readSync(file, this.#buffer, 0, this.#buffer.length, at);
      if (length === 0 || from >= end) {
        return undefined;
      }
      const chunk = this.#buffer.subarray(0, length);
      const first = chunk.indexOf(NEWLINE);
      if (at + (first === -1 ? length : first) - line > MAX_HELD_BYTES) {
        return line;
      }
      line = first === -1 ? line : at + chunk.lastIndexOf(NEWLINE) + 1;
      const stop = stopIn(chunk, at, end);
      this.#keep(this.#filter.write(chunk.subarray(0, stop)));
      at += stop;
      if (at >= end && chunk[stop - 1] === NEWLINE) {
        return undefined;
      }
    }
  }

  /** Filters lines of any length, from the beginning of one on; what is kept is written as it comes. */
  async pass(
    { path, start, end }: FileRange,
    write: (kept: Uint8Array) => Promise<void>,
  ): Promise<Pick<FilteredRange, "summary" | "problems">> {
    const file = openSync(path, "r");
    this.#problems = [];
    try {
      for (let at = start, isOver = false; !isOver;) {
        const length = readSync(file, this.#buffer, 0, this.#buffer.length, at);
        const stop = stopIn(this.#buffer.subarray(0, length), at, end);
        for (const run of this.#filter.write(this.#buffer.subarray(0, stop))) {
          await write(run);
        }
        at += stop;
        isOver = length === 0 || (at >= end && this.#buffer[stop - 1] === NEWLINE);
      }
    } finally {
      closeSync(file);
    }
    for (const run of this.#filter.end()) {
      await write(run);
    }
    return this.#counted(start);
  }

  /** What has been counted since the last range. */
  #counted(first: number): Pick<FilteredRange, "summary" | "problems"> {
    const summary = this.#filter.summary();
    const counted = difference(summary, this.#before);
    this.#before = summary;
    return { summary: counted, problems: this.#problems.map((each) => ({ ...each, offset: each.offset + first })) };
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

  /** Behind the first newline at or behind `from`; some place at or behind `end` where none stands before it. */
  #lineAfter(file: number, from: number, end: number): number {
    for (let at = from; ;) {
      const length = readSync(file, this.#buffer, 0, this.#buffer.length, at);
      const newline = this.#buffer.subarray(0, length).indexOf(NEWLINE);
      if (newline !== -1) {
        return at + newline + 1;
      }
      at += length;
      if (length === 0 || at >= end) {
        return Math.max(at, end);
      }
    }
  }
}

/** Where in the chunk, which stands at `at` in the file, the last line ends that begins before `end`; its length if that is later. */
function stopIn(chunk: Buffer, at: number, end: number): number {
  const newline = at + chunk.length < end ? -1 : chunk.indexOf(NEWLINE, Math.max(0, end - 1 - at));
  return newline === -1 ? chunk.length : newline + 1;
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
