import type { HeadQuestions } from "./head-questions.ts";
import type { HeadView } from "./head-view.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import type { Standing, StandingAnswers } from "./standing-answers.ts";

/**
 * That a stream wants nothing of the events with a head: pushing them changes nothing, so whoever knows that a line has such a head need
 * not look at it again. It rests on every head field but `requestURI` and `objectRef.name` (an absent one must stay absent), and on
 * these two as well where it says so; and on what is remembered, as long as it stands.
 */
export interface QuietAnswer extends Standing {
  /** Whether it holds only for events with the same `requestURI` and `objectRef.name`. */
  readonly isNamed: boolean;
  /**
   * Where it is named: whether it holds as well for every `requestURI` that differs in a plain name alone, one or more letters, digits, `-`, `.`
   * and `:` in the place of such ones, whatever `objectRef.name` is.
   */
  readonly isForPlainNames: boolean;
}

/**
 * Of a `FindingStream`: gives answers that nothing is to be done, and takes them back when what they rest on has changed. They end only within `candidates`, `push`, `advance` and `restore` of the stream, or of one that remembers with it.
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
  readonly #standing: StandingAnswers;
  /** What rests on nothing but that everything seen is still known; there are few kinds. */
  #plain: { readonly standing: Standing; readonly kinds: Map<string, QuietAnswer> } | undefined;
  /** What was forgotten before the last head was asked about. */
  #before = 0;

  constructor(questions: HeadQuestions, memory: ClusterMemory, standing: StandingAnswers) {
    this.#questions = questions;
    this.#memory = memory;
    this.#standing = standing;
  }

  /** Grows whenever an answer has ended. */
  get epoch(): number {
    return this.#standing.epoch;
  }

  /**
   * The answer about the head asked last, for which there are no candidates; undefined where there are, or it would not hold for long. It costs
   * several times what asking for candidates does: for who remembers it.
   */
  about(head: HeadView): QuietAnswer | undefined {
    // What was forgotten while it was asked may be what it was asked for first: asking once more would remember it again.
    if (this.#standing.rotations !== this.#before) {
      return undefined;
    }
    let isQuiet = false;
    let isNamed = true;
    let isForPlainNames = false;
    const grounds = this.#memory.grounds(() => {
      isQuiet = this.#questions.askAnew(head).length === 0;
      isNamed = this.#questions.isNamed(head);
      isForPlainNames = isNamed && this.#questions.isQuietForPlainNames(head);
    });
    if (!isQuiet || this.#standing.rotations !== this.#before) {
      return undefined;
    }
    const standing = this.#standing.on(grounds);
    return standing && this.#answer(standing, isNamed, isForPlainNames);
  }

  /** To be told before a head is asked about. */
  asking(): void {
    this.#before = this.#standing.rotations;
  }

  #answer(standing: Standing, isNamed: boolean, isForPlainNames: boolean): QuietAnswer {
    if (standing !== this.#standing.plain) {
      return new HeldAnswer(standing, isNamed, isForPlainNames);
    }
    if (this.#plain?.standing !== standing) {
      this.#plain = { standing, kinds: new Map() };
    }
    const { kinds } = this.#plain;
    const kind = `${isNamed} ${isForPlainNames}`;
    const known = kinds.get(kind) ?? new HeldAnswer(standing, isNamed, isForPlainNames);
    kinds.set(kind, known);
    return known;
  }
}

class HeldAnswer implements QuietAnswer {
  readonly isNamed: boolean;
  readonly isForPlainNames: boolean;
  readonly #standing: Standing;

  constructor(standing: Standing, isNamed: boolean, isForPlainNames: boolean) {
    this.#standing = standing;
    this.isNamed = isNamed;
    this.isForPlainNames = isForPlainNames;
  }

  get stands(): boolean {
    return this.#standing.stands;
  }
}
