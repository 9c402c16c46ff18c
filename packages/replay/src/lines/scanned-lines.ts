import { readEventLines } from "@auditsieve/audit";
import type { EventLines, EventScan, InputPlace, OversizeLine } from "@auditsieve/audit";
import { NO_TIME, textMicros } from "./event-time.ts";
import type { LineCopies, LinesRead } from "./lines-read.ts";
import type { LogLine } from "./log-line.ts";

const NEWLINE = 10;

/**
 * Reads a log line by line, whatever the lines stand in, each with the time that the event itself says, never one that stands in a body. The
 * whole events of a damaged line come behind it, each with a time of its own.
 */
export class ScannedLines {
  readonly #read: LinesRead;
  readonly #log: EventLines;
  /** The run of lines in hand. */
  #run: LineCopies | undefined;
  /** The line that was added last. */
  #last: LogLine | undefined;
  /** Where the scan had it. */
  #lineBytes: Buffer | undefined;

  constructor(read: LinesRead, offset: number) {
    this.#read = read;
    this.#log = readEventLines({
      event: (place) => this.#add(place, microsOf(this.#log.scan)),
      undecidable: (place) => this.#add(place, NO_TIME),
      salvaged: (place) => this.#addSalvaged(place),
      lines: (bytes, from, to, at) => this.#takeRun(bytes, from, to, at),
      oversizePart: (bytes, start, end) => read.pass(bytes, start, end),
      oversize: (line, place) => this.#oversize(line, place),
    });
    this.#log.reset(offset);
  }

  /** Where the line begins that has not been read to its end. */
  get offset(): number {
    return this.#log.offset;
  }

  write(chunk: Buffer): void {
    this.#log.write(chunk);
  }

  end(): void {
    this.#log.end();
  }

  #takeRun(bytes: Buffer, from: number, to: number, offset: number): number | undefined {
    const run = this.#read.copy(bytes, from, to);
    this.#run = run;
    const last = run.start + to - from;
    for (let start = run.start; start < last;) {
      const end = run.bytes.indexOf(NEWLINE, start);
      if (!this.#log.take(run.bytes, start, end, offset + start - run.start)) {
        this.#run = undefined;
        return from + start - run.start;
      }
      start = end + 1;
    }
    this.#run = undefined;
    return undefined;
  }

  /** Adds the line that the scan holds. */
  #add({ offset, lineOffset, standsIn }: InputPlace, micros: number): void {
    const read = this.#read;
    const { bytes, start, end } = this.#log.scan;
    const place = {
      micros: read.time(micros),
      log: read.log,
      offset,
      lineOffset: standsIn === "input" ? undefined : lineOffset,
    };
    this.#last =
      this.#run?.bytes === bytes
        ? { ...place, bytes, start, end, piece: this.#run.piece }
        : { ...place, bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: end - start };
    this.#lineBytes = bytes;
    read.push(this.#last);
  }

  /** Adds the event that the scan holds: it stands in the line added last, or came out of a text in it. */
  #addSalvaged({ offset, lineOffset }: InputPlace): void {
    const { scan } = this.#log;
    const read = this.#read;
    const place = { micros: read.time(microsOf(scan)), log: read.log, offset, lineOffset };
    const length = scan.end - scan.start;
    if (this.#last !== undefined && scan.bytes === this.#lineBytes) {
      const start = this.#last.start + offset - this.#last.offset;
      read.push({ ...this.#last, ...place, start, end: start + length, isSalvaged: true });
    } else {
      const bytes = Buffer.from(scan.bytes.subarray(scan.start, scan.end));
      read.push({ ...place, bytes, start: 0, end: length, isSalvaged: true });
    }
  }

  #oversize(line: OversizeLine, { lineOffset, standsIn }: InputPlace): void {
    const { scan } = this.#log;
    const read = this.#read;
    const bytes = read.reduced(line);
    const end = bytes.length;
    read.push({
      micros: read.time(scan.scan(bytes, 0, end) ? microsOf(scan) : NO_TIME),
      log: read.log,
      offset: line.offset,
      lineOffset: standsIn === "input" ? undefined : lineOffset,
      bytes,
      start: 0,
      end,
      oversizeBytes: line.bytes,
    });
  }
}

function microsOf(scan: EventScan): number {
  const field = scan.has("stageTimestamp") ? "stageTimestamp" : "requestReceivedTimestamp";
  return scan.has(field) ? textMicros(scan.bytes, scan.valueStart(field) + 1, scan.end) : NO_TIME;
}
