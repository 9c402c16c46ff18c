import type { Edit, EventScan } from "@auditsieve/audit";
import type { FilterOptions } from "./filter-options.ts";
import { Runs } from "./runs.ts";

const NEWLINE = Buffer.from("\n");

/** The lines that a filter keeps: redacted where that is asked for, gathered to be written, and counted. */
export class KeptLines {
  readonly #redact: FilterOptions["redact"];
  readonly #out = new Runs();
  /** Lines inside it stay valid until the next call; others only during the call that adds them. */
  #chunk: Buffer | undefined;
  /** So many so far, and their bytes as they are written. */
  lines = 0;
  bytes = 0;

  constructor(redact: FilterOptions["redact"]) {
    this.#redact = redact;
  }

  /** What was taken before is not valid any more; `chunk` is until the next call. */
  begin(chunk?: Buffer): void {
    this.#out.clear();
    this.#chunk = chunk;
  }

  /** What is to be written of the lines since {@link KeptLines.begin}. */
  take(): readonly Buffer[] {
    return this.#out.take();
  }

  /** Adds a line, which is the event that `scan` holds; undefined where it is none. Behind it stands a newline, and counts where it is `terminated`. */
  add(bytes: Buffer, start: number, end: number, terminated: boolean, scan: EventScan | undefined): void {
    const behind = terminated ? end + 1 : end;
    this.lines++;
    if (this.#redact !== undefined) {
      const given = bytes.subarray(start, end);
      const line = this.#redact(given, scan);
      if (line !== given) {
        this.#addChanged(line, terminated);
        return;
      }
    }
    this.bytes += behind - start;
    if (bytes === this.#chunk) {
      this.#out.add(bytes, start, behind);
    } else {
      this.#out.copy(bytes, start, behind);
    }
  }

  /** Adds what is left of the event that `scan` holds: a line without its newline, in memory of its own. */
  addStripped(line: Buffer, terminated: boolean, scan: EventScan): void {
    this.add(line, 0, line.length, false, scan);
    this.#endLine(terminated);
  }

  /** Adds lines that need not be redacted, with their newlines: `memory[start, end)`, which may be in what `bytes` are a view of. */
  addKnown(bytes: Buffer | undefined, memory: Buffer, start: number, end: number, lines: number): void {
    if (start === end) {
      return;
    }
    this.lines += lines;
    this.bytes += end - start;
    if (bytes !== undefined && bytes === this.#chunk) {
      this.#out.add(bytes, start - bytes.byteOffset, end - bytes.byteOffset);
    } else {
      this.#out.copy(memory, start, end);
    }
  }

  /** Adds a line with its newline, `memory[start, end)`, with these edits, counted from its beginning. */
  addEdited(memory: Buffer, start: number, end: number, edits: readonly Edit[]): void {
    this.lines++;
    let from = start;
    for (const edit of edits) {
      this.#addCopy(memory, from, start + edit.start);
      this.#addCopy(edit.by, 0, edit.by.length);
      from = start + edit.end;
    }
    this.#addCopy(memory, from, end);
  }

  /** Adds bytes of a line that is too long to be held, as they pass: it cannot be redacted as a whole. */
  pass(bytes: Buffer, start: number, end: number): void {
    if (this.#redact === undefined) {
      this.#out.copy(bytes, start, end);
    }
  }

  /** That line has ended: `length` bytes with its newline. Where lines are redacted, its head is all that is kept of it. */
  endPassed(length: number, head: Buffer): void {
    this.lines++;
    if (this.#redact === undefined) {
      this.bytes += length;
    } else {
      // What follows may be a line of its own all the same.
      this.#addChanged(this.#redact(head, undefined), true);
    }
  }

  #addChanged(line: Buffer, terminated: boolean): void {
    this.bytes += line.length;
    this.#out.copy(line, 0, line.length);
    this.#endLine(terminated);
  }

  #addCopy(bytes: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    this.#out.copy(bytes, start, end);
  }

  #endLine(terminated: boolean): void {
    if (terminated) {
      this.bytes++;
      this.#out.copy(NEWLINE, 0, 1);
    }
  }
}
