import { EventLines, takeRooms, undecidableProblem, WrapperHints } from "@auditsieve/audit/stream";
import type { InputPlace, OversizeLine } from "@auditsieve/audit";
import type { QuietAnswer } from "@auditsieve/detect";
import type { StreamDecision } from "@auditsieve/policy/stream";
import { AlikeLines } from "./alike-lines.ts";
import type { FilterOptions, FilterSummary, OtherPart } from "./filter-options.ts";
import { findForeign } from "../logs/foreign-part.ts";
import { KeptLines } from "./kept-lines.ts";
import { LONG_BYTES, longLineProblem } from "./long-line-problem.ts";
import { RuleCounts } from "./rule-counts.ts";

const NOTHING: Buffer = Buffer.alloc(0);
/** So many bytes behind a line's end tell whether a part begins before it, of which a line's end is one. */
const MAGIC_BYTES = 10;

interface FoundPart extends OtherPart {
  /** The line in which it begins: where that begins, what of it stands before, and how many lines do. */
  readonly lineOffset: number;
  readonly before: Buffer;
  readonly lines: number;
}

/**
 * Keeps, strips or drops the lines of audit logs by a stream policy: kept lines come out byte for byte and in order. A line that
 * cannot be decided is kept. Holds a chunk and a line, whatever the size of the input.
 *
 * @example
 * const loaded = loadStreamPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]");
 * const filter = new Filter({ policy: new StreamPolicy(loaded.rules) });
 * for (const bytes of filter.write(Buffer.from("no event\n"))) process.stdout.write(bytes);
 * for (const bytes of filter.end()) process.stdout.write(bytes);
 * assert.equal(filter.summary().invalid, 1);
 */
export class Filter {
  readonly #options: FilterOptions;
  readonly #log: EventLines;
  readonly #alike: AlikeLines;
  /** Read into these two by turns: what they hold is filtered without being copied. Only one filter of a process has them. */
  readonly rooms: readonly [Buffer, Buffer] | undefined;
  readonly #kept: KeptLines;
  readonly #rules = new RuleCounts();
  readonly #hints = new WrapperHints();
  /** What the watch has said of events like the one in the line in hand. */
  #answer: QuietAnswer | undefined;
  /** What was decided of lines that are like it. */
  #decided: StreamDecision | undefined;
  /** What was decided of the line in hand, if it is an event itself. */
  #decision: StreamDecision | undefined;
  /** Bytes of the input before the chunk in hand, and the chunk. */
  #written = 0;
  #chunk: Buffer = NOTHING;
  #stopsAtParts = false;
  #part: FoundPart | undefined;
  #lines = 0;
  #bytes = 0;
  #invalid = 0;
  #salvaged = 0;
  #stripped = 0;

  constructor(options: FilterOptions) {
    this.#options = options;
    this.#kept = new KeptLines(options.redact);
    this.#log = new EventLines(
      {
        event: (place) => this.#event(place),
        undecidable: (place, salvaged) => this.#unclear(place, salvaged),
        salvaged: () => this.#salvage(),
        lines: (bytes, start, end, offset) =>
          this.#part === undefined ? this.#alike.take(bytes, start, end, offset) : undefined,
        oversize: (line, place) => this.#oversize(line, place),
        oversizePart: (bytes, start, end) => this.#passPart(bytes, start, end),
      },
      options,
    );
    this.#alike = new AlikeLines(options, {
      scan: this.#log.scan,
      kept: this.#kept,
      rules: this.#rules,
      look: (bytes, start, end, offset, answer, decided) => this.#look(bytes, start, end, offset, answer, decided),
      pass: (lines, bytes) => {
        this.#log.pass(lines);
        this.#lines += lines;
        this.#bytes += bytes;
      },
    });
    this.rooms = takeRooms();
  }

  /**
   * Takes the next bytes of an input and gives what is to be written; valid until the next call, and while `chunk` is. `stopsAtParts`: not from where
   * something begins that is no line, see {@link part}.
   */
  write(chunk: Buffer, stopsAtParts = false): readonly Buffer[] {
    this.#stopsAtParts = stopsAtParts;
    this.#chunk = chunk;
    this.#kept.begin(chunk);
    this.#part = undefined;
    this.#log.write(chunk);
    this.#goBack();
    this.#written += chunk.length;
    return this.#kept.take();
  }

  /**
   * What began in what was written last that is no line: a part of an archive, text in UTF-16. It was not taken: what is made of it, and of what stands behind
   * it, is to be written next. Valid until then.
   */
  get part(): OtherPart | undefined {
    return this.#part;
  }

  /** Whether a document is in hand that may go on with the next line. */
  get isInDocument(): boolean {
    return this.#log.isInDocument;
  }

  /** Whether the line in hand is so long that {@link readyForLong} is to be awaited before more is written. */
  get isLineLong(): boolean {
    return this.#log.LongDocument === undefined && this.#log.heldBytes > LONG_BYTES;
  }

  /** Loads what takes the lines out of a document over the limit: without it, such a document is a line too long to be decided. */
  async readyForLong(): Promise<void> {
    this.#log.LongDocument ??= (await import("@auditsieve/audit/long-document")).LongDocument;
  }

  /** The input has ended; the next {@link write} begins another one. `stopsAtParts` as there: then it may go on with what is made of one. */
  end(stopsAtParts = false): readonly Buffer[] {
    this.#stopsAtParts = stopsAtParts;
    this.#kept.begin();
    this.#part = undefined;
    this.#chunk = NOTHING;
    this.#log.end();
    this.#goBack();
    if (this.#part === undefined) {
      this.dropOpenLine();
    }
    return this.#kept.take();
  }

  /** Forgets the beginning of a line whose end has not come, as if it had never been written. */
  dropOpenLine(): void {
    this.#written = 0;
    this.#log.reset();
  }

  /** Lines of the inputs so far, over all of them: an envelope is one, whatever is taken out of it. */
  get lines(): number {
    return this.#log.lines;
  }

  /** What has been counted so far, over all inputs. */
  summary(): FilterSummary {
    this.#alike.drain();
    const kept = this.#kept;
    return {
      lines: this.#lines,
      bytes: this.#bytes,
      kept: kept.lines,
      keptBytes: kept.bytes,
      dropped: this.#lines - kept.lines,
      stripped: this.#stripped,
      invalid: this.#invalid,
      salvaged: this.#salvaged,
      byRule: this.#rules.byRule(),
    };
  }

  /** The line in which the part begins goes on with what is made of it. */
  #goBack(): void {
    if (this.#part !== undefined) {
      this.#log.goBack(this.#part.lineOffset, this.#part.lines);
      this.#log.write(this.#part.before);
    }
  }

  /** Whether something begins in the line that the scan holds that is none, and it is not to be taken. */
  #isOther({ offset, standsIn, terminated }: InputPlace): boolean {
    const { bytes, start, end } = this.#log.scan;
    const at = this.#stopsAtParts && standsIn === "input" ? findForeign(bytes.subarray(start, end + MAGIC_BYTES)) : -1;
    const behind = offset + end - start + (terminated ? 1 : 0) - this.#written;
    if (at === -1 || at >= end - start || behind < 0) {
      return false;
    }
    const line = bytes.subarray(start + at, end + (terminated ? 1 : 0));
    this.#part = {
      offset: offset + at,
      given: Buffer.concat([line, this.#chunk.subarray(behind)]),
      before: Buffer.from(bytes.subarray(start, start + at)),
      lineOffset: offset,
      lines: this.#log.lines - 1,
    };
    return true;
  }

  #look(
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    answer: QuietAnswer | undefined,
    decided: StreamDecision | undefined,
  ): StreamDecision | "not-taken" | undefined {
    this.#answer = answer;
    this.#decided = decided;
    this.#decision = undefined;
    const isTaken = this.#log.take(bytes, start, end, offset);
    this.#answer = undefined;
    this.#decided = undefined;
    return isTaken && this.#part === undefined ? this.#decision : "not-taken";
  }

  /** Takes the event that the scan holds. */
  #event({ standsIn, terminated }: InputPlace): void {
    if (this.#part !== undefined) {
      return;
    }
    const { scan } = this.#log;
    const { bytes, start, end } = scan;
    const { policy, watch } = this.#options;
    const isLine = standsIn === "input";
    this.#lines++;
    this.#bytes += end - start + (terminated ? 1 : 0);
    watch?.event(scan, isLine ? this.#answer : undefined);
    const decision = (isLine ? this.#decided : undefined) ?? policy.decide(scan);
    this.#decision = isLine ? decision : undefined;
    if (decision.action === "keep") {
      this.#kept.add(bytes, start, end, terminated, scan);
    } else if (decision.action === "drop") {
      this.#rules.add(decision, end - start + (terminated ? 1 : 0));
    } else {
      this.#strip(decision, terminated);
    }
  }

  #strip(decision: StreamDecision, terminated: boolean): void {
    const { scan } = this.#log;
    const { level } = scan;
    const length = scan.end - scan.start;
    const stripped = this.#options.policy.strip(scan, decision);
    if (stripped.length !== length || decision.level !== level) {
      this.#stripped++;
      this.#rules.add(decision, length - stripped.length);
    }
    this.#kept.addStripped(stripped, terminated, scan);
  }

  /** Takes the line that the scan holds, which is no event. */
  #unclear(place: InputPlace, salvaged: number): void {
    if (this.#part !== undefined || this.#isOther(place)) {
      return;
    }
    const { lineNumber, offset, terminated } = place;
    const { scan } = this.#log;
    const { bytes, start, end } = scan;
    this.#lines++;
    this.#bytes += end - start + (terminated ? 1 : 0);
    this.#invalid++;
    this.#salvaged += salvaged;
    const problem = undecidableProblem(scan, this.#hints.next(scan));
    this.#options.onProblem?.({ line: lineNumber, offset, problem, salvaged });
    this.#kept.add(bytes, start, end, terminated, undefined);
  }

  /** Of the line that was taken before, which is kept whatever they are. */
  #salvage(): void {
    if (this.#part === undefined) {
      this.#options.watch?.event(this.#log.scan);
    }
  }

  #passPart(bytes: Buffer, start: number, end: number): void {
    if (this.#part === undefined) {
      this.#kept.pass(bytes, start, end);
    }
  }

  #oversize({ offset, bytes, terminated, head }: OversizeLine, { lineNumber }: InputPlace): void {
    if (this.#part !== undefined) {
      return;
    }
    const length = bytes + (terminated ? 1 : 0);
    this.#lines++;
    this.#bytes += length;
    this.#invalid++;
    this.#options.onProblem?.(longLineProblem(lineNumber, offset, bytes, this.#options.maxLineBytes));
    this.#kept.endPassed(length, head);
  }
}
