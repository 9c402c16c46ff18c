/** Something that stands in a {@link UseOrder}, and in one only; its neighbours there. */
export interface Used<T> {
  before: T | undefined;
  after: T | undefined;
}

/** Things in the order in which they were last used. They carry their neighbours themselves. */
export class UseOrder<T extends Used<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** Puts it last, whether it is there already or not. */
  use(one: T): void {
    if (this.#newest === one) {
      return;
    }
    this.remove(one);
    one.before = this.#newest;
    if (this.#newest === undefined) {
      this.#oldest = one;
    } else {
      this.#newest.after = one;
    }
    this.#newest = one;
  }

  /** Takes it out; what is not there changes nothing. */
  remove(one: T): void {
    if (one.before !== undefined) {
      one.before.after = one.after;
    } else if (this.#oldest === one) {
      this.#oldest = one.after;
    }
    if (one.after !== undefined) {
      one.after.before = one.before;
    } else if (this.#newest === one) {
      this.#newest = one.before;
    }
    one.before = undefined;
    one.after = undefined;
  }

  /** All of them, the one that was used longest ago first. */
  all(): readonly T[] {
    const all: T[] = [];
    for (let one = this.#oldest; one !== undefined; one = one.after) {
      all.push(one);
    }
    return all;
  }
}
