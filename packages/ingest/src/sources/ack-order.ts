/** A run of whole lines that was handed on. */
interface Handed {
  readonly input: string;
  /** Offset behind its last line. */
  readonly end: number;
}

/**
 * The order in which whole lines of several inputs were handed on: an acknowledgement of one input stands for everything that
 * was handed on before it, whatever input it is of.
 */
export class AckOrder {
  #handed: Handed[] = [];

  /** Lines of `input` up to `end` were handed on. */
  add(input: string, end: number): void {
    const last = this.#handed.at(-1);
    if (last?.input === input) {
      this.#handed[this.#handed.length - 1] = { input, end };
    } else {
      this.#handed.push({ input, end });
    }
  }

  /** What is acknowledged by an acknowledgement of `input` at `offset`: the furthest offset of each input. */
  take(input: string, offset: number): ReadonlyMap<string, number> {
    const acked = new Map<string, number>();
    const at = this.#handed.findIndex((one) => one.input === input && one.end >= offset);
    if (at === -1) {
      return acked;
    }
    for (const one of this.#handed.slice(0, at)) {
      acked.set(one.input, one.end);
    }
    acked.set(input, offset);
    this.#handed = this.#handed.slice(this.#handed[at]?.end === offset ? at + 1 : at);
    return acked;
  }

  /** Nothing of `input` is acknowledged any more. */
  forget(input: string): void {
    this.#handed = this.#handed.filter((one) => one.input !== input);
  }
}
