import { closeSync, openSync, readSync } from "node:fs";
import { Filter } from "./filter.ts";
import type { FilterOptions, FilterSummary, LineProblem } from "./filter-options.ts";
import type { OrderedOutput } from "./ordered-output.ts";
import { wholeLines } from "../logs/whole-lines.ts";

/** Bytes of a file; lines that begin in it belong to it. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** A log, and how long it was when it was looked at. */
export interface FileLength {
  readonly path: string;
  readonly length: number;
}

/** What became of a range. */
export interface FilteredRange {
  readonly lines: number;
  /** Lines are counted from the range's first one; offsets are those of the file. */
  readonly problems: readonly LineProblem[];
}

/** The ranges of logs of these lengths, in order. */
export function rangesOf(logs: readonly FileLength[], rangeBytes: number): readonly FileRange[] {
  const ranges: FileRange[] = [];
  for (const { path, length } of logs) {
    for (let start = 0; start < length; start += rangeBytes) {
      ranges.push({ path, start, end: Math.min(length, start + rangeBytes) });
    }
  }
  return ranges;
}

const NEWLINE = 10;
const READ_BYTES = 512 * 1024;
/** So much more is read where the line that is under way at a range's end is to be found out. */
const BEYOND_BYTES = 16 * 1024;
/** A longer line is not held until its turn comes. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;
/** White space that may stand between two lines of a document; more is taken for it. */
const BETWEEN_BYTES = 64;

/** Filters the lines of one range of a plain log. One after the other it remembers what it has decided. */
export class RangeFilter {
  readonly #filter: Filter;
  readonly #buffer: Buffer;
  #file: { readonly path: string; readonly descriptor: number } | undefined;
  /** Behind what was filtered last. */
  #at = 0;
  #linesBefore = 0;
  #problems: LineProblem[] = [];

  constructor(options: Pick<FilterOptions, "policy" | "verify">) {
    this.#filter = new Filter({ ...options, onProblem: (problem) => this.#problems.push(problem) });
    this.#buffer = this.#filter.rooms?.[0] ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  /**
   * Filters whichever range is next until none is left, and says what became of each. Gives what was counted over all of them. Other
   * threads may do the same, each for the ranges that it takes.
   */
  async filter(
    ranges: readonly FileRange[],
    out: OrderedOutput,
    onDone: (index: number, filtered: FilteredRange) => void | Promise<void>,
  ): Promise<FilterSummary> {
    try {
      for (let index = out.begin(); index < ranges.length; index = out.begin()) {
        const range = ranges[index] as FileRange;
        const filtered = await this.#filterRange(range, out);
        const at = this.#at;
        await out.end((left) => (range.start === 0 ? at : Math.max(left, at)));
        await onDone(index, filtered);
      }
      await out.finish();
    } finally {
      this.#close();
    }
    return this.#filter.summary();
  }

  /**
   * Reads, filters and hands over what is kept; the file is read past the range's end up to the end of the last line, or of the document that
   * is open there.
   */
  async #filterRange({ path, start, end }: FileRange, out: OrderedOutput): Promise<FilteredRange> {
    const file = this.#open(path);
    let first = start === 0 ? 0 : this.#lineAfter(file, start - 1, end);
    if (start > 0 && this.#mayGoOn(file, first)) {
      // Only who has filtered what stands before knows whether it does.
      await out.waitForTurn();
      first = Math.max(first, out.left);
    }
    this.#at = first;
    const rest = this.#read(file, first, end, out);
    if (rest === undefined) {
      await this.#endDocument(file, out);
      out.add(this.#filter.end());
      return this.#counted(first);
    }
    const isGoingOn = this.#filter.isInDocument;
    if (!isGoingOn) {
      this.#filter.dropOpenLine();
    }
    const before = this.#counted(first);
    // A line of any length must not be held: what is left is written as it is read.
    await out.waitForTurn();
    await this.#filter.readyForLong();
    this.#pass(file, rest, end, out);
    await this.#endDocument(file, out);
    out.add(this.#filter.end());
    const behind = this.#counted(isGoingOn ? first : rest);
    return {
      lines: before.lines + behind.lines,
      problems: [...before.problems, ...behind.problems.map((each) => ({ ...each, line: each.line + before.lines }))],
    };
  }

  #close(): void {
    if (this.#file !== undefined) {
      closeSync(this.#file.descriptor);
      this.#file = undefined;
    }
  }

  /** The log of the last range is left open: the next one is mostly of the same. */
  #open(path: string): number {
    if (this.#file?.path !== path) {
      this.#close();
      this.#file = { path, descriptor: openSync(path, "r") };
    }
    return this.#file.descriptor;
  }

  /** Filters what belongs to the document that is open behind the range, line by line: the next range begins behind it. */
  async #endDocument(file: number, out: OrderedOutput): Promise<void> {
    if (!this.#filter.isInDocument) {
      return;
    }
    await out.waitForTurn();
    await this.#filter.readyForLong();
    let isLineStart = true;
    for (const chunk of this.#chunks(file, this.#at, Infinity)) {
      for (let start = 0; start < chunk.length;) {
        if (isLineStart && !(this.#filter.isInDocument && this.#mayGoOn(file, this.#at))) {
          return;
        }
        const end = chunk.indexOf(NEWLINE, start) + 1 || chunk.length;
        out.add(this.#filter.write(chunk.subarray(start, end)));
        this.#at += end - start;
        isLineStart = chunk[end - 1] === NEWLINE;
        start = end;
      }
    }
  }

  /** Whether the line that begins there may go on with a document before it: never where an object ends before and another begins. */
  #mayGoOn(file: number, line: number): boolean {
    const around = Buffer.alloc(2 * BETWEEN_BYTES, " ");
    const before = Math.min(BETWEEN_BYTES, line);
    const length = readSync(file, around, BETWEEN_BYTES - before, before + BETWEEN_BYTES, line - before);
    const text = around.toString("latin1", 0, BETWEEN_BYTES - before + length);
    return (
      length > before && !(/\}\s*$/.test(text.slice(0, BETWEEN_BYTES)) && /^\s*\{/.test(text.slice(BETWEEN_BYTES)))
    );
  }

  /** Gives where a line begins that is too long, or where in a document it is. */
  #read(file: number, from: number, end: number, out: OrderedOutput): number | undefined {
    let line = from;
    let at = from;
    for (const chunk of this.#chunks(file, from, end)) {
      const first = chunk.indexOf(NEWLINE);
      if (at + (first === -1 ? chunk.length : first) - line > MAX_HELD_BYTES) {
        return this.#filter.isInDocument ? at : line;
      }
      line = first === -1 ? line : at + chunk.lastIndexOf(NEWLINE) + 1;
      const stop = stopIn(chunk, at, end);
      out.add(this.#filter.write(chunk.subarray(0, stop)));
      at += stop;
      this.#at = at;
      if (at >= end && chunk[stop - 1] === NEWLINE) {
        break;
      }
    }
    return undefined;
  }

  /** Filters lines of any length, from the beginning of one on; what is kept is written as it comes. */
  #pass(file: number, start: number, end: number, out: OrderedOutput): void {
    let at = start;
    for (const chunk of this.#chunks(file, start, end)) {
      const stop = stopIn(chunk, at, end);
      out.add(this.#filter.write(chunk.subarray(0, stop)));
      at += stop;
      this.#at = at;
      if (at >= end && chunk[stop - 1] === NEWLINE) {
        break;
      }
    }
  }

  /** What has been counted since the last time. */
  #counted(first: number): FilteredRange {
    const { lines } = this.#filter;
    const counted = lines - this.#linesBefore;
    this.#linesBefore = lines;
    const problems = this.#problems.map((each) => ({ ...each, offset: each.offset + first }));
    this.#problems = [];
    return { lines: counted, problems };
  }

  /** From the beginning of a line on: all of what begins before `end`, and what follows while somebody asks for it. */
  #chunks(file: number, from: number, end: number): Generator<Buffer, unknown> {
    let at = from;
    const read = (into: Buffer, behind: number): number => {
      const length = readAt(file, into, at, end, behind);
      at += length;
      return length;
    };
    return wholeLines(this.#buffer, from < end ? read(this.#buffer, 0) : 0, read);
  }

  /** Behind the first newline at or behind `from`; some place at or behind `end` where none stands before it. */
  #lineAfter(file: number, from: number, end: number): number {
    for (let at = from; ;) {
      const length = readAt(file, this.#buffer, at, at);
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

/** Hardly more than belongs to the range: reading all of it is half of the work. */
function readAt(file: number, into: Buffer, at: number, end: number, behind = 0): number {
  const wanted = Math.max(0, end - at) + BEYOND_BYTES;
  return readSync(file, into, behind, Math.min(into.length - behind, wanted), at);
}

/** Where in the chunk, which stands at `at` in the file, the last line ends that begins before `end`; its length if that is later. */
function stopIn(chunk: Buffer, at: number, end: number): number {
  const newline = at + chunk.length < end ? -1 : chunk.indexOf(NEWLINE, Math.max(0, end - 1 - at));
  return newline === -1 ? chunk.length : newline + 1;
}
