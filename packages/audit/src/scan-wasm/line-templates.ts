import type { Field } from "../scan-fields.ts";
import type { EventScan } from "../scan.ts";
import { sharedEngine } from "./engine.ts";

// Places in the module's memory and words behind CONTROL (assembly/memory.ts).
const INPUT = 0x8_0000;
const INPUT_BYTES = 0x8_0000;
const FIXED = 0x1000 / 4;
const EVENTS = 0x4000 / 4;
const BYTES_AT = 0x1_0000 + 0x5000;
const RUNS_AT = 0x6_0000;
const LINES = 0;
const KEPT_LINES = 1;
const RUN_COUNT = 2;
const HEAD = 3;
const KEEP = 0x100;
const MAX_VALUES = 256;
/** Longer lines hardly ever come back alike, and learning one costs as much as scanning it. */
const MAX_TEMPLATE_BYTES = 16 * 1024;
const NEWLINE = 10;

/** Where a line's decision comes from, for {@link LineTemplates.learn}. */
export interface DecidedBy {
  readonly fields: readonly Field[];
  /** Behind the part of the requestURI that decides. */
  readonly uriEnd: number;
}

/** There is one memory; who has it last forgets the templates of the others. */
let owner: symbol | undefined;

/**
 * Remembers lines that were proven to be events and decided, and takes further lines that differ from one of them only where
 * nothing decides and where another byte cannot change how the line is read: inside a string, where only plain bytes may stand for
 * plain ones, or in an integer. Such a line is well-formed and decided alike, at the cost of a comparison (3 GB per second). Every
 * byte is compared, so nothing in a log can choose another line's decision. Holds 4 MiB of lines, then starts again.
 */
export class LineTemplates<T extends object> {
  readonly #self = Symbol("LineTemplates");
  readonly #engine = sharedEngine();
  readonly #bytes = new Float64Array(this.#engine.exports.memory.buffer, BYTES_AT, MAX_VALUES);
  readonly #runs = new Uint32Array(this.#engine.exports.memory.buffer, RUNS_AT, 0x1_0000 / 4);
  readonly #numbers = new Map<T, number>();
  #from = 0;
  #to = 0;
  #at = 0;
  #head = 0;

  /** Loads whole lines of `bytes[start, end)`, as many as there is room for. Gives where they end: `start` for a line too long. */
  load(bytes: Buffer, start: number, end: number): number {
    if (owner !== this.#self) {
      owner = this.#self;
      this.#engine.exports.forget();
    }
    const to = end - start <= INPUT_BYTES ? end : bytes.lastIndexOf(NEWLINE, start + INPUT_BYTES - 1) + 1;
    this.#from = start;
    this.#to = Math.max(start, to);
    this.#at = start;
    bytes.copy(this.#engine.memory, INPUT, start, this.#to);
    return this.#to;
  }

  /** Takes lines as long as they are known; gives the position in `bytes` of the first one that is not. */
  take(): number {
    this.#at = this.#engine.exports.takeLines(this.#at - this.#from, this.#to - this.#from) + this.#from;
    this.#head = this.#engine.control[HEAD] as number;
    return this.#at;
  }

  /** Goes on at `at` after a line that was not known. */
  goOn(at: number): void {
    this.#at = at;
  }

  /** Lines that the last {@link take} took. */
  get lines(): number {
    return this.#engine.control[LINES] as number;
  }

  /** Those of them that are kept. */
  get keptLines(): number {
    return this.#engine.control[KEPT_LINES] as number;
  }

  /** Runs of kept bytes that the last {@link take} took. */
  get runs(): number {
    return this.#engine.control[RUN_COUNT] as number;
  }

  runStart(run: number): number {
    return (this.#runs[2 * run] as number) + this.#from;
  }

  runEnd(run: number): number {
    return (this.#runs[2 * run + 1] as number) + this.#from;
  }

  /** Remembers the line that stopped {@link take}, which `scan` holds and for which `value` was decided. */
  learn(scan: EventScan, value: T, isKept: boolean, { fields, uriEnd }: DecidedBy): void {
    const number = this.#numbers.get(value) ?? this.#numbers.size;
    if (this.#head === 0 || scan.end - scan.start > MAX_TEMPLATE_BYTES || number === MAX_VALUES) {
      return;
    }
    this.#numbers.set(value, number);
    const { control, exports } = this.#engine;
    const from = this.#from;
    let fixed = 0;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as Field;
      if (scan.has(field)) {
        control[FIXED + 2 * fixed] = scan.valueStart(field) - from;
        control[FIXED + 2 * fixed + 1] = scan.valueEnd(field) - from;
        fixed++;
      }
    }
    const queryEnd = scan.valueEnd("requestURI") - from;
    const decision = number + (isKept ? KEEP : 0);
    exports.learnLine(scan.start - from, scan.end + 1 - from, this.#head, decision, fixed, uriEnd - from, queryEnd);
  }

  /** Gives for each value the lines taken and their bytes, and counts from zero again. */
  drain(visit: (value: T, events: number, bytes: number) => void): void {
    const { control } = this.#engine;
    for (const [value, number] of this.#numbers) {
      const events = control[EVENTS + number] as number;
      if (events > 0) {
        visit(value, events, this.#bytes[number] as number);
        control[EVENTS + number] = 0;
        this.#bytes[number] = 0;
      }
    }
  }
}
