/** A queue that gives the least first, by the order it is made with. */
export class MinHeap<T> {
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #items: T[] = [];

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** In no order. */
  items(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above] as T;
      if (!this.#isBefore(item, parent)) {
        break;
      }
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) {
      return least;
    }
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < items.length && this.#isBefore(items[below + 1] as T, items[below] as T)) {
        below++;
      }
      if (below >= items.length || !this.#isBefore(items[below] as T, last)) {
        break;
      }
      items[at] = items[below] as T;
      at = below;
    }
    items[at] = last;
    return least;
  }
}
