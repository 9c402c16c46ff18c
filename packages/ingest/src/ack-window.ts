/** Lines up to `end` of an input, with what is still to be settled of them. */
export interface Held {
  readonly input: string;
  end: number;
  /** Bytes of lines handled until there, over all inputs. */
  total: number;
  pending: number;
}

export interface Position {
  readonly input: string;
  readonly offset: number;
  /** Bytes of lines handled until there, over all inputs. */
  readonly total: number;
}

/**
 * Turns settlements in any order into acknowledgements in the order of the input: a position is ready when everything
 * before it is settled. Lines with nothing to settle cost no memory of their own.
 */
export class AckWindow {
  #held: Held[] = [];
  #first = 0;
  #ready: Position | undefined;

  /** Everything up to `end` needs nothing: dropped on purpose. */
  cover(input: string, end: number, total: number): void {
    const last = this.#held.at(-1);
    if (this.#first < this.#held.length && last !== undefined && last.input === input) {
      last.end = end;
      last.total = total;
    } else if (this.#first === this.#held.length) {
      this.#ready = { input, offset: end, total };
    } else {
      this.#held.push({ input, end, total, pending: 0 });
    }
  }

  /** One settlement more for the line that ends at `end`. */
  hold(input: string, end: number, total: number): Held {
    const last = this.#held.at(-1);
    if (
      this.#first < this.#held.length &&
      last !== undefined &&
      last.input === input &&
      last.end === end &&
      last.pending > 0
    ) {
      last.pending++;
      return last;
    }
    const held = { input, end, total, pending: 1 };
    this.#held.push(held);
    return held;
  }

  settle(held: Held): void {
    held.pending--;
    while (this.#first < this.#held.length) {
      const first = this.#held[this.#first] as Held;
      if (first.pending > 0) {
        break;
      }
      this.#ready = { input: first.input, offset: first.end, total: first.total };
      this.#first++;
    }
    if (this.#first > 1024 && this.#first * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Lines that wait for a settlement. */
  get open(): number {
    return this.#held.length - this.#first;
  }

  get hasReady(): boolean {
    return this.#ready !== undefined;
  }

  /** The furthest position that is ready, if it was not taken yet. */
  take(): Position | undefined {
    const ready = this.#ready;
    this.#ready = undefined;
    return ready;
  }
}
