import { LongDocument, unwrapLine } from "@auditsieve/audit";
import type { EndedDocument, EventScan, LongDocumentVisitor, OversizeLine, UnwrappedLine } from "@auditsieve/audit";
import type { AckWindow } from "./ack-window.ts";
import type { LineCounts } from "./line-counts.ts";
import type { LineDeliveries } from "./line-deliveries.ts";
import type { HandledLine } from "./line-handler-options.ts";
import type { ReceiptRanges } from "../receipts/receipt-ranges.ts";

/** What lines out of envelopes are counted with, and who takes them. */
export interface EnvelopeParts {
  readonly scan: EventScan;
  readonly window: AckWindow;
  readonly counts: LineCounts;
  readonly deliveries: LineDeliveries;
  readonly receipts: ReceiptRanges;
  /** Takes the line that the scan holds, whose bytes these are. */
  readonly take: (isEvent: boolean, bytes: Buffer, line: HandledLine) => void;
  readonly takeOversize: (long: OversizeLine, line: HandledLine) => void;
  readonly oversizePart: (bytes: Buffer, start: number, end: number) => void;
  readonly maxLineBytes?: number | undefined;
}

/** Lines that stand in an envelope, taken as if they stood there instead of it. */
export class EnvelopeLines {
  readonly #parts: EnvelopeParts;

  constructor(parts: EnvelopeParts) {
    this.#parts = parts;
  }

  /** Takes the lines of one; acknowledged are all of them, at its end, or none. */
  take(input: string, lines: readonly UnwrappedLine[], before: number, envelope: HandledLine): void {
    const { scan, receipts, counts, take } = this.#parts;
    for (const { bytes, start, end, at, isRest = false } of lines) {
      const isEvent = scan.scan(bytes, start, end);
      const line = { offset: before + at, end: envelope.end, bytes: end - start, isText: !isRest };
      receipts.endBefore(line.offset, isEvent ? scan : undefined);
      take(isEvent, bytes.subarray(start, end), line);
    }
    counts.cover(input, envelope, lines.length);
  }

  /** Takes the lines of a document that is too long to be held: as they come. */
  takeLong(input: string, offset: number): LongDocument {
    const lines = new LongDocumentLines(this, this.#parts, input, offset);
    return new LongDocument(offset, lines, this.#parts.maxLineBytes);
  }
}

/**
 * The lines of one document of an input that is too long to be held: acknowledged only with its end, for it can be read again only from its
 * beginning. The bytes around its records count with its end.
 */
class LongDocumentLines implements LongDocumentVisitor {
  readonly #envelopes: EnvelopeLines;
  readonly #parts: EnvelopeParts;
  readonly #input: string;
  readonly #isLookingBack: boolean;
  #counted = 0;

  constructor(envelopes: EnvelopeLines, parts: EnvelopeParts, input: string, offset: number) {
    this.#envelopes = envelopes;
    this.#parts = parts;
    this.#input = input;
    this.#isLookingBack = parts.deliveries.isLookingBack;
    parts.window.enter(input, offset);
  }

  line(bytes: Buffer, start: number, end: number, at: number): void {
    const { scan, receipts, counts, take } = this.#parts;
    const isEvent = scan.scan(bytes, start, end);
    const unwrapped = isEvent ? undefined : unwrapLine(scan);
    if (unwrapped !== undefined) {
      this.#envelopes.take(this.#input, unwrapped, at - start, this.#begin(at, end - start, unwrapped.length));
      return;
    }
    receipts.endBefore(at, isEvent ? scan : undefined);
    const line = this.#begin(at, end - start, 1);
    take(isEvent, bytes.subarray(start, end), line);
    counts.cover(this.#input, line);
  }

  oversizePart(bytes: Buffer, start: number, end: number): void {
    this.#parts.oversizePart(bytes, start, end);
  }

  oversize(long: OversizeLine): void {
    this.#parts.takeOversize(long, this.#begin(long.offset, long.bytes, 1));
  }

  end({ offset, bytes, terminated }: EndedDocument): void {
    const { window, counts, receipts } = this.#parts;
    const end = offset + bytes;
    const rest = { offset: end, end, bytes: bytes - (terminated ? 1 : 0) - this.#counted };
    counts.begin(rest.bytes, 0);
    receipts.lastEnd = end;
    window.leave(this.#input);
    counts.cover(this.#input, rest, 0);
  }

  #begin(at: number, bytes: number, lines: number): HandledLine {
    const { counts, deliveries, receipts } = this.#parts;
    this.#counted += bytes;
    counts.begin(bytes, lines);
    deliveries.begin(counts.read.bytes);
    if (this.#isLookingBack) {
      deliveries.lookBackHere();
    }
    const line = { offset: at, end: at + 1, bytes };
    receipts.lastEnd = line.end;
    return line;
  }
}
