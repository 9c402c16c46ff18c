import { lengthOf } from "../correlation-hit.ts";
import type { CorrelationHit } from "../correlation-hit.ts";
import { MinHeap } from "./min-heap.ts";

/** Hits that wait for their turn, the earliest first; of one that comes again while it waits only the first. */
export class WaitingHits {
  readonly #hits = new MinHeap<CorrelationHit>(isEarlier);
  /** Those that wait, by their ids. A window would take only the first of equal ones: a log that is read again must not fill the memory. */
  readonly #byId = new Map<string, CorrelationHit>();
  #length = 0;

  get size(): number {
    return this.#hits.size;
  }

  /** Characters of events that are held. */
  get length(): number {
    return this.#length;
  }

  /** False where the same hit waits. */
  add(hit: CorrelationHit): boolean {
    const same = this.#byId.get(hit.id);
    // Another stage of a request may hit at the same moment; its line is not as long.
    if (same?.time === hit.time && lengthOf(same) === lengthOf(hit)) {
      return false;
    }
    this.#byId.set(hit.id, hit);
    this.#hits.push(hit);
    this.#length += lengthOf(hit);
    return true;
  }

  peek(): CorrelationHit | undefined {
    return this.#hits.peek();
  }

  pop(): CorrelationHit | undefined {
    const hit = this.#hits.pop();
    if (hit !== undefined) {
      this.#length -= lengthOf(hit);
      if (this.#byId.get(hit.id) === hit) {
        this.#byId.delete(hit.id);
      }
    }
    return hit;
  }

  /** In no order. */
  items(): readonly CorrelationHit[] {
    return this.#hits.items();
  }
}

function isEarlier(a: CorrelationHit, b: CorrelationHit): boolean {
  return a.time < b.time || (a.time === b.time && a.id < b.id);
}
