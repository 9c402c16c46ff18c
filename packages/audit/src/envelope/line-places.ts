const MOST_FORGOTTEN = 1024;

/** Where lines that came out of something stand in it. To be asked in the order of the lines. */
export class LinePlaces {
  /** Offsets among the lines, and where in the input that begins which is there. */
  #lines: number[] = [];
  #places: number[] = [];
  #first = 0;

  /** What stands at `line` among the lines begins `at` in the input. */
  add(line: number, at: number): void {
    if (this.#lines.at(-1) === line) {
      this.#places[this.#places.length - 1] = at;
      return;
    }
    this.#lines.push(line);
    this.#places.push(at);
  }

  /** Where in the input that begins which stands at `line` among the lines. What stands before is forgotten. */
  find(line: number): number {
    while (this.#first + 1 < this.#lines.length && (this.#lines[this.#first + 1] as number) <= line) {
      this.#first++;
    }
    if (this.#first > MOST_FORGOTTEN) {
      this.#lines = this.#lines.slice(this.#first);
      this.#places = this.#places.slice(this.#first);
      this.#first = 0;
    }
    return this.#places[this.#first] ?? 0;
  }
}
