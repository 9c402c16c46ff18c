import type { FirstSeenStore } from "./first-seen.ts";
import type { HeadQuestions } from "./head-questions.ts";
import type { HeadView } from "./head-view.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import { groundKeys } from "./memory/grounds.ts";
import type { Remembered } from "./memory/grounds.ts";
import type { MapWatch } from "./memory/recent-map.ts";

/**
 * That a stream wants nothing of the events with a head: pushing them changes nothing, so whoever knows that a line has such a head need
 * not look at it again. It rests on every head field but `requestURI` and `objectRef.name` (an absent one must stay absent), and on
 * these two as well where it says so; and on what is remembered, as long as it stands.
 */
export interface QuietAnswer {
  /** Whether it holds only for events with the same `requestURI` and `objectRef.name`. */
  readonly isNamed: boolean;
  /**
   * Where it is named: whether it holds as well for every `requestURI` that differs in a plain name alone, one or more letters, digits, `-`, `.`
   * and `:` in the place of such ones, whatever `objectRef.name` is.
   */
  readonly isForPlainNames: boolean;
  /** False for good as soon as what it rests on has changed: then such an event must be asked about again. */
  readonly stands: boolean;
}

interface Answer extends QuietAnswer {
  stands: boolean;
}

/** Answers that rest on something that may change by itself. When there are more all are given up. */
const MAX_ANSWERS = 16_384;

/**
 * Of a `FindingStream`: gives answers that nothing is to be done, and takes them back when what they rest on has changed: what was looked up about a pod, a
 * credential, a node or a binding is written anew; a store forgets a half of what it holds (then also those which skip events
 * would let things be forgotten that are still asked for); a grant is no longer recent; a snapshot takes the place of everything.
 * Answers end only within `candidates`, `push`, `advance` and `restore` of the stream, or of one that remembers with it.
 *
 * @example
 * const stream = new FindingStream(new DetectionEngine([]));
 * const head = headOf({ level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/version", verb: "get",
 *   user: { username: "eve" } });
 * assert.deepEqual(stream.candidates(head), []);
 * const answer = stream.quiet.about(head);
 * // While it stands, events with this head (or, unless it is named, with one that differs in names) can be passed over.
 * assert.equal(answer?.stands, true);
 */
export class QuietAnswers {
  readonly #questions: HeadQuestions;
  readonly #memory: ClusterMemory;
  /** What rests on nothing but that everything seen is still known. */
  #plain = newPlain();
  /** Those that rest on something else, by what that is. */
  readonly #resting: Readonly<Record<Remembered, Map<string, Set<Answer>>>> = {
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
  /** How many there were before the last head was asked about. */
  #before = 0;

  constructor(questions: HeadQuestions, memory: ClusterMemory, firstSeen: FirstSeenStore) {
    this.#questions = questions;
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

  /**
   * The answer about the head asked last, for which there are no candidates; undefined where there are, or it would not hold for long. It costs
   * several times what asking for candidates does: for who remembers it.
   */
  about(head: HeadView): QuietAnswer | undefined {
    // What was forgotten while it was asked may be what it was asked for first: asking once more would remember it again.
    if (this.#rotations !== this.#before) {
      return undefined;
    }
    let isQuiet = false;
    let isNamed = true;
    let isForPlainNames = false;
    const grounds = this.#memory.grounds(() => {
      isQuiet = this.#questions.candidates(head).length === 0;
      isNamed = this.#questions.isNamed(head);
      isForPlainNames = isNamed && this.#questions.isQuietForPlainNames(head);
    });
    const keys = groundKeys(grounds);
    if (!isQuiet || keys === undefined || this.#rotations !== this.#before) {
      return undefined;
    }
    if (keys.length === 0) {
      return !isNamed ? this.#plain.unnamed : isForPlainNames ? this.#plain.forPlainNames : this.#plain.named;
    }
    if (this.#answers === MAX_ANSWERS) {
      this.#endAll();
    }
    this.#answers++;
    const answer: Answer = { isNamed, isForPlainNames, stands: true };
    for (const [kind, key] of keys) {
      const resting = this.#resting[kind].get(key);
      if (resting === undefined) {
        this.#resting[kind].set(key, new Set([answer]));
      } else {
        resting.add(answer);
      }
    }
    this.#until = Math.min(this.#until, this.#memory.until(grounds));
    return answer;
  }

  /** To be told before a head is asked about. */
  asking(): void {
    this.#before = this.#rotations;
  }

  #advanced(): void {
    if (this.#memory.now > this.#until) {
      this.#endAll();
    }
  }

  #end(resting: Map<string, Set<Answer>>, key: string): void {
    const ended = resting.get(key);
    if (ended !== undefined) {
      this.#epoch++;
      resting.delete(key);
      for (const answer of ended) {
        answer.stands = false;
      }
    }
  }

  #endAll(): void {
    this.#rotations++;
    this.#epoch++;
    this.#plain.named.stands = false;
    this.#plain.forPlainNames.stands = false;
    this.#plain.unnamed.stands = false;
    this.#plain = newPlain();
    for (const resting of Object.values(this.#resting)) {
      for (const key of resting.keys()) {
        this.#end(resting, key);
      }
    }
    this.#answers = 0;
    this.#until = Number.POSITIVE_INFINITY;
  }
}

function newPlain(): Readonly<Record<"named" | "forPlainNames" | "unnamed", Answer>> {
  return {
    named: { isNamed: true, isForPlainNames: false, stands: true },
    forPlainNames: { isNamed: true, isForPlainNames: true, stands: true },
    unnamed: { isNamed: false, isForPlainNames: false, stands: true },
  };
}

function ignore(): void {}
