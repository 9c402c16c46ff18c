import { readEventLines } from "@auditsieve/audit";
import type {
  EndedDocument,
  EventLines,
  EventLineVisitor,
  EventScan,
  InputPlace,
  OversizeLine,
} from "@auditsieve/audit";
import type { AckWindow } from "../lines/ack-window.ts";
import type { LineCounts } from "./line-counts.ts";
import type { LineDeliveries } from "../lines/line-deliveries.ts";
import type { HandledLine } from "./line-handler-options.ts";
import type { ReceiptRanges } from "../receipts/receipt-ranges.ts";

/** What the lines of an input are counted with, and who takes them. */
export interface InputLinesParts {
  readonly scan: EventScan;
  readonly window: AckWindow;
  readonly counts: LineCounts;
  readonly deliveries: LineDeliveries;
  readonly receipts: ReceiptRanges;
  /** Counts a line of the input as the one in hand; or an envelope, with so many lines in it. */
  readonly count: (offset: number, bytes: number, terminated: boolean, lines: number) => HandledLine;
  /** Takes the event that the scan holds; `isItself`: it is a line of the input. */
  readonly takeEvent: (line: HandledLine, isItself: boolean) => void;
  /** Takes the line that the scan holds, which is none, and of which so many are salvaged. */
  readonly takeUndecidable: (line: HandledLine, salvaged: number) => void;
  /** Takes one of these. */
  readonly takeSalvaged: (line: HandledLine) => void;
  readonly takeOversize: (long: OversizeLine, line: HandledLine) => void;
  readonly oversizePart: (bytes: Buffer, start: number, end: number) => void;
  /** Called before the lines of an envelope, and behind them. */
  readonly noteEnvelope: (isBehind: boolean) => void;
  /** Takes whole lines; see {@link EventLineVisitor.lines}. */
  readonly takeLines: (
    log: EventLines,
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
  ) => number | undefined;
  readonly maxLineBytes?: number | undefined;
}

/**
 * The lines of one input, whatever they stand in, on their way to who takes them. Those out of an envelope are taken as if they stood there
 * instead of it; acknowledged are all of them, at its end, or none. Those of a document that is too long to be held are taken as they come,
 * and acknowledged only with its end, for it can be read again only from its beginning; the bytes around its records count with its end.
 */
export class InputLines implements EventLineVisitor {
  readonly log: EventLines;
  readonly #parts: InputLinesParts;
  readonly #input: string;
  /** The line in hand; of one that is damaged, the one that its events stand in. */
  #line: HandledLine = { offset: 0, end: 0, bytes: 0 };
  #salvagedLeft = 0;
  #envelope: HandledLine = this.#line;
  #envelopeLines = 0;
  /** Of the document in hand: bytes that count already, and whether an earlier run may have delivered some of it. */
  #document = { counted: 0, isLookingBack: false };

  constructor(parts: InputLinesParts, input: string, offset: number) {
    this.#parts = parts;
    this.#input = input;
    this.log = readEventLines(this, parts);
    this.log.reset(offset);
  }

  event(place: InputPlace): void {
    this.#parts.takeEvent(this.#begin(place, true), place.standsIn === "input");
    this.#cover(place);
  }

  undecidable(place: InputPlace, salvaged: number): void {
    this.#salvagedLeft = salvaged;
    this.#parts.takeUndecidable(this.#begin(place, false), salvaged);
    if (salvaged === 0) {
      this.#cover(place);
    }
  }

  salvaged(place: InputPlace): void {
    this.#parts.takeSalvaged({ ...this.#line, offset: place.offset });
    if (--this.#salvagedLeft === 0) {
      this.#cover(place);
    }
  }

  lines(bytes: Buffer, start: number, end: number, offset: number): number | undefined {
    return this.#parts.takeLines(this.log, bytes, start, end, offset);
  }

  oversizePart(bytes: Buffer, start: number, end: number): void {
    this.#parts.oversizePart(bytes, start, end);
  }

  oversize(long: OversizeLine, { standsIn }: InputPlace): void {
    const { offset, bytes, terminated } = long;
    const isItself = standsIn === "input";
    const line = isItself ? this.#parts.count(offset, bytes, terminated, 1) : this.#beginRecord(offset, bytes, 1);
    this.#parts.takeOversize(long, line);
  }

  envelope({ offset, standsIn, terminated }: InputPlace, bytes: number, lines: number): void {
    this.#envelope =
      standsIn === "input"
        ? this.#parts.count(offset, bytes, terminated, lines)
        : this.#beginRecord(offset, bytes, lines);
    this.#envelopeLines = lines;
    this.#parts.noteEnvelope(false);
  }

  behindEnvelope(): void {
    this.#parts.counts.cover(this.#input, this.#envelope, this.#envelopeLines);
    this.#parts.noteEnvelope(true);
  }

  longDocument({ offset }: InputPlace): void {
    const { deliveries, window } = this.#parts;
    this.#document = { counted: 0, isLookingBack: deliveries.isLookingBack };
    window.enter(this.#input, offset);
  }

  behindLongDocument({ offset, bytes, terminated }: EndedDocument): void {
    const { window, counts, receipts } = this.#parts;
    const end = offset + bytes;
    const rest = { offset: end, end, bytes: bytes - (terminated ? 1 : 0) - this.#document.counted };
    counts.begin(rest.bytes, 0);
    receipts.lastEnd = end;
    window.leave(this.#input);
    counts.cover(this.#input, rest, 0);
  }

  /** The line that the scan holds is in hand. */
  #begin({ offset, standsIn, terminated }: InputPlace, isEvent: boolean): HandledLine {
    const { scan, receipts, count } = this.#parts;
    const bytes = scan.end - scan.start;
    receipts.endBefore(offset, isEvent ? scan : undefined);
    if (standsIn === "input") {
      this.#line = count(offset, bytes, terminated, 1);
    } else if (standsIn === "envelope") {
      this.#line = { offset, end: this.#envelope.end, bytes };
    } else {
      this.#line = this.#beginRecord(offset, bytes, 1);
    }
    return this.#line;
  }

  /** Nothing follows about the line in hand. */
  #cover({ standsIn }: InputPlace): void {
    if (standsIn !== "envelope") {
      this.#parts.counts.cover(this.#input, this.#line);
    }
  }

  /** A record of a document that is too long to be held; or an envelope among its records, with so many lines in it. */
  #beginRecord(offset: number, bytes: number, lines: number): HandledLine {
    const { counts, deliveries, receipts } = this.#parts;
    this.#document.counted += bytes;
    counts.begin(bytes, lines);
    deliveries.begin(counts.read.bytes);
    if (this.#document.isLookingBack) {
      deliveries.lookBackHere();
    }
    receipts.lastEnd = offset + 1;
    return { offset, end: offset + 1, bytes };
  }
}
