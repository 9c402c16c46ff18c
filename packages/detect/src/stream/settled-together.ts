import type { Detection } from "../definition/detection.ts";
import { NO_STANDINGS, SETTLED } from "./open-request.ts";
import type { Standing } from "./open-request.ts";

type Standings = ReadonlyMap<Detection, Standing>;

/** There are a few dozen in a cluster; when there are more all are given up. */
const MOST = 4096;

/**
 * Gives requests of which nothing is waited for one map together where the same detections are settled in the same order: there may be 50,000
 * of them, and a map takes as much as all else that is known of one.
 */
export class SettledTogether {
  readonly #next = new Map<Standings, Map<Detection, Standings>>();
  #count = 0;

  /** The map in which one detection more is settled than in one of those, which must not change. */
  with(standings: Standings, detection: Detection): Standings {
    if (standings.has(detection)) {
      return standings;
    }
    const known = this.#next.get(standings)?.get(detection);
    if (known !== undefined) {
      return known;
    }
    if (this.#count++ === MOST) {
      this.#next.clear();
      this.#count = 1;
    }
    const made = new Map(standings).set(detection, SETTLED);
    const next = this.#next.get(standings);
    if (next === undefined) {
      this.#next.set(standings, new Map([[detection, made]]));
    } else {
      next.set(detection, made);
    }
    return made;
  }

  /** The map to use in place of one in which the same are settled, and nothing is waited for. */
  of(standings: Standings): Standings {
    let together = NO_STANDINGS;
    for (const detection of standings.keys()) {
      together = this.with(together, detection);
    }
    return together;
  }
}
