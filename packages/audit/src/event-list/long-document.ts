import { LineOutput } from "../envelope/line-output.ts";
import { LinePlaces } from "../envelope/line-places.ts";
import { LineFramer } from "../frame/frame.ts";
import type { LongDocumentReader } from "../frame/frame.ts";
import type { OversizeLine } from "../frame/long-line.ts";
import { DocumentReader } from "./document-reader.ts";

const NEWLINE = 10;
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** What a {@link LongDocument} calls, in input order. */
export interface LongDocumentVisitor {
  /**
   * A line out of the document, `bytes[start, end)`: an event, or what holds none. `at` is where its record begins in the input. Valid during
   * the call only.
   */
  line(bytes: Buffer, start: number, end: number, at: number): void;
  /** One that is too long itself. */
  oversize(line: OversizeLine): void;
  /** Its bytes, with a newline, as they pass. */
  oversizePart?(bytes: Buffer, start: number, end: number): void;
  /** The document has ended: with a line of the input, or with the input. */
  end(document: EndedDocument): void;
}

/** How much of the input a document was. */
export interface EndedDocument {
  /** Where it begins in the input. */
  readonly offset: number;
  /** Its bytes, with the newline behind it. */
  readonly bytes: number;
  /** Lines of the input that it was. */
  readonly lines: number;
  /** False for the end of the input. */
  readonly terminated: boolean;
}

/**
 * Unpacks a document that is too long to be held, for a {@link LineFramer}: what an {@link EnvelopeReader} makes of one with which a log
 * begins, as its bytes come. Holds one record. It ends with the line on which the document ends (perhaps others stand behind it there); of
 * one that is damaged, with the last line that was taken for a part of it.
 *
 * @example
 * const events: string[] = [];
 * const visitor = {
 *   line: (bytes: Buffer, start: number, end: number) => void events.push(bytes.toString("utf8", start, end)),
 *   oversize: () => {},
 *   end: () => {},
 * };
 * const framer = new LineFramer(
 *   { ...visitor, longDocument: (offset) => new LongDocument(offset, visitor) },
 *   { maxLineBytes: 64 },
 * );
 * framer.write(Buffer.from('{"kind":"EventList","items":[{"level":"Metadata"},{"level":"Request"}]}\n'));
 * assert.deepEqual(events, ['{"level":"Metadata"}', '{"level":"Request"}']);
 */
export class LongDocument implements LongDocumentReader {
  readonly #offset: number;
  readonly #visitor: LongDocumentVisitor;
  readonly #places = new LinePlaces();
  readonly #output = new LineOutput(this.#places);
  readonly #reader: DocumentReader;
  readonly #framer: LineFramer;
  #bytes = 0;
  #lines = 0;
  isDone = false;

  constructor(offset: number, visitor: LongDocumentVisitor, maxRecordBytes: number = MAX_RECORD_BYTES) {
    this.#offset = offset;
    this.#visitor = visitor;
    this.#reader = new DocumentReader(this.#output, maxRecordBytes);
    this.#framer = new LineFramer(
      {
        line: (bytes, start, end, line) => visitor.line(bytes, start, end, this.#at(line)),
        oversize: (line) => visitor.oversize({ ...line, offset: this.#at(line.offset) }),
        oversizePart: (bytes, start, end) => visitor.oversizePart?.(bytes, start, end),
      },
      { maxLineBytes: maxRecordBytes },
    );
  }

  /** Bytes of it so far. */
  get bytes(): number {
    return this.#bytes;
  }

  write(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && !this.isDone) {
      const newline = chunk.indexOf(NEWLINE, at);
      const end = newline === -1 ? chunk.length : newline + 1;
      this.#reader.write(chunk.subarray(at, end));
      this.#lines += newline === -1 ? 0 : 1;
      this.isDone = newline !== -1 && this.#reader.isAtLineStart;
      at = end;
    }
    this.#bytes += at - from;
    this.#framer.write(this.#output.take());
    if (this.isDone) {
      this.#end(true);
    }
    return at;
  }

  end(): void {
    this.#reader.end();
    this.#framer.write(this.#output.take());
    this.#lines++;
    this.#end(false);
  }

  #end(terminated: boolean): void {
    this.isDone = true;
    this.#framer.end();
    this.#visitor.end({ offset: this.#offset, bytes: this.#bytes, lines: this.#lines, terminated });
  }

  #at(line: number): number {
    return this.#offset + this.#places.find(line);
  }
}
