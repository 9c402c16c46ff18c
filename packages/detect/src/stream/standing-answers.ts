import type { FirstSeenStore } from "../memory/first-seen.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { groundKeys } from "../memory/grounds.ts";
import type { GroundKey, Grounds, Remembered } from "../memory/grounds.ts";
import type { MapWatch } from "../memory/recent-map.ts";

/** What an answer about a head rests on. */
export interface Standing {
  /** False for good as soon as that has changed: then must be asked anew. */
  readonly stands: boolean;
}

/** Those that rest on something that may change by itself. When there are more all are given up. */
const MAX_ANSWERS = 16_384;

/**
 * Takes answers back when what they rest on has changed: what was looked up about a pod, a credential, a node or a binding is written
 * anew; a store forgets a half of what it holds (then also those which skip questions would let things be forgotten that are still asked
 * for); a grant is no longer recent; a snapshot takes the place of everything.
 */
export class StandingAnswers {
  readonly #memory: ClusterMemory;
  /** Rests on nothing but that everything seen is still known. */
  #plain = { stands: true };
  /** Those that rest on something else, by what that is. */
  readonly #resting: Readonly<Record<Remembered, Map<string, { stands: boolean }[]>>> = {
    pod: new Map(),
    credential: new Map(),
    use: new Map(),
    node: new Map(),
    grant: new Map(),
    subject: new Map(),
  };
  #answers = 0;
  /** Event time after which a grant that was recent is not, in ms. */
  #until = Number.POSITIVE_INFINITY;
  #epoch = 0;
  #rotations = 0;

  constructor(memory: ClusterMemory, firstSeen: FirstSeenStore) {
    this.#memory = memory;
    const rotated = (): void => this.#endAll();
    memory.watch(
      // A use that is known stays so until it is forgotten.
      (kind): MapWatch =>
        kind === "use"
          ? { changed: ignore, rotated }
          : { changed: (key) => this.#end(this.#resting[kind], key), rotated },
      () => this.#advanced(),
    );
    firstSeen.watch({ changed: ignore, rotated });
  }

  /** Grows whenever an answer has ended. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Grows whenever all have ended: what is asked meanwhile may be known for the last time. */
  get rotations(): number {
    return this.#rotations;
  }

  /** Where nothing but that everything seen is still known is looked at. */
  get plain(): Standing {
    return this.#plain;
  }

  /** How an answer stands that rests on these grounds; undefined where it would not for long. */
  on(grounds: Grounds): Standing | undefined {
    const keys = groundKeys(grounds);
    if (keys === undefined || keys.length === 0) {
      return keys && this.#plain;
    }
    if (this.#answers === MAX_ANSWERS) {
      this.#endAll();
    }
    this.#answers++;
    const standing = { stands: true };
    for (let i = 0; i < keys.length; i++) {
      const { kind, key } = keys[i] as GroundKey;
      const resting = this.#resting[kind].get(key);
      if (resting === undefined) {
        this.#resting[kind].set(key, [standing]);
      } else {
        resting.push(standing);
      }
    }
    this.#until = Math.min(this.#until, this.#memory.until(grounds));
    return standing;
  }

  #advanced(): void {
    if (this.#memory.now > this.#until) {
      this.#endAll();
    }
  }

  #end(resting: Map<string, { stands: boolean }[]>, key: string): void {
    const ended = resting.get(key);
    if (ended !== undefined) {
      this.#epoch++;
      resting.delete(key);
      for (const standing of ended) {
        standing.stands = false;
      }
    }
  }

  #endAll(): void {
    this.#rotations++;
    this.#epoch++;
    this.#plain.stands = false;
    this.#plain = { stands: true };
    for (const resting of Object.values(this.#resting)) {
      for (const key of resting.keys()) {
        this.#end(resting, key);
      }
    }
    this.#answers = 0;
    this.#until = Number.POSITIVE_INFINITY;
  }
}

function ignore(): void {}
