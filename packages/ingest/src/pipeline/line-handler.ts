import { documentId, EventScan, isHeadFirst, WrapperHints } from "@auditsieve/audit";
import type { EventLines, OversizeLine } from "@auditsieve/audit";
import type { Finding } from "@auditsieve/detect";
import type { StreamDecision } from "@auditsieve/policy";
import type { Mark } from "../state/detection-state.ts";
import type { Held } from "../lines/ack-window.ts";
import { InputLines } from "./input-lines.ts";
import type { InputLinesParts } from "./input-lines.ts";
import type { LikeDelivered } from "./known-lines.ts";
import { LineCounts } from "./line-counts.ts";
import { LineDeliveries } from "../lines/line-deliveries.ts";
import { LineFindings } from "./line-findings.ts";
import { LineInHand } from "./line-in-hand.ts";
import { LineOutput } from "./line-output.ts";
import { LineSlab } from "./line-slab.ts";
import { LongLines } from "./long-lines.ts";
import { PassedLines } from "./passed-lines.ts";
import type { SeenLine } from "./passed-lines.ts";
import { ReceiptBook } from "../receipts/receipt-book.ts";
import { ReceiptRanges } from "../receipts/receipt-ranges.ts";
import { AlarmWatch } from "../alarms/alarm-watch.ts";
import type { HandledLine as Line, LineHandlerOptions } from "./line-handler-options.ts";
import { reducedEvent } from "../detections/reduced-event.ts";
import type { Delivery } from "../sink.ts";
import type { PipelineTally } from "../lines/tally.ts";
import { isTimestamp } from "../timestamp.ts";

function isKept(decision: StreamDecision | undefined): boolean {
  return decision === undefined || decision.action === "keep";
}

/** What becomes of one line: decided per sink, looked at by the detections, stripped, redacted and handed on. */
export class LineHandler {
  /** What is summarised of what was dropped. */
  readonly receipts: ReceiptRanges;
  readonly #options: LineHandlerOptions;
  readonly #scan = new EventScan();
  readonly #hints = new WrapperHints();
  readonly #findings: LineFindings;
  readonly #long: LongLines;
  readonly #watch: AlarmWatch;
  readonly #deliveries: LineDeliveries;
  readonly #slab = new LineSlab();
  readonly #hand: LineInHand;
  readonly #counts: LineCounts;
  readonly #out: LineOutput;
  /** Of the line in hand, by outlet. */
  readonly #decisions: (StreamDecision | undefined)[] = [];
  #input = "";
  #newest: string | undefined;
  #isEvent = false;
  /** Whether the line in hand is an event itself, of which nothing may have gone to any sink. */
  #isDroppable = false;
  readonly #passed: PassedLines;
  readonly #inputParts: InputLinesParts;
  /** For the receipts of the last line. */
  readonly #holdLast = (): Held => this.#options.window.hold(this.#input, this.receipts.lastEnd, this.bytes, true);
  /** Of the last of several lines, whose bytes may be gone. */
  #time: string | undefined;

  constructor(options: LineHandlerOptions) {
    this.#options = options;
    const { outlets, cutAfter, countedUntil } = options;
    this.receipts = new ReceiptRanges({
      books: () =>
        options.receipts === true ? outlets.map(({ to }) => new ReceiptBook({ ...options, sink: to.sink.name })) : [],
      cutAfter: cutAfter ?? (() => Infinity),
      countedUntil: (input, outlet, offset) =>
        countedUntil?.(input, outlets[outlet]?.to.sink.name ?? "", offset) ?? offset,
      deliver: (range, outlet) => this.#out.receipts(range, outlet),
    });
    this.#watch = new AlarmWatch({ ...options, memory: options.watched });
    this.#deliveries = new LineDeliveries(options);
    this.#hand = new LineInHand(options);
    this.#findings = new LineFindings(options, {
      scan: this.#scan,
      watch: this.#watch,
      deliveries: this.#deliveries,
      line: this.#hand,
    });
    this.#counts = new LineCounts(options);
    this.#out = new LineOutput(options, {
      deliveries: this.#deliveries,
      evidence: this.#findings.evidence,
      watch: this.#watch,
      read: this.#counts.read,
    });
    this.#long = new LongLines(options.sealLine);
    this.#inputParts = {
      scan: this.#scan,
      window: options.window,
      counts: this.#counts,
      deliveries: this.#deliveries,
      receipts: this.receipts,
      maxLineBytes: options.maxLineBytes,
      count: (offset, bytes, terminated, lines) => this.#count(offset, bytes, terminated, lines),
      takeEvent: (line, isItself) => this.#takeEvent(line, isItself),
      takeUndecidable: (line, salvaged) => this.#takeUndecidable(line, salvaged),
      takeSalvaged: (line) => this.#takeSalvaged(line),
      takeOversize: (long, line) => this.#oversize(long, line),
      oversizePart: (bytes, start, end) => this.#long.push(this.#input, bytes, start, end),
      noteEnvelope: (isBehind) => this.#noteEnvelope(isBehind),
      takeLines: (log, bytes, start, end, offset) => this.#takeLines(log, bytes, start, end, offset),
    };
    this.#passed = new PassedLines(options, {
      scan: this.#scan,
      findings: this.#findings,
      receipts: this.receipts,
      counts: this.#counts,
      begin: (offset, bytes) => this.#count(offset, bytes, true),
      cover: (line) => this.#counts.cover(this.#input, line),
      hold: this.#holdLast,
    });
  }

  /** The next line is one of `input`; when that is new, at `offset`. */
  begin(input: string, offset: number): void {
    this.#input = input;
    this.#findings.begin(input);
    this.#out.begin(input);
    this.receipts.begin(input, offset);
  }

  /** Takes the lines of an input from `offset` on, as its bytes are written there; {@link LineHandler.begin} says of which they are. */
  read(input: string, offset: number): EventLines {
    return new InputLines(this.#inputParts, input, offset).log;
  }

  /** Stands for what the detections remember behind the last line; the same value as before when nothing has changed. */
  get remembers(): unknown {
    return this.#findings.remembers;
  }

  /** What the detections remember behind the last line, to be kept; undefined when it is too large. */
  encodeRemembered(): Mark | undefined {
    return this.#findings.encode(this.receipts.ends);
  }

  /** Tells the detections the time although no line says it. */
  advance(timestamp: string, isLive: boolean): void {
    if (this.#counts.read.lines > 0) {
      this.#out.findings(this.#findings.advance(timestamp, isLive), this.#behindLast());
    }
  }

  /** The input in hand has ended, and its receipts with it. */
  finish(): void {
    this.#findings.finish();
    this.receipts.finish();
  }

  /** No line follows: findings that waited for a later stage of their request are written. */
  end(): void {
    if (this.#counts.read.lines > 0) {
      this.#out.findings(this.#findings.flush(), this.#behindLast());
    }
  }

  #behindLast(): Line {
    const { lastEnd } = this.receipts;
    return { offset: lastEnd, end: lastEnd, bytes: 0 };
  }

  /** Time of the last event; to be asked for after a chunk, not after a line. */
  get newest(): string | undefined {
    return this.#newest;
  }

  /** A chunk is done. */
  noteNewest(): void {
    const time = this.#isEvent ? this.#timeInHand() : this.#time;
    if (isTimestamp(time)) {
      this.#newest = time;
      this.#findings.note(time);
    }
    this.#isEvent = false;
    this.#time = undefined;
  }

  /** Bytes of the lines so far. */
  get bytes(): number {
    return this.#counts.read.bytes;
  }

  counts(): Omit<PipelineTally, "source" | "unacknowledged" | "acknowledged" | "sinks"> {
    return { ...this.#counts.read, ...this.#findings.counts() };
  }

  /** Lines like one that was dropped are counted without being scanned. */
  #takeLines(log: EventLines, bytes: Buffer, start: number, end: number, offset: number): number | undefined {
    const passed = this.#passed.take(bytes, start, end, offset, (from, newline, at) =>
      log.take(bytes, from, newline, at) ? this.#seen(bytes, from, newline) : "not-taken",
    );
    this.#time = passed ?? (this.#isEvent ? this.#timeInHand() : undefined);
    this.#isEvent = false;
    return this.#passed.stoppedAt;
  }

  /** Undefined where the scan holds something else by now: what was tried as an event, and not taken. */
  #timeInHand(): string | undefined {
    return this.#scan.reason === undefined ? this.#scan.text("stageTimestamp") : undefined;
  }

  /** What became of the line `bytes[start, end)`, if it was an event itself. */
  #seen(bytes: Buffer, start: number, end: number): SeenLine | undefined {
    if (this.#isDroppable && !this.#out.hasDelivered) {
      return this.#decisions;
    }
    const scan = this.#scan;
    const isHeld = scan.bytes === bytes && scan.start === start && scan.end === end;
    return this.#isEvent && isHeld ? "delivered" : undefined;
  }

  /** An envelope is no event itself, whatever comes out of it. */
  #noteEnvelope(isBehind: boolean): void {
    if (isBehind) {
      this.#isDroppable = false;
    } else {
      this.#isEvent = false;
    }
  }

  /** A line is in hand. */
  #begin(isEvent: boolean): void {
    this.#isEvent = isEvent;
    this.#isDroppable = isEvent;
    this.#out.hasDelivered = false;
    this.#time = undefined;
  }

  #takeEvent(line: Line, isItself: boolean): void {
    const { bytes, start, end } = this.#scan;
    this.#begin(true);
    const { like } = this.#passed;
    const isKnown = isItself && like !== undefined && isHeadFirst(this.#scan);
    this.#event(bytes.subarray(start, end), line, isKnown ? like : undefined);
  }

  /** Costs one record and an alarm. Delivered to every sink: what was not read as a whole proves nothing that may drop it. */
  #oversize(long: OversizeLine, line: Line): void {
    const { source, cluster, idKey, window } = this.#options;
    this.receipts.endBefore(long.offset, undefined);
    const id = documentId(idKey, cluster, Buffer.from(`oversize ${long.bytes} ${long.sha256}`));
    const { tail, sealed } = this.#long.take(this.#input);
    const event = reducedEvent(long, tail.take());
    const keep = sealed?.end();
    const held = window.hold(this.#input, line.end, this.bytes);
    const place = { source, input: this.#input, offset: line.offset, bytes: long.bytes };
    const quarantined = { id, ...place, sha256: long.sha256, ...(keep && { isSealed: true }) };
    this.#options.quarantine(quarantined, () => window.settle(held), keep && (() => keep(id)));
    this.#options.onLineAlarm?.({ kind: "oversize", ...place, reason: "over-the-limit" });
    if (event !== undefined && this.#scan.scan(event, 0, event.length)) {
      this.#counts.is("reduced");
      const findings = this.#found(event, id);
      const { held } = this.#findings;
      this.#findings.evidence.delete(id);
      this.#options.outlets.forEach((_, i) => held?.goesTo(i));
      this.#out.toAll(this.#deliveries.event(this.#scan, event, id), line);
      this.#out.findings(findings, line);
    } else {
      this.#counts.is("undecidable");
      this.#out.toAll(this.#deliveries.undecidable(long.head, id, place, "over-the-limit"), line);
    }
    this.#counts.cover(this.#input, line);
  }

  #count(offset: number, bytes: number, terminated: boolean, lines = 1): Line {
    this.#counts.begin(bytes, lines);
    this.#deliveries.begin(this.bytes);
    const end = offset + bytes + (terminated ? 1 : 0);
    this.receipts.lastEnd = end;
    return { offset, end, bytes };
  }

  #event(bytes: Buffer, line: Line, like: LikeDelivered | undefined): void {
    const scan = this.#scan;
    const { outlets, onEvent } = this.#options;
    onEvent?.(scan);
    // All ask before anything is done: a finding overrules what a policy says.
    for (let i = 0; i < outlets.length; i++) {
      const { feed, policy } = (outlets[i] as (typeof outlets)[number]).to;
      this.#decisions[i] = feed === "kept" ? policy?.decide(scan) : undefined;
    }
    const hand = this.#hand;
    hand.begin(bytes);
    let whole: Delivery | undefined;
    let lasting: Delivery | undefined;
    const findings = this.#find(like);
    const { held } = this.#findings;
    const evidence = hand.knownId === undefined ? undefined : this.#findings.evidence.get(hand.knownId);
    for (let i = 0; i < outlets.length; i++) {
      const { to, counter, prepares } = outlets[i] as (typeof outlets)[number];
      const decision = this.#decisions[i];
      const isFed = to.feed === "all" || (to.feed === "kept" && isKept(decision));
      if (evidence !== undefined || isFed) {
        held?.goesTo(i);
        whole ??= evidence
          ? this.#deliveries.evidence(evidence)
          : this.#deliveries.event(scan, hand.bytes, hand.id(), like?.isUnredacted);
        if (prepares === true) {
          // What was not redacted is still the line itself.
          this.#out.deliver(i, whole, line, "lines", !isFed, whole.document === hand.bytes ? scan : undefined);
        } else {
          lasting ??= whole.document === bytes ? { ...whole, document: this.#slab.copy(bytes) } : whole;
          this.#out.deliver(i, lasting, line, "lines", !isFed);
        }
      } else if (decision?.action === "strip" && to.policy !== undefined) {
        this.#counts.in(counter.strip());
        this.#out.deliver(
          i,
          this.#deliveries.stripped(scan, to.policy.strip(scan, decision), hand.id()),
          line,
          "lines",
        );
      } else {
        this.#counts.in(counter.drop(decision ?? "feed", line.bytes));
        const rule = decision === undefined ? "feed" : decision.rule;
        this.receipts.add(i, this.#scan, rule, line.offset, this.#holdLast);
      }
    }
    if (evidence !== undefined) {
      this.#findings.evidence.delete(hand.id());
    }
    this.#out.findings(findings, line);
  }

  /** What the event that the scan holds completes; nobody else writes its bytes. */
  #found(event: Buffer, id: string): readonly Finding[] {
    this.#hand.begin(event, id);
    return this.#find();
  }

  #find(like?: LikeDelivered): readonly Finding[] {
    return this.#findings.find(this.receipts.lastEnd, this.bytes, like);
  }

  /** The line that the scan holds is no event. */
  #takeUndecidable(line: Line, salvaged: number): void {
    const { cluster, idKey, source } = this.#options;
    const { bytes, start, end, reason = "not-json" } = this.#scan;
    this.#begin(false);
    const copy = Buffer.from(bytes.subarray(start, end));
    this.#counts.is("undecidable");
    const place = { source, input: this.#input, offset: line.offset, bytes: line.bytes };
    const hint = this.#hints.next(this.#scan);
    this.#options.onLineAlarm?.({
      kind: "undecidable",
      ...place,
      reason,
      salvaged,
      ...(hint !== undefined && { hint }),
    });
    this.#out.toAll(this.#deliveries.undecidable(copy, documentId(idKey, cluster, copy), place, reason), line);
  }

  /** A whole event in a line that is none. No policy drops it: of what was damaged nothing proves that it is noise. */
  #takeSalvaged(line: Line): void {
    const { outlets, idKey, cluster, onEvent } = this.#options;
    const event = Buffer.from(this.#scan.bytes.subarray(this.#scan.start, this.#scan.end));
    this.#counts.is("salvaged");
    this.#scan.scan(event, 0, event.length);
    onEvent?.(this.#scan);
    const id = documentId(idKey, cluster, event);
    const findings = this.#found(event, id);
    const { held } = this.#findings;
    const evidence = this.#findings.evidence.get(id);
    const whole = evidence ? this.#deliveries.evidence(evidence) : this.#deliveries.event(this.#scan, event, id);
    outlets.forEach(({ to: { feed, policy } }, i) => {
      const decision = feed === "kept" ? policy?.decide(this.#scan) : undefined;
      if (evidence === undefined && decision?.action === "strip" && policy !== undefined) {
        const rest = policy.strip(this.#scan, decision);
        this.#out.deliver(i, this.#deliveries.stripped(this.#scan, rest, id), line, "salvaged");
      } else if (feed !== "findings") {
        held?.goesTo(i);
        this.#out.deliver(i, whole, line, "salvaged", decision?.action === "strip");
      } else if (evidence !== undefined) {
        held?.goesTo(i);
        this.#out.deliver(i, whole, line, "findings", true);
      }
    });
    this.#findings.evidence.delete(id);
    this.#out.findings(findings, line);
  }
}
