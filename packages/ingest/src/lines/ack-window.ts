import type { Mark } from "../state/detection-state.ts";
import { addTo } from "./tally-ledger.ts";
import type { Counts } from "./tally-ledger.ts";

/** Lines up to `end` of an input, with what is still to be settled of them. */
export interface Held {
  readonly input: string;
  end: number;
  /** Bytes of lines handled until there, over all inputs. */
  total: number;
  pending: number;
  /** Lines that something was held for. */
  lines: number;
  /** What became of these lines. */
  readonly counts: Counts;
  /** What is remembered there, if that was noted. */
  mark?: Mark | undefined;
  /** Nothing further is added to it. */
  isClosed?: boolean;
  /** Behind the line held last. */
  line: number;
  /** Of a document whose end had not come: `end` is where it begins. */
  readonly isInside: boolean;
}

export interface Position {
  readonly input: string;
  readonly offset: number;
  /** Bytes of lines handled until there, over all inputs. */
  readonly total: number;
  /** What became of the lines since the position taken before. */
  readonly counts: Counts;
  /** What was remembered there; only positions with a mark become ready where marks are kept. */
  readonly mark?: Mark | undefined;
}

/** Lines of a chunk that are acknowledged together. */
const MOST_TOGETHER = 64;
/** More wait only while sinks are slow; each may be large. */
const MAX_MARKS = 3;

/**
 * Turns settlements in any order into acknowledgements in the order of the input: a position is ready when everything
 * before it is settled. Lines with nothing to settle cost no memory of their own, and some lines of one chunk wait together. What is
 * counted of lines becomes ready together with them.
 */
export class AckWindow {
  #held: Held[] = [];
  #first = 0;
  /** Further lines of the chunk may wait together with these. */
  #together: Held | undefined;
  readonly #isMarked: boolean;
  #ready: Omit<Position, "counts"> | undefined;
  #readyCounts: Counts = [];
  /** Where marks are kept: what is settled behind the last mark. */
  #passed: Omit<Position, "counts"> | undefined;
  #passedCounts: Counts = [];
  #marks = 0;
  /** Where documents begin whose end has not come, by input. */
  readonly #entered = new Map<string, number>();
  /** What is counted of them and has passed: none of it is acknowledged before all is. */
  readonly #inside = new Map<string, Counts>();
  #lastMarked: Held | undefined;

  constructor({ isMarked = false }: { readonly isMarked?: boolean } = {}) {
    this.#isMarked = isMarked;
  }

  /** Lines follow that are out of one document, which begins at `offset`: until it ends, what is acknowledged ends there. */
  enter(input: string, offset: number): void {
    this.#entered.set(input, offset);
  }

  /** The document of the input has ended; its end is covered next. */
  leave(input: string): void {
    this.#entered.delete(input);
  }

  /** Everything up to `end` needs nothing: dropped on purpose. */
  cover(input: string, line: number, total: number): void {
    const last = this.#held.at(-1);
    const inside = this.#entered.get(input);
    const end = inside ?? line;
    if (this.#first === this.#held.length) {
      this.#pass({ input, offset: end, total });
      this.#countPassed(input, inside !== undefined, []);
    } else if (last?.input === input && last.isClosed !== true && last.isInside === (inside !== undefined)) {
      last.end = end;
      last.line = line;
      last.total = total;
    } else {
      const isInside = inside !== undefined;
      this.#held.push({ input, end, line, total, pending: 0, lines: 0, counts: [], isInside });
    }
  }

  /** One settlement more for the line that ends at `end`. What may take long is held `isApart`: lines around it do not wait for it. */
  hold(input: string, line: number, total: number, isApart = false): Held {
    const last = this.#first < this.#held.length ? this.#held.at(-1) : undefined;
    const inside = this.#entered.get(input);
    const end = inside ?? line;
    const isInside = inside !== undefined;
    const isOpen = last?.input === input && last.pending > 0 && last.isClosed !== true;
    if (isOpen && last.isInside === isInside) {
      const isSameLine = last.line === line;
      if (isSameLine || (!isApart && last === this.#together && last.lines < MOST_TOGETHER)) {
        last.lines += isSameLine ? 0 : 1;
        last.end = end;
        last.line = line;
        last.total = total;
        last.pending++;
        return last;
      }
    }
    const held: Held = { input, end, line, total, pending: 1, lines: 1, counts: [], isInside };
    this.#held.push(held);
    this.#together = isApart ? undefined : held;
    return held;
  }

  /** A chunk has ended: later lines wait for themselves. */
  endChunk(): void {
    this.#together = undefined;
  }

  /** `more` settlements more for lines that are held already. */
  extend(held: Held, more: number): void {
    held.pending += more;
  }

  /** What is counted of the line in hand, one of `input`; to be asked for once it is covered. */
  countsOf(input: string): Counts {
    const last = this.#first < this.#held.length ? this.#held[this.#held.length - 1] : undefined;
    return last?.counts ?? this.#countsPassed(input, this.#entered.has(input));
  }

  /** Notes what is remembered behind the last line. Of very many that wait, the last one is replaced. */
  mark(mark: Mark): void {
    if (this.#first === this.#held.length) {
      this.#mark(mark);
      return;
    }
    if (this.#marks >= MAX_MARKS && this.#lastMarked?.mark !== undefined) {
      this.#lastMarked.mark = undefined;
      this.#marks--;
    }
    const last = this.#held.at(-1) as Held;
    this.#marks += last.mark === undefined ? 1 : 0;
    last.mark = mark;
    last.isClosed = true;
    this.#lastMarked = last;
  }

  settle(held: Held): void {
    held.pending--;
    while (this.#first < this.#held.length) {
      const first = this.#held[this.#first] as Held;
      if (first.pending > 0) {
        break;
      }
      this.#pass({ input: first.input, offset: first.end, total: first.total });
      this.#countPassed(first.input, first.isInside, first.counts);
      this.#first++;
      if (first.mark !== undefined) {
        this.#marks--;
        this.#mark(first.mark);
      }
    }
    if (this.#first > 1024 && this.#first * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Stretches of lines that wait for a settlement. */
  get open(): number {
    return this.#held.length - this.#first;
  }

  get hasReady(): boolean {
    return this.#ready !== undefined;
  }

  /** The furthest position that is ready, if it was not taken yet. */
  take(): Position | undefined {
    const ready = this.#ready;
    if (ready === undefined) {
      return undefined;
    }
    const counts = this.#readyCounts;
    this.#ready = undefined;
    this.#readyCounts = [];
    return { ...ready, counts };
  }

  /** Where that is counted which has passed. */
  #countsPassed(input: string, isInside: boolean): Counts {
    if (!isInside) {
      return this.#isMarked ? this.#passedCounts : this.#readyCounts;
    }
    const inside = this.#inside.get(input) ?? [];
    this.#inside.set(input, inside);
    return inside;
  }

  #countPassed(input: string, isInside: boolean, counts: Counts): void {
    const passed = this.#countsPassed(input, isInside);
    const inside = isInside || this.#inside.size === 0 ? undefined : this.#inside.get(input);
    if (inside !== undefined) {
      // Its end has passed.
      addTo(passed, inside);
      this.#inside.delete(input);
    }
    addTo(passed, counts);
  }

  #pass(position: Omit<Position, "counts">): void {
    if (this.#isMarked) {
      this.#passed = position;
    } else {
      this.#ready = position;
    }
  }

  /** Everything that has passed is ready, with this mark. */
  #mark(mark: Mark): void {
    if (this.#passed === undefined) {
      return;
    }
    this.#ready = { ...this.#passed, mark };
    addTo(this.#readyCounts, this.#passedCounts);
    this.#passedCounts = [];
  }
}
