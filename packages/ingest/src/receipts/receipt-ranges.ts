import type { EventScan } from "@auditsieve/audit";
import type { Held } from "../lines/ack-window.ts";
import type { Cut } from "../lines/pipeline-state.ts";
import type { LinePlaces } from "../lines/line-shape.ts";
import { KnownReceipt } from "./receipt-book.ts";
import type { ClosedRange, NoiseReceipt, ReceiptBook } from "./receipt-book.ts";

export interface ReceiptRangesOptions {
  /** New books for one input, one per outlet; none when nobody wants receipts. */
  readonly books: () => readonly ReceiptBook[];
  /** Where an earlier run has ended the receipts of an input: the first such offset behind another. */
  readonly cutAfter: (input: string, offset: number) => number;
  /** Up to where an earlier run has counted what is dropped of an input at an outlet behind an offset. */
  readonly countedUntil: (input: string, outlet: number, offset: number) => number;
  readonly deliver: (range: ClosedRange, outlet: number) => void;
}

interface InputState {
  readonly books: readonly ReceiptBook[];
  /** Where counting begins, by outlet: what stands before is in the receipts of an earlier run. */
  readonly countFrom: readonly number[];
  /** Behind the last line. */
  lastEnd: number;
  /** Where an earlier run has ended the receipts. */
  nextCut: number;
}

const NO_BYTES = new Uint8Array(0);
const NO_RECEIPT = new KnownReceipt(NO_BYTES);

/** The receipts that are being gathered, by input and outlet: inputs may alternate, and no range spans two. */
export class ReceiptRanges {
  readonly #options: ReceiptRangesOptions;
  readonly #inputs = new Map<string, InputState>();
  /** Cuts that are not saved yet, and what has ended behind them: its place follows from theirs. */
  #cutting = 0;
  #waiting: { readonly range: ClosedRange; readonly outlet: number }[] = [];
  #input = "";
  #current: InputState = { books: [], countFrom: [], lastEnd: 0, nextCut: Infinity };

  constructor(options: ReceiptRangesOptions) {
    this.#options = options;
  }

  /** Since when the oldest are gathered, by the monotonic clock; Infinity when there are none. */
  get since(): number {
    const open = [...this.#inputs.values()].flatMap(({ books }) => books.filter(({ isOpen }) => isOpen));
    return open.reduce((oldest, { openedAt }) => Math.min(oldest, openedAt), Infinity);
  }

  /** Behind the last line of the input in hand. */
  get lastEnd(): number {
    return this.#current.lastEnd;
  }

  set lastEnd(end: number) {
    this.#current.lastEnd = end;
  }

  /** Behind the last line of each input that has not ended. */
  get ends(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#inputs].map(([input, { lastEnd }]) => [input, lastEnd]));
  }

  begin(input: string, offset: number): void {
    this.#input = input;
    this.#current = this.#inputs.get(input) ?? this.#open(input, offset);
    this.#inputs.set(input, this.#current);
  }

  /** The input in hand has ended. */
  finish(): void {
    this.#end(this.#current.lastEnd);
    this.#inputs.delete(this.#input);
  }

  /** Ends ranges that end before the line at `offset`; `scan` holds it, when it is an event. */
  endBefore(offset: number, scan: EventScan | undefined): void {
    if (scan?.has("stageTimestamp") === true) {
      const time = scan.valueStart("stageTimestamp");
      this.endBeforeTime(offset, scan.bytes, time, scan.valueEnd("stageTimestamp"));
    } else {
      this.endBeforeTime(offset, NO_BYTES, 0, 0);
    }
  }

  /** The same for a line whose time stands in `bytes[time, timeEnd)`, with its quotes; it has none where these are 0. */
  endBeforeTime(offset: number, bytes: Uint8Array, time: number, timeEnd: number): void {
    const { books, nextCut } = this.#current;
    if (offset >= nextCut) {
      this.#end(nextCut);
      this.#current.nextCut = this.#options.cutAfter(this.#input, offset);
    }
    for (let outlet = 0; outlet < books.length; outlet++) {
      if (books[outlet]?.endsBefore(offset, bytes, time, timeEnd) === true) {
        this.#close(outlet, offset);
      }
    }
  }

  /** Counts the line that `scan` holds; `hold` is called when it is the first of its range. */
  add(outlet: number, scan: EventScan, rule: NoiseReceipt["rule"], offset: number, hold: () => Held): void {
    const book = this.#current.books[outlet];
    if (offset < (this.#current.countFrom[outlet] ?? 0)) {
      return;
    }
    if (book?.isOpen === false) {
      const hasTime = scan.has("stageTimestamp");
      const time = hasTime ? scan.valueStart("stageTimestamp") : 0;
      book.open(scan.bytes, time, hasTime ? scan.valueEnd("stageTimestamp") : 0, this.#input, offset, hold());
    }
    book?.add(scan, rule);
  }

  /** What {@link addKnown} needs for lines like the one that `scan` holds, which was counted. */
  known(scan: EventScan): KnownReceipt {
    return this.#current.books[0]?.known(scan) ?? NO_RECEIPT;
  }

  /** Counts a line of so many bytes that is like one that was counted before; `hold` is called when it is the first of its range. */
  addKnown(
    outlet: number,
    known: KnownReceipt,
    rule: NoiseReceipt["rule"],
    places: LinePlaces,
    offset: number,
    bytes: number,
    hold: () => Held,
  ): void {
    const book = this.#current.books[outlet];
    if (book === undefined || offset < (this.#current.countFrom[outlet] ?? 0)) {
      return;
    }
    if (!book.isOpen) {
      book.open(places.bytes, places.time, places.timeEnd, this.#input, offset, hold());
    }
    book.addKnown(known, outlet, rule, places, bytes);
  }

  /** Ends everything that was dropped so far, in all inputs. These receipts and later ones go out when `deliver` is called: once the cuts are saved. */
  endAll(): { readonly cuts: readonly Cut[]; readonly deliver: () => void } {
    const inputs = [...this.#inputs].filter(([, { books }]) => books.some(({ isOpen }) => isOpen));
    const ranges = inputs.flatMap(([, { books, lastEnd }]) =>
      books.map((book, outlet) => ({ range: book.close(lastEnd), outlet })),
    );
    this.#cutting++;
    return {
      cuts: inputs.map(([input, { lastEnd }]) => ({ input, offset: lastEnd })),
      deliver: () => {
        this.#cutting--;
        const waiting = this.#cutting === 0 ? this.#waiting.splice(0) : [];
        for (const { range, outlet } of [...ranges, ...waiting]) {
          if (range !== undefined) {
            this.#options.deliver(range, outlet);
          }
        }
      },
    };
  }

  #open(input: string, offset: number): InputState {
    const { cutAfter, countedUntil } = this.#options;
    const books = this.#options.books();
    const countFrom = books.map((_, outlet) => countedUntil(input, outlet, offset));
    return { books, countFrom, lastEnd: offset, nextCut: cutAfter(input, offset) };
  }

  #end(to: number): void {
    this.#current.books.forEach((_, outlet) => this.#close(outlet, to));
  }

  #close(outlet: number, to: number): void {
    const range = this.#current.books[outlet]?.close(to);
    if (range === undefined) {
      return;
    }
    if (this.#cutting > 0) {
      this.#waiting.push({ range, outlet });
    } else {
      this.#options.deliver(range, outlet);
    }
  }
}
