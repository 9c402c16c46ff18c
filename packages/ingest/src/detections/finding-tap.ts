import type { AuditEvent, Redactor, Span, ToldLine } from "@auditsieve/audit";
import { EventScan } from "@auditsieve/audit/stream";
import { ShownEvent } from "@auditsieve/detect";
import type { Detection, Finding, FindingStream, HeadView, QuietAnswer, ShowEvent, Wanted } from "@auditsieve/detect";
import type { EventWatch } from "./event-watch.ts";
import { HeadMemo } from "./head-memo.ts";
import { scanHead } from "./scan-head.ts";
import { hasNullOutsideBodies, scannedEvent } from "./scanned-event.ts";
import { isWanted, keepSharedHead, sharedHeadOf, toldEvent } from "./told-event.ts";
import type { SharedHead } from "./told-event.ts";
import { UnaskedAnnotations } from "./unasked-annotations.ts";

/** A line whose event is pushed. */
type PushedLine = Pick<ToldLine, "bytes" | "length">;

type ShowLine = (line: Buffer, read?: AuditEvent, held?: EventScan) => ShownEvent | undefined;

/** The line of an event that is pushed: its `show` is one for all that nobody shows later. */
class LineInHand {
  readonly #showLine: ShowLine;
  #line: PushedLine | string = "";
  #event: AuditEvent | undefined;
  #scan: EventScan | undefined;
  #shown: ShownEvent | undefined;

  constructor(showLine: ShowLine) {
    this.#showLine = showLine;
  }

  readonly show: ShowEvent = () =>
    typeof this.#line === "string"
      ? this.#showLine(Buffer.from(this.#line, "latin1"))
      : // Several detections may find something in one event, and all of them show the same.
        (this.#shown ??= this.#showLine(this.#line.bytes, this.#event, this.#scan));

  take(lent: PushedLine, event: AuditEvent, scan: EventScan | undefined): void {
    this.#line = lent;
    this.#event = event;
    this.#scan = scan;
    this.#shown = undefined;
  }

  /** For who shows it later, and need not hold it meanwhile: no more is held than the line as text. */
  keep({ bytes }: PushedLine): void {
    // No piece of the memory that short buffers share: it would be held as a whole, and there may be very many.
    this.#line = bytes.toString("latin1");
    this.#event = undefined;
    this.#scan = undefined;
    this.#shown = undefined;
  }
}

/**
 * Runs detections beside whatever else is done with a stream of lines: each scanned event is shown to it, and findings come out
 * with their events redacted. Only an event that its head does not rule out is parsed.
 *
 * @example
 * const tap = new FindingTap(new FindingStream(engine), redactor, (finding) => console.log(finding.summary));
 * if (scan.scan(line, 0, line.length)) tap.event(scan);
 * tap.end();
 */
export class FindingTap implements EventWatch {
  readonly #stream: FindingStream;
  readonly #redactor: Redactor;
  readonly #onFinding: (finding: Finding) => void;
  /** For lines that are shown when another one is in hand. */
  readonly #shown = new EventScan();
  readonly #unasked: UnaskedAnnotations;
  #scan: EventScan | undefined;
  #head: HeadView | undefined;
  #mayBeUnwanted = false;
  #told: ToldLine | undefined;
  /** That of the last event, unless that may be shown later: then it is the event's own. */
  #inHand: LineInHand | undefined;
  /** One for all lines that tell of a change. */
  readonly #wholeTold = (): AuditEvent | undefined => this.#told && this.#whole(this.#told.bytes);

  constructor(stream: FindingStream, redactor: Redactor, onFinding: (finding: Finding) => void) {
    this.#stream = stream;
    this.#unasked = new UnaskedAnnotations((key) => stream.asksAnnotation(key));
    this.#redactor = redactor;
    this.#onFinding = onFinding;
  }

  /** Looks at the event last scanned by `scan`, before anything is cut from it. */
  event(scan: EventScan, answer?: QuietAnswer): void {
    if (this.#scan !== scan) {
      this.#scan = scan;
      this.#head = scanHead(scan, new HeadMemo(scan, undefined, this.#unasked));
    }
    if (answer?.stands === true && (answer.tells === undefined || isWanted(answer.tells))) {
      this.#answered(scan, answer.tells);
      return;
    }
    const candidates = this.#head === undefined ? [] : this.#stream.candidates(this.#head);
    this.#mayBeUnwanted = this.#stream.quiet.isPossible(candidates);
    if (candidates.length === 0) {
      return;
    }
    const line = scan.bytes.subarray(scan.start, scan.end);
    const event = scannedEvent(scan, line, this.#head);
    this.#push({ bytes: line, length: line.length }, event, candidates, scan);
  }

  /** Does with the event what an answer says, without asking its head. */
  #answered(scan: EventScan, wanted: Wanted | undefined): void {
    this.#mayBeUnwanted = false;
    if (wanted !== undefined) {
      const line = scan.bytes.subarray(scan.start, scan.end);
      const event = scannedEvent(scan, line, this.#head, sharedHeadOf(wanted));
      this.#push({ bytes: line, length: line.length }, event, wanted, scan);
    }
  }

  /** Pushes an event that is wanted, or has these candidates. The line is the caller's: it is copied for what is shown later. `scan` holds it, if any does. */
  #push(lent: PushedLine, event: AuditEvent, of: Wanted | readonly Detection[], scan?: EventScan): void {
    const inHand = (this.#inHand ??= new LineInHand(this.#showLine));
    inHand.take(lent, event, scan);
    const { show } = inHand;
    const findings =
      "kept" in of
        ? this.#stream.pushWanted(of, event, show, lent.length)
        : this.#stream.push(event, show, of, lent.length);
    findings.forEach(this.#onFinding);
    if (this.#stream.holdsLast) {
      inHand.keep(lent);
      this.#inHand = undefined;
    }
  }

  /**
   * With the event that was read from it and the scan that holds it, as long as these can be asked. Undefined where it is none: a line that is told
   * is only proven to be one here.
   */
  readonly #showLine: ShowLine = (line, read, held) => {
    const scan = held ?? this.#shown;
    if (held === undefined && !scan.scan(line, 0, line.length)) {
      return undefined;
    }
    const redacted = this.#redactor.redactScanned(scan, line);
    return ShownEvent.ofJson(redacted.toString("utf8"), redacted === line ? read : undefined);
  };

  unwanted(scan: EventScan): QuietAnswer | undefined {
    const head = this.#scan === scan ? this.#head : undefined;
    if (!this.#mayBeUnwanted || head === undefined) {
      return undefined;
    }
    const answer = this.#stream.quiet.about(head);
    if (answer === undefined || !isWanted(answer.tells)) {
      return answer;
    }
    // That something is null is not seen in a head.
    const line = scan.bytes.subarray(scan.start, scan.end);
    if (hasNullOutsideBodies(scan, line)) {
      return undefined;
    }
    keepSharedHead(answer.tells, head);
    return answer;
  }

  unasked(scan: EventScan): readonly Span[] {
    return this.#unasked.of(scan);
  }

  tell({ tells }: QuietAnswer, line: ToldLine): void {
    if (tells === undefined) {
      return;
    }
    if (isWanted(tells)) {
      const event = toldEvent(line, sharedHeadOf(tells) as SharedHead) ?? this.#whole(line.bytes);
      if (event !== undefined) {
        this.#push(line, event, tells);
      }
      return;
    }
    this.#told = line;
    this.#stream.tell(tells, line, this.#wholeTold).forEach(this.#onFinding);
  }

  /** The event of a line that nobody has scanned. */
  #whole(line: Buffer): AuditEvent | undefined {
    const scan = this.#shown;
    return scan.scan(line, 0, line.length) ? scannedEvent(scan, line) : undefined;
  }

  get epoch(): number {
    return this.#stream.quiet.epoch;
  }

  /** The input has ended: findings that waited for a later stage of their request come out. */
  end(): void {
    for (const findings of this.#stream.flushing()) {
      findings.forEach(this.#onFinding);
    }
  }
}
