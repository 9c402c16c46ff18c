import type { DocumentProblem } from "../event-list/document-problem.ts";
import { DocumentReader } from "../event-list/document-reader.ts";
import { LineOutput } from "./line-output.ts";
import { LineRecords } from "./line-records.ts";
import { recognise, startsWithByteOrderMark } from "./recognise.ts";

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Turns a log in any of the known envelopes into lines of canonical events: EventList documents of any size, JSON lists, what
 * CloudWatch, Cloud Logging and Azure make of an audit log. Which one it is is told by the first bytes; a log of events a line
 * passes as it is, in the same buffers. An event that stands in the envelope as it was written comes out byte for byte; a LogEntry,
 * which is none, is converted and carries `origin`. What holds no event comes out as it stands, on a line that no scanner takes for
 * an event. Holds one record (at most 16 MiB, a longer one passes unread) and one chunk.
 *
 * @example
 * const reader = new EnvelopeReader();
 * const lines = reader.write(Buffer.from('{"kind":"EventList","items":[{"level":"Metadata","big":12345678901234567890}]}'));
 * assert.equal(lines.toString(), '{"level":"Metadata","big":12345678901234567890}\n');
 * assert.equal(reader.end().length, 0);
 * assert.equal(reader.problem, undefined);
 */
export class EnvelopeReader {
  readonly #output = new LineOutput();
  readonly #maxRecordBytes: number;
  #head: Buffer = NOTHING;
  #form: "unknown" | "plain" | "lines" | "documents" = "unknown";
  #records: LineRecords | DocumentReader | undefined;

  constructor(options: { readonly maxRecordBytes?: number } = {}) {
    this.#maxRecordBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
  }

  /** Whether the log is one of events a line: what is written from now on comes back as it is. */
  get isPlain(): boolean {
    return this.#form === "plain";
  }

  /** Whether each line is for itself, in an envelope or not: then reading may begin at any of them. False while it is not known. */
  get isByLine(): boolean {
    return this.#form === "plain" || this.#form === "lines";
  }

  /** What was wrong with the document, once it is known; everything that could be read has come out all the same. */
  get problem(): DocumentProblem | undefined {
    return this.#records instanceof DocumentReader ? this.#records.problem : undefined;
  }

  /** Takes the next bytes and gives the lines that they complete, valid until the next call and while `chunk` is. */
  write(chunk: Buffer): Buffer {
    if (this.#form === "plain") {
      return chunk;
    }
    if (this.#records !== undefined) {
      this.#records.write(chunk);
      return this.#output.take();
    }
    const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    return this.#begin(head, false) ?? this.#hold(head);
  }

  /** The input has ended; gives what is left of it. */
  end(): Buffer {
    const begun = this.#form === "unknown" ? this.#begin(this.#head, true) : undefined;
    if (this.#form === "plain") {
      return begun ?? NOTHING;
    }
    // Its memory is about to be used again.
    const first = Buffer.from(begun ?? NOTHING);
    this.#records?.end();
    return Buffer.concat([first, this.#output.take()]);
  }

  #hold(head: Buffer): Buffer {
    // The chunk may be used again before the next one comes.
    this.#head = Buffer.from(head);
    return NOTHING;
  }

  #begin(head: Buffer, isEnd: boolean): Buffer | undefined {
    const form = recognise(head, isEnd);
    if (form === undefined) {
      return undefined;
    }
    this.#head = NOTHING;
    this.#form = form.form;
    if (form.form === "plain") {
      return head;
    }
    const start = startsWithByteOrderMark(head) ? 3 : 0;
    const from = form.form === "documents" ? form.from : start;
    this.#output.add(head, start, from);
    this.#records =
      form.form === "documents"
        ? new DocumentReader(this.#output, this.#maxRecordBytes, from)
        : new LineRecords(this.#output, this.#maxRecordBytes);
    this.#records.write(head.subarray(from));
    return this.#output.take();
  }
}
