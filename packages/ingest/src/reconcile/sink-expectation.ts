import { IngestError } from "../errors.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";
import type { Delivery } from "../sink.ts";
import { contentOf } from "../sinks/document-content.ts";

/** Where a line stands, for people: the file as it is named now. */
export interface Place {
  readonly source: string;
  readonly file: string;
  readonly offset: number;
}

/** What a sink must have of one line. */
export interface Expected extends Place {
  readonly id: string;
  readonly kind: Delivery["kind"];
  readonly time: string;
  /** Hash of the document, see `contentOf`. */
  readonly content: string;
  /** auditID and stage: what is still alike when a document was changed. */
  readonly likeness: string;
  /** The checkpoint has not passed it: it may be there or not. */
  readonly isPending: boolean;
  /** It came before the sink, or before what the sink gets was changed: it may be there or not, too. */
  readonly isEarlier: boolean;
  /** It is there, or there as a whole, only if a finding rested on it: which depends on what the daemon remembered. */
  readonly isOnlyEvidence: boolean;
}

/** What one sink must have of all inputs. */
export interface ExpectedAtSink {
  /** Without those that are earlier. */
  readonly lines: number;
  readonly dropped: number;
  readonly earlierDropped: number;
  readonly expected: readonly Expected[];
  /** Of whole events in undecidable lines, which are in `expected` as what they are. */
  readonly salvaged: readonly Expected[];
  /** Ids and contents of events that are there because a finding rests on them. */
  readonly evidence: ReadonlySet<string>;
  /** Lines that receipts must account for, by rule, actor, verb and resource. */
  readonly receipts: ReadonlyMap<string, { readonly count: number; readonly pending: number; readonly place: Place }>;
  /** Whether all that a receipt counts is earlier. */
  readonly isEarlier: (receipt: NoiseReceipt) => boolean;
}

/** An input that is read again, at one sink. */
export interface InputAtSink {
  /** As it is named now. */
  readonly file: string;
  readonly input: string;
  /** All before it is acknowledged. */
  readonly ackedTo: number;
  /** All before it is earlier than the sink. */
  readonly since: number;
}

/** auditID and stage of an event, "" of anything else. */
export function likenessOf(kind: Delivery["kind"], document: Uint8Array): string {
  if (kind !== "event") {
    return "";
  }
  try {
    const { auditID, stage } = JSON.parse(Buffer.from(document).toString("utf8")) as Record<string, unknown>;
    return JSON.stringify([auditID, stage]);
  } catch {
    return "";
  }
}

/** What tells one class of dropped lines from another. */
export function receiptKey({ rule, actor, verb, resource }: NoiseReceipt): string {
  return JSON.stringify([rule, actor, verb, resource]);
}

/** Gathers what one sink must have. */
export class SinkExpectation {
  readonly #sink: string;
  readonly #expected: Expected[] = [];
  readonly #salvaged: Expected[] = [];
  readonly #receipts = new Map<string, { count: number; pending: number; readonly place: Place }>();
  readonly #evidence = new Set<string>();
  #source = "";
  #input: InputAtSink = { file: "", input: "", ackedTo: 0, since: 0 };
  readonly #since = new Map<string, number>();
  #earlierDropped = 0;
  #lines = 0;
  #dropped = 0;

  constructor(sink: string) {
    this.#sink = sink;
  }

  begin(source: string): void {
    this.#source = source;
  }

  input(input: InputAtSink): void {
    this.#input = input;
    this.#since.set(inputKey({ source: this.#source, input: input.input }), input.since);
  }

  line(delivery: Delivery, offset: number, isOnlyEvidence: boolean): void {
    this.#expected.push(this.#wanted(delivery, offset, isOnlyEvidence));
  }

  salvage(delivery: Delivery, offset: number, isOnlyEvidence: boolean): void {
    this.#salvaged.push(this.#wanted(delivery, offset, isOnlyEvidence));
  }

  besides({ id, kind, document }: Delivery): void {
    this.#evidence.add(id).add(contentOf(kind, document));
  }

  receipt(receipt: NoiseReceipt): void {
    const key = receiptKey(receipt);
    if (receipt.from < this.#input.since) {
      this.#earlierDropped += receipt.count;
      return;
    }
    const known = this.#receipts.get(key) ?? { count: 0, pending: 0, place: this.#place(receipt.from) };
    this.#receipts.set(key, known);
    this.#dropped += receipt.count;
    if (receipt.from >= this.#input.ackedTo) {
      known.pending += receipt.count;
    } else {
      known.count += receipt.count;
    }
  }

  count(lines: number): void {
    this.#lines += lines;
  }

  result(): ExpectedAtSink {
    if (this.#lines !== this.#expected.length + this.#dropped + this.#earlierDropped) {
      throw new IngestError(
        "unreadable",
        `Cannot reconcile sink "${this.#sink}": the inputs changed while they were read`,
        {
          hint: "Run it again",
        },
      );
    }
    return {
      lines: this.#expected.filter(({ isEarlier }) => !isEarlier).length + this.#dropped,
      dropped: this.#dropped,
      earlierDropped: this.#earlierDropped,
      expected: this.#expected,
      salvaged: this.#salvaged,
      evidence: this.#evidence,
      receipts: this.#receipts,
      isEarlier: (receipt) => receipt.to <= (this.#since.get(inputKey(receipt)) ?? 0),
    };
  }

  #wanted({ id, kind, document, time }: Delivery, offset: number, isOnlyEvidence: boolean): Expected {
    return {
      ...this.#place(offset),
      id,
      kind,
      time,
      content: contentOf(kind, document),
      likeness: likenessOf(kind, document),
      isPending: offset >= this.#input.ackedTo,
      isEarlier: offset < this.#input.since,
      isOnlyEvidence,
    };
  }

  #place(offset: number): Place {
    return { source: this.#source, file: this.#input.file, offset };
  }
}

function inputKey({ source, input }: { readonly source: string; readonly input: string }): string {
  return JSON.stringify([source, input]);
}
