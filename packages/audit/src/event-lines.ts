import { beginsDocument, unwrapDocument, unwrapLine } from "./envelope/unwrap-line.ts";
import type { UnwrappedLine } from "./envelope/document-lines.ts";
import type { EndedDocument, LongDocument } from "./event-list/long-document.ts";
import { LineFramer } from "./frame/frame.ts";
import type { OversizeLine } from "./frame/long-line.ts";
import { salvageEvents } from "./salvage.ts";
import { EventScan } from "./scan.ts";

const NEWLINE = 10;
const FIRST_BYTES = 64 * 1024;

/** Where in the input stands what an {@link EventLines} gives. One object for all of it: valid during the call. */
export interface InputPlace {
  /** Bytes before it in the input; of what came out of an envelope, before its record. */
  readonly offset: number;
  /** Bytes before the line of the input that it is, or stands in: of a document over lines, before the first of these. */
  readonly lineOffset: number;
  /** Number of that line, from 1 on. */
  readonly lineNumber: number;
  /** It is a line of the input itself, or came out of an envelope, or is a record of a document that is too long to be held. */
  readonly standsIn: "input" | "envelope" | "long-document";
  /** False for a line that the input ends with, and that has no newline. */
  readonly terminated: boolean;
}

/** What an {@link EventLines} calls, in input order; {@link EventLines.scan} holds what it is called for, during the call only. */
export interface EventLineVisitor {
  /** A line that is an event. Behind it in the scan's bytes stands a newline, though it may not be `terminated`. */
  event(place: InputPlace): void;
  /** One that is none, as above; so many whole events are `salvaged` of it, and come next. */
  undecidable(place: InputPlace, salvaged: number): void;
  /** A whole event that stands in the undecidable line before. Without it no line is searched for them. */
  salvaged?(place: InputPlace): void;
  /** A line that is too long to be held, once its end is known; the scan holds something else. */
  oversize(line: OversizeLine, place: InputPlace): void;
  /** The bytes of such a line (with its newline), as they pass. */
  oversizePart?(bytes: Buffer, start: number, end: number): void;
  /** Of the line (or the lines: a document) at `place`, so many `bytes` without the newline, come out so many `lines`: next. */
  envelope?(place: InputPlace, bytes: number, lines: number): void;
  /** They have come. */
  behindEnvelope?(): void;
  /** A document begins that is too long to be held; what stands in it comes as it is read. */
  longDocument?(place: InputPlace): void;
  /** It has ended. */
  behindLongDocument?(document: EndedDocument): void;
  /**
   * For those who need not look at each line: whole lines at once, `bytes[start, end)`, each with its newline. They are to be given to
   * {@link EventLines.take} one by one, or to be told of by {@link EventLines.pass}. Gives the beginning of the first that was not taken,
   * with all behind it. Valid during the call only.
   */
  lines?(bytes: Buffer, start: number, end: number, offset: number): number | undefined;
}

/** How {@link EventLines} reads. */
export interface EventLinesOptions {
  /** Holds what is given. Default: one of its own. */
  readonly scan?: EventScan;
  /** Lines over this length are not held. Default 16 MiB. */
  readonly maxLineBytes?: number | undefined;
}

/**
 * Gives the lines of a log, whatever they stand in: lines of the input, documents over some of them or too long to be held, the
 * envelopes of providers among plain lines, and the whole events of damaged lines. Each comes once, decided whether it is an event. Holds
 * one line. Made by {@link readEventLines}; without a `LongDocument` (loaded by whoever starts fast, when it is needed) a
 * document that is too long to be held is an oversize line.
 *
 * @example
 * const lines = new EventLines({
 *   event: ({ lineNumber, standsIn }) => console.log(lines.scan.text("verb"), lineNumber, standsIn),
 *   undecidable: ({ offset }, salvaged) => console.log(lines.scan.reason, offset, salvaged),
 *   oversize: ({ bytes }) => console.log(bytes),
 * });
 * lines.write(Buffer.from("no event\n"));
 * lines.end();
 * assert.equal(lines.lines, 1);
 */
export class EventLines {
  readonly scan: EventScan;
  /** Takes the lines out of documents over the limit. */
  LongDocument: typeof LongDocument | undefined;
  readonly #visitor: EventLineVisitor;
  readonly #maxLineBytes: number | undefined;
  readonly #framer: LineFramer;
  readonly #place: { -readonly [Key in keyof InputPlace]: InputPlace[Key] } = {
    offset: 0,
    lineOffset: 0,
    lineNumber: 0,
    standsIn: "input",
    terminated: true,
  };
  /** What came out of an envelope is looked at here: with a newline, as every line. */
  #apart: Buffer = Buffer.alloc(0);
  #lines = 0;
  #linesBefore = 0;

  constructor(visitor: EventLineVisitor, { scan = new EventScan(), maxLineBytes }: EventLinesOptions = {}) {
    this.scan = scan;
    this.#visitor = visitor;
    this.#maxLineBytes = maxLineBytes;
    this.#framer = new LineFramer(
      {
        line: (bytes, start, end, offset, terminated, mayBegin) =>
          !this.take(bytes, start, end, offset, terminated, mayBegin),
        ...(visitor.lines && { lines: visitor.lines.bind(visitor) }),
        document: (bytes, start, end, offset, terminated) => this.#document(bytes, start, end, offset, terminated),
        longDocument: (offset) => this.#longDocument(offset),
        oversize: (line) => {
          this.#begin(line.offset, line.terminated);
          this.#lines++;
          visitor.oversize(line, this.#place);
        },
        ...(visitor.oversizePart && { oversizePart: visitor.oversizePart.bind(visitor) }),
      },
      maxLineBytes === undefined ? {} : { maxLineBytes },
    );
  }

  /** Lines of the inputs so far, over all of them: an envelope is one, whatever comes out of it. */
  get lines(): number {
    return this.#lines;
  }

  /** Where in the input the line in hand begins: everything before it has been given. */
  get offset(): number {
    return this.#framer.offset;
  }

  /** Whether a document is in hand, or what may be one: it may go on with the next line. */
  get isInDocument(): boolean {
    return this.#framer.isInDocument;
  }

  /** Bytes of a line, or of what may be a document, whose end has not come. */
  get heldBytes(): number {
    return this.#framer.heldBytes;
  }

  /** Takes the next bytes of the input. Lines that they complete are given before this returns. */
  write(chunk: Buffer): void {
    this.#framer.write(chunk);
  }

  /** The input has ended: an unterminated rest is a line of its own. {@link EventLines.reset} begins another one. */
  end(): void {
    this.#framer.end();
  }

  /** Forgets the line in hand; the next byte written is the one at `offset` of a new input, and begins its first line. */
  reset(offset = 0): void {
    this.#framer.reset(offset);
    this.#linesBefore = this.#lines;
  }

  /** Forgets what came from a line on that has been given, the one before which there were so many `lines`; the next byte written is that line's first. */
  goBack(offset: number, lines: number): void {
    this.#framer.reset(offset);
    this.#lines = lines;
  }

  /** Gives one of the `lines` that the visitor was given. False: a document begins with it, and it was not taken. */
  take(bytes: Buffer, start: number, end: number, offset: number, terminated = true, mayBegin = true): boolean {
    const { scan } = this;
    const isEvent = scan.scan(bytes, start, end);
    if (!isEvent && mayBegin && beginsDocument(scan)) {
      return false;
    }
    this.#begin(offset, terminated);
    this.#lines++;
    this.#give(isEvent, offset - start);
    return true;
  }

  /** So many of the `lines` that the visitor was given it has taken by itself. */
  pass(lines: number): void {
    this.#lines += lines;
  }

  #begin(offset: number, terminated: boolean): void {
    const place = this.#place;
    place.offset = offset;
    place.lineOffset = offset;
    place.lineNumber = this.#lines + 1 - this.#linesBefore;
    place.standsIn = "input";
    place.terminated = terminated;
  }

  /** A line of the input, or of a document that is too long to be held. `before`: what to add to places in its bytes. */
  #give(isEvent: boolean, before: number): void {
    const { start, end } = this.scan;
    const unwrapped = isEvent ? undefined : unwrapLine(this.scan);
    if (unwrapped === undefined) {
      this.#giveOne(isEvent);
    } else {
      this.#unwrapped(unwrapped, before, end - start);
    }
  }

  #giveOne(isEvent: boolean, isText = false): void {
    if (isEvent) {
      this.#visitor.event(this.#place);
    } else {
      this.#undecidable(isText);
    }
  }

  #undecidable(isText: boolean): void {
    const { scan } = this;
    const visitor = this.#visitor;
    const place = this.#place;
    if (visitor.salvaged === undefined) {
      visitor.undecidable(place, 0);
      return;
    }
    const { bytes, start, end } = scan;
    const events = salvageEvents(scan, { isText });
    if (scan.start !== start || scan.end !== end) {
      scan.scan(bytes, start, end);
    }
    visitor.undecidable(place, events.length);
    const { offset } = place;
    for (const event of events) {
      scan.scan(event.bytes, event.start, event.end);
      place.offset = offset + event.at - start;
      visitor.salvaged(place);
    }
  }

  #document(bytes: Buffer, start: number, end: number, offset: number, terminated: boolean): boolean {
    const lines = unwrapDocument(bytes, start, end);
    if (lines !== undefined) {
      this.#begin(offset, terminated);
      this.#lines += 1 + newlinesIn(bytes, start, end);
      this.#unwrapped(lines, offset - start, end - start);
    }
    return lines !== undefined;
  }

  /** Lines that are taken as if they stood there instead of their envelope. None of them is unwrapped again. */
  #unwrapped(lines: readonly UnwrappedLine[], before: number, envelopeBytes: number): void {
    const visitor = this.#visitor;
    const place = this.#place;
    visitor.envelope?.(place, envelopeBytes, lines.length);
    place.standsIn = "envelope";
    place.terminated = true;
    for (const { bytes, start, end, at, isRest = false } of lines) {
      const length = end - start;
      if (this.#apart.length <= length) {
        this.#apart = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * length + 1));
      }
      bytes.copy(this.#apart, 0, start, end);
      this.#apart[length] = NEWLINE;
      place.offset = before + at;
      this.#giveOne(this.scan.scan(this.#apart, 0, length), !isRest);
    }
    visitor.behindEnvelope?.();
  }

  #longDocument(documentOffset: number): LongDocument | undefined {
    if (this.LongDocument === undefined) {
      return undefined;
    }
    const visitor = this.#visitor;
    const place = this.#place;
    const beginRecord = (offset: number): void => {
      place.offset = offset;
      place.standsIn = "long-document";
      place.terminated = true;
    };
    this.#begin(documentOffset, true);
    visitor.longDocument?.(place);
    return new this.LongDocument(
      documentOffset,
      {
        line: (bytes, start, end, offset) => {
          beginRecord(offset);
          this.#give(this.scan.scan(bytes, start, end), offset - start);
        },
        oversize: (line) => {
          beginRecord(line.offset);
          visitor.oversize(line, place);
        },
        ...(visitor.oversizePart && { oversizePart: visitor.oversizePart.bind(visitor) }),
        end: (document) => {
          this.#lines += document.lines;
          visitor.behindLongDocument?.(document);
        },
      },
      this.#maxLineBytes,
    );
  }
}

function newlinesIn(bytes: Buffer, start: number, end: number): number {
  let newlines = 0;
  for (let at = bytes.indexOf(NEWLINE, start); at !== -1 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) {
    newlines++;
  }
  return newlines;
}
