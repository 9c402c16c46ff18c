import type { Detection } from "../definition/detection.ts";
import { SETTLED } from "./open-request.ts";
import type { Standing } from "./open-request.ts";

type Standings = ReadonlyMap<Detection, Standing>;

interface Node {
  readonly next: Map<Detection, Node>;
  standings: Standings | undefined;
}

/** There are a few dozen in a cluster; when there are more all are given up. */
const MOST_NODES = 4096;

/**
 * Gives requests of which nothing is waited for one map together where the same detections are settled in the same order: there may be 50,000
 * of them, and a map takes as much as all else that is known of one.
 */
export class SettledTogether {
  #root = newNode();
  #nodes = 0;

  /** The map to use in place of one with the same in it, which must not change from here on; undefined where something is waited for. */
  of(standings: Standings): Standings | undefined {
    for (const standing of standings.values()) {
      if (standing !== SETTLED) {
        return undefined;
      }
    }
    if (this.#nodes >= MOST_NODES) {
      this.#root = newNode();
      this.#nodes = 0;
    }
    let node = this.#root;
    for (const detection of standings.keys()) {
      let next = node.next.get(detection);
      if (next === undefined) {
        next = newNode();
        node.next.set(detection, next);
        this.#nodes++;
      }
      node = next;
    }
    return (node.standings ??= standings);
  }
}

function newNode(): Node {
  return { next: new Map(), standings: undefined };
}
