/**
 * How many requests may be under way: grows by one a round while all goes well, halves when the server is overloaded
 * (additive increase, multiplicative decrease).
 */
export class InFlight {
  readonly #most: number;
  #limit: number;
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(start: number, most: number) {
    this.#limit = start;
    this.#most = most;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Runs `request` when there is room. It says whether the server was overloaded. */
  async run<T>(request: () => Promise<{ readonly isOverloaded: boolean; readonly answer: T }>): Promise<T> {
    while (this.#active >= this.limit) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#active++;
    try {
      const { isOverloaded, answer } = await request();
      this.#limit = isOverloaded ? Math.max(1, this.#limit / 2) : Math.min(this.#most, this.#limit + 1 / this.#limit);
      return answer;
    } finally {
      this.#active--;
      for (const wake of this.#waiting.splice(0, Math.max(0, this.limit - this.#active))) {
        wake();
      }
    }
  }
}
