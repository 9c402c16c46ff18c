import type { DocumentProblem } from "./document-problem.ts";
import { DocumentReader } from "./document-reader.ts";
import { LineOutput } from "../envelope/line-output.ts";
import { recognise } from "../recognise.ts";

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Turns a log in any of the known envelopes into lines of canonical events: EventList documents of any size, JSON lists, what
 * CloudWatch, Cloud Logging and Azure make of an audit log, in any order, one behind the other and among lines of events. Whether there is one is told by the first bytes; a log that
 * begins with events a line passes as it is, in the same buffers: {@link unwrapLine} finds what it holds further on. An event that stands in the envelope as it was written comes out byte for byte; a LogEntry,
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
  #isPlain = false;
  #records: DocumentReader | undefined;

  /** `isPart`: what is written is the rest of a log in envelopes, so that it is never taken for a log of events a line. */
  constructor(options: { readonly maxRecordBytes?: number; readonly isPart?: boolean } = {}) {
    this.#maxRecordBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
    this.#records = options.isPart === true ? new DocumentReader(this.#output, this.#maxRecordBytes) : undefined;
  }

  /** Whether the log is one of events a line: what is written from now on comes back as it is. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  /** Whether all that was written has come out, so that another reader may go on from here. False while the form is not known. */
  get isBetween(): boolean {
    return this.#isPlain || this.#records?.isBetween === true;
  }

  /** What was wrong with the document, once it is known; everything that could be read has come out all the same. */
  get problem(): DocumentProblem | undefined {
    return this.#records?.problem;
  }

  /** Takes the next bytes and gives the lines that they complete, valid until the next call and while `chunk` is. */
  write(chunk: Buffer): Buffer {
    if (this.#isPlain) {
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
    const begun = this.#isPlain || this.#records !== undefined ? undefined : this.#begin(this.#head, true);
    if (this.#isPlain) {
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
    if (form.form === "plain") {
      this.#isPlain = true;
      return head;
    }
    this.#records = new DocumentReader(this.#output, this.#maxRecordBytes);
    this.#records.write(head);
    return this.#output.take();
  }
}
