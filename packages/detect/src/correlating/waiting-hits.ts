import { areSameHits, lengthOf } from "../correlation-hit.ts";
import type { CorrelationHit } from "../correlation-hit.ts";
import { MinHeap } from "./min-heap.ts";

/** Those of one moment are compared one by one while they are so few; then they are known by their ids. */
const FEW = 8;
/** While no more wait, a hit is not asked for its id, which takes long to make: until then it holds all that names its request. */
const UNNAMED = 4096;

type OfMoment = CorrelationHit[] | Map<string, CorrelationHit[]>;

/** Hits that wait for their turn, the earliest first; of one that comes again while it waits only the first. */
export class WaitingHits {
  readonly #hits = new MinHeap<CorrelationHit>(isEarlier);
  /** Those that wait, by their times. A window would take only the first of equal ones: a log that is read again must not fill the memory. */
  readonly #byTime = new Map<number, OfMoment>();
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
    const length = lengthOf(hit);
    const others = this.#othersOf(hit);
    // Another stage of a request may hit at the same moment; its line is not as long.
    if (others.some((other) => lengthOf(other) === length && areSameHits(other, hit))) {
      return false;
    }
    others.push(hit);
    this.#hits.push(hit);
    this.#length += length;
    if (this.#hits.size > UNNAMED) {
      void hit.id;
    }
    return true;
  }

  peek(): CorrelationHit | undefined {
    return this.#hits.peek();
  }

  pop(): CorrelationHit | undefined {
    const hit = this.#hits.pop();
    if (hit !== undefined) {
      this.#length -= lengthOf(hit);
      this.#forget(hit);
    }
    return hit;
  }

  /** In no order. */
  items(): readonly CorrelationHit[] {
    return this.#hits.items();
  }

  /** Where those wait that may be the same. */
  #othersOf(hit: CorrelationHit): CorrelationHit[] {
    let known = this.#byTime.get(hit.time);
    if (known === undefined) {
      known = [];
      this.#byTime.set(hit.time, known);
    } else if (Array.isArray(known) && known.length >= FEW) {
      known = Map.groupBy(known, ({ id }) => id);
      this.#byTime.set(hit.time, known);
    }
    if (Array.isArray(known)) {
      return known;
    }
    const same = known.get(hit.id) ?? [];
    known.set(hit.id, same);
    return same;
  }

  #forget(hit: CorrelationHit): void {
    const known = this.#byTime.get(hit.time);
    const others = known === undefined || Array.isArray(known) ? known : known.get(hit.id);
    if (known === undefined || others === undefined) {
      return;
    }
    others.splice(others.indexOf(hit), 1);
    if (!Array.isArray(known) && others.length === 0) {
      known.delete(hit.id);
    }
    if ((Array.isArray(known) ? known.length : known.size) === 0) {
      this.#byTime.delete(hit.time);
    }
  }
}

function isEarlier(a: CorrelationHit, b: CorrelationHit): boolean {
  return a.time < b.time || (a.time === b.time && a.id < b.id);
}
