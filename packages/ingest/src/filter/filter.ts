import {
  beginsDocument,
  EventScan,
  LineFramer,
  LineTemplates,
  salvageEvents,
  takeRooms,
  undecidableProblem,
  unwrapDocument,
  unwrapLine,
} from "@auditsieve/audit/stream";
import type { EndedDocument, LongDocument, OversizeLine, UnwrappedLine } from "@auditsieve/audit";
import { withHead, withKept } from "./event-watch.ts";
import type { QuietAnswer } from "@auditsieve/detect";
import type { FilterOptions, FilterSummary } from "./filter-options.ts";
import { LONG_BYTES, longLineProblem } from "./long-line-problem.ts";
import { RuleCounts } from "./rule-counts.ts";
import { Runs } from "./runs.ts";
import type { StreamDecision } from "@auditsieve/policy/stream";

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
  readonly #framer: LineFramer;
  readonly #scan = new EventScan();
  readonly #templates: LineTemplates<StreamDecision, QuietAnswer>;
  /** Read into these two by turns: what they hold is filtered without being copied. Only one filter of a process has them. */
  readonly rooms: readonly [Buffer, Buffer] | undefined;
  readonly #out = new Runs();
  readonly #rules = new RuleCounts();
  /** Lines inside it stay valid until the next call; others only during the framer's call. */
  #chunk: Buffer | undefined;
  /** What of the watch's answers was looked at last. */
  #epoch: number | undefined;
  #lines = 0;
  /** Lines that were counted of envelopes, beyond the line that each of these is. */
  #surplus = 0;
  /** Whether a document begins with the line in hand, which was not taken. */
  #isBegun = false;
  #firstLine = 0;
  /** What is taken out of an envelope is looked at here: with a newline, as every line. */
  #apart: Buffer = Buffer.alloc(0);
  #LongDocument: typeof LongDocument | undefined;
  #bytes = 0;
  #kept = 0;
  #keptBytes = 0;
  #invalid = 0;
  #salvaged = 0;
  #stripped = 0;

  constructor(options: FilterOptions) {
    this.#options = options;
    this.#templates = new LineTemplates(
      (decision, lines, bytes) => {
        if (decision.action === "drop") {
          this.#rules.add(decision, bytes, lines);
        }
      },
      { isExact: options.verify ?? false },
    );
    this.rooms = takeRooms();
    this.#framer = new LineFramer(
      {
        line: (bytes, start, end, offset, terminated, mayBegin) => {
          this.#line(bytes, start, end, offset, terminated, mayBegin);
          return this.#takeBegun();
        },
        lines: (bytes, start, end, offset) => this.#takeLines(bytes, start, end, offset),
        document: (bytes, start, end, offset) => this.#document(bytes, start, end, offset),
        longDocument: (offset) => this.#longDocument(offset),
        oversize: (line) => this.#oversize(line),
        oversizePart: (bytes, start, end) => this.#passPart(bytes, start, end),
      },
      options,
    );
  }

  /** Takes the next bytes of an input and gives what is to be written; valid until the next call, and while `chunk` is. */
  write(chunk: Buffer): readonly Buffer[] {
    this.#out.clear();
    this.#chunk = chunk;
    this.#framer.write(chunk);
    return this.#out.take();
  }

  /** Whether a document is in hand that may go on with the next line. */
  get isInDocument(): boolean {
    return this.#framer.isInDocument;
  }

  /** Whether the line in hand is so long that {@link readyForLong} is to be awaited before more is written. */
  get isLineLong(): boolean {
    return this.#LongDocument === undefined && this.#framer.heldBytes > LONG_BYTES;
  }

  /** Loads what takes the lines out of a document over the limit: without it, such a document is a line too long to be decided. */
  async readyForLong(): Promise<void> {
    this.#LongDocument ??= (await import("@auditsieve/audit/long-document")).LongDocument;
  }

  /** The input has ended; the next {@link write} begins another one. */
  end(): readonly Buffer[] {
    this.#out.clear();
    this.#framer.end();
    this.dropOpenLine();
    return this.#out.take();
  }

  /** Forgets the beginning of a line whose end has not come, as if it had never been written. */
  dropOpenLine(): void {
    this.#framer.reset(0);
    this.#firstLine = this.lines;
  }

  /** Lines of the inputs so far, over all of them: an envelope is one, whatever is taken out of it. */
  get lines(): number {
    return this.#lines - this.#surplus;
  }

  /** What has been counted so far, over all inputs. */
  summary(): FilterSummary {
    this.#templates.drain();
    return {
      lines: this.#lines,
      bytes: this.#bytes,
      kept: this.#kept,
      keptBytes: this.#keptBytes,
      dropped: this.#lines - this.#kept,
      stripped: this.#stripped,
      invalid: this.#invalid,
      salvaged: this.#salvaged,
      byRule: this.#rules.byRule(),
    };
  }

  /** Whole lines of the chunk: those that are like a line decided before are taken together. */
  #takeLines(bytes: Buffer, start: number, end: number, offset: number): number | undefined {
    const templates = this.#templates;
    this.#options.unredacted?.prepare();
    for (let from = start; from < end;) {
      const to = templates.load(bytes, from, end);
      for (let at = from; at < to;) {
        this.#sync();
        const stop = templates.take();
        this.#takeKnown(bytes, stop - at);
        at = stop;
        const { teller } = templates;
        if (teller !== undefined) {
          this.#options.watch?.tell(teller, templates.told);
        } else if (at < to) {
          const line = at;
          at = this.#takeUnknown(bytes, line, offset + line - start);
          if (this.#takeBegun()) {
            return line;
          }
          templates.goOn(at);
        }
      }
      const line = from;
      from = to > from ? to : this.#takeUnknown(bytes, from, offset + from - start, false);
      if (this.#takeBegun()) {
        return line;
      }
    }
    return undefined;
  }

  #takeBegun(): boolean {
    const isBegun = this.#isBegun;
    this.#isBegun = false;
    return isBegun;
  }

  #sync(): void {
    const epoch = this.#options.watch?.epoch;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#templates.sync();
    }
  }

  #takeKnown(bytes: Buffer, length: number): void {
    const templates = this.#templates;
    const isChunk = bytes === this.#chunk;
    this.#lines += templates.lines;
    this.#bytes += length;
    this.#kept += templates.keptLines;
    const { memory, keptStart, keptEnd } = templates;
    this.#keptBytes += keptEnd - keptStart;
    if (isChunk && bytes.buffer === memory.buffer) {
      this.#out.add(bytes, keptStart - bytes.byteOffset, keptEnd - bytes.byteOffset);
    } else {
      this.#out.copy(memory, keptStart, keptEnd);
    }
  }

  /** One line; gives where the next one begins. */
  #takeUnknown(bytes: Buffer, start: number, offset: number, isLoaded = true): number {
    const end = bytes.indexOf(10, start);
    const answer = isLoaded ? this.#templates.standing : undefined;
    const decision = this.#line(bytes, start, end, offset, true, true, answer);
    if (isLoaded && decision !== undefined && decision.action !== "strip" && this.#templates.isLearnable) {
      this.#learn(decision);
    }
    return end + 1;
  }

  /** Has lines like the one in hand taken together, where they come out as they are, or not at all. */
  #learn(decision: StreamDecision): void {
    const { policy, redact, unredacted, watch } = this.#options;
    const scan = this.#scan;
    const isKept = decision.action === "keep";
    const isSearched = isKept && redact !== undefined;
    const standing = watch?.unwanted(scan);
    if (watch !== undefined && standing === undefined) {
      return;
    }
    const kept = isSearched ? unredacted?.about(scan) : [];
    if (kept === undefined) {
      return;
    }
    let by = policy.decidedBy(scan);
    by = standing === undefined ? by : withHead(by, scan, standing, watch?.unasked?.(scan));
    by = isSearched ? withKept(by, kept) : by;
    this.#templates.learn(scan, decision, { isKept, isSearched, standing, isTold: standing?.tells !== undefined }, by);
  }

  /** With an `answer` of the watch about events like the one in the line, if that is known. */
  #line(
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    terminated: boolean,
    mayBegin = false,
    answer?: QuietAnswer,
  ): StreamDecision | undefined {
    const scan = this.#scan;
    const isEvent = scan.scan(bytes, start, end);
    if (!isEvent && mayBegin && beginsDocument(scan)) {
      this.#isBegun = true;
      return undefined;
    }
    const unwrapped = isEvent || bytes === this.#apart ? undefined : unwrapLine(scan);
    if (unwrapped !== undefined) {
      return this.#unwrapped(unwrapped, offset - start);
    }
    const behind = terminated ? end + 1 : end;
    this.#lines++;
    this.#bytes += behind - start;
    if (!isEvent) {
      this.#invalid++;
      const problem = undecidableProblem(scan);
      const salvaged = this.#salvage(bytes);
      this.#options.onProblem?.({ line: this.lines - this.#firstLine, offset, problem, salvaged });
      this.#keep(bytes, start, end, terminated, false);
      return undefined;
    }
    this.#options.watch?.event(scan, answer);
    const decision = this.#options.policy.decide(scan);
    if (decision.action === "keep") {
      this.#keep(bytes, start, end, terminated, true);
    } else if (decision.action === "drop") {
      this.#rules.add(decision, behind - start);
    } else {
      this.#strip(decision, terminated);
    }
    return decision;
  }

  /** A document over lines. */
  #document(bytes: Buffer, start: number, end: number, offset: number): boolean {
    const lines = unwrapDocument(bytes, start, end);
    if (lines !== undefined) {
      this.#unwrapped(lines, offset - start);
      for (let at = bytes.indexOf(10, start); at !== -1 && at < end; at = bytes.indexOf(10, at + 1)) {
        this.#surplus--;
      }
    }
    return lines !== undefined;
  }

  /** A document that is too long to be held: its lines are taken as if they stood there instead of it. */
  #longDocument(offset: number): LongDocument | undefined {
    const visitor = {
      line: (bytes: Buffer, start: number, end: number, at: number): void => {
        this.#surplus++;
        this.#line(bytes, start, end, at, true);
      },
      oversize: (line: OversizeLine): void => {
        this.#surplus++;
        this.#oversize(line);
      },
      oversizePart: (bytes: Buffer, start: number, end: number): void => this.#passPart(bytes, start, end),
      end: ({ lines }: EndedDocument): void => void (this.#surplus -= lines - 1),
    };
    this.#surplus -= this.#LongDocument === undefined ? 0 : 1;
    return this.#LongDocument && new this.#LongDocument(offset, visitor, this.#options.maxLineBytes);
  }

  /** Of a line over the limit. */
  #passPart(bytes: Buffer, start: number, end: number): void {
    if (this.#options.redact === undefined) {
      this.#out.copy(bytes, start, end);
    }
  }

  /** Takes the lines that stand in one: as if they stood there instead of it. */
  #unwrapped(lines: readonly UnwrappedLine[], before: number): undefined {
    this.#surplus--;
    for (const { bytes, start, end, at } of lines) {
      const length = end - start;
      if (this.#apart.length <= length) {
        this.#apart = Buffer.allocUnsafeSlow(2 * length + 1);
      }
      bytes.copy(this.#apart, 0, start, end);
      this.#apart[length] = NEWLINE[0] as number;
      this.#surplus++;
      this.#line(this.#apart, 0, length, before + at, true);
    }
  }

  /** Shows the whole events of the line in hand, which is none, to who watches: it is kept whatever they are. */
  #salvage(bytes: Buffer): number {
    const scan = this.#scan;
    const events = salvageEvents(scan);
    this.#salvaged += events.length;
    for (const { start, end } of this.#options.watch === undefined ? [] : events) {
      scan.scan(bytes, start, end);
      this.#options.watch?.event(scan);
    }
    return events.length;
  }

  #strip(decision: StreamDecision, terminated: boolean): void {
    const scan = this.#scan;
    const length = scan.end - scan.start;
    const level = scan.level;
    const stripped = this.#options.policy.strip(scan, decision);
    if (stripped.length !== length || decision.level !== level) {
      this.#stripped++;
      this.#rules.add(decision, length - stripped.length);
    }
    this.#keep(stripped, 0, stripped.length, false, true);
    this.#endLine(terminated);
  }

  #keep(bytes: Buffer, start: number, end: number, terminated: boolean, isDecidable: boolean): void {
    const { redact } = this.#options;
    const behind = terminated ? end + 1 : end;
    this.#kept++;
    const given = redact === undefined ? bytes : bytes.subarray(start, end);
    const line = redact?.(given, isDecidable ? this.#scan : undefined) ?? bytes;
    if (line === given) {
      this.#keptBytes += behind - start;
      this.#out[bytes === this.#chunk ? "add" : "copy"](bytes, start, behind);
      return;
    }
    this.#keptBytes += line.length;
    this.#out.copy(line, 0, line.length);
    this.#endLine(terminated);
  }

  #oversize({ offset, bytes, terminated, head }: OversizeLine): void {
    this.#lines++;
    this.#invalid++;
    this.#kept++;
    const length = bytes + (terminated ? 1 : 0);
    this.#bytes += length;
    const { redact, onProblem, maxLineBytes } = this.#options;
    onProblem?.(longLineProblem(this.lines - this.#firstLine, offset, bytes, maxLineBytes));
    if (redact === undefined) {
      this.#keptBytes += length;
      return;
    }
    const kept = redact(head, undefined);
    this.#keptBytes += kept.length;
    this.#out.copy(kept, 0, kept.length);
    // What follows may be a line of its own all the same.
    this.#endLine(true);
  }

  #endLine(terminated: boolean): void {
    this.#keptBytes += terminated ? 1 : 0;
    this.#out.copy(NEWLINE, 0, terminated ? 1 : 0);
  }
}

const NEWLINE = Buffer.from("\n");
