import { microsText } from "../lines/event-time.ts";

/** A time in which no event was written. */
export interface LogGap {
  readonly from: string;
  readonly to: string;
  readonly seconds: number;
}

const MOST = 50;
const SHOWN = 20;
/** A control plane renews leases every few seconds: shorter silence means nothing. */
const SHORTEST_MICROS = 10_000_000;
/** At the log's own rate, so many events would be expected in the gap. */
const EXPECTED = 30;

/** In microseconds. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/** What {@link LogGaps.restore} goes on from. */
export interface GapsSnapshot {
  readonly longest: Gap[];
  readonly events: number;
  readonly first: number;
  readonly last: number;
}

/** Finds times without events that the log's own rate does not explain. */
export class LogGaps {
  /** The longest ones, longest first. */
  #longest: Gap[] = [];
  #events = 0;
  #first = 0;
  #last = 0;

  /** Takes the time of the next event, in order. */
  add(micros: number): void {
    const last = this.#last;
    this.#events++;
    if (last === 0) {
      this.#first = micros;
    } else if (micros - last >= SHORTEST_MICROS) {
      this.#put({ from: last, to: micros });
    }
    this.#last = Math.max(last, micros);
  }

  snapshot(): GapsSnapshot {
    return { longest: this.#longest, events: this.#events, first: this.#first, last: this.#last };
  }

  restore({ longest, events, first, last }: GapsSnapshot): void {
    this.#longest = longest;
    this.#events = events;
    this.#first = first;
    this.#last = last;
  }

  total(): readonly LogGap[] {
    const silent = this.#longest.reduce((sum, { from, to }) => sum + to - from, 0);
    const interval = (this.#last - this.#first - silent) / Math.max(1, this.#events);
    return this.#longest
      .filter(({ from, to }) => to - from >= EXPECTED * interval)
      .slice(0, SHOWN)
      .map(({ from, to }) => ({ from: microsText(from), to: microsText(to), seconds: (to - from) / 1_000_000 }));
  }

  #put(gap: Gap): void {
    const place = this.#longest.findIndex(({ from, to }) => to - from < gap.to - gap.from);
    this.#longest.splice(place === -1 ? this.#longest.length : place, 0, gap);
    this.#longest.length = Math.min(this.#longest.length, MOST);
  }
}
