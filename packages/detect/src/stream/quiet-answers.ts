import type { Detection } from "../definition/detection.ts";
import type { HeadQuestions } from "./head-questions.ts";
import type { HeadView } from "../reading/head-view.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import type { PodChange } from "../memory/pod-change.ts";
import type { Standing, StandingAnswers } from "./standing-answers.ts";
import type { Wanted } from "./wanted.ts";

/**
 * What a stream wants of the events with a head: nothing; or to be told of them, pushing them changes nothing else; or that they are pushed
 * as it says. Whoever knows that a line has such a head need not ask about it again. It rests on every head field but `requestURI` and `objectRef.name` (an absent one must stay absent), and on
 * these two as well where it says so; and on what is remembered, as long as it stands.
 */
export interface QuietAnswer extends Standing {
  /** Whether it holds only for events with the same `requestURI` and `objectRef.name`; else that may be any text, but not come or go. */
  readonly isNamed: boolean;
  /**
   * Where it is named: whether it holds as well for every `requestURI` that differs in a plain name of its path alone, one or more letters, digits,
   * `-`, `.` and `:` in the place of such ones, whatever text `objectRef.name` is.
   */
  readonly isForPlainNames: boolean;
  /** Whether it rests on the namespace, too: else it holds as well where that is any other text, and another plain name in the path of the URI. */
  readonly isOfNamespace: boolean;
  /**
   * What {@link FindingStream.tell} must be told of each of these events, in their order; undefined where nothing. Then it is named. Or how
   * {@link FindingStream.pushWanted} must be given each of them.
   */
  readonly tells: PodChange | Wanted | undefined;
  /** The same for all answers that say the same, whatever they rest on and whatever is wanted. */
  readonly form: string;
}

/** What a {@link QuietAnswer} says, apart from whether it stands. */
type Said = Omit<QuietAnswer, "stands" | "form">;
/** The same where nothing is wanted but to be told. */
type SaidQuiet = Said & { readonly tells: PodChange | undefined };

/**
 * Of a `FindingStream`: gives answers that hold for many events, and takes them back when what they rest on has changed. They end only within `candidates`, `push`, `pushWanted`, `tell`, `advance` and `restore` of the stream, or of one that remembers with it.
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
  /** What was answered about what is wanted: as long as it stands it is given again. */
  readonly #wanted = new WeakMap<Wanted, QuietAnswer>();
  /** What was forgotten before the last head was asked about. */
  #before = 0;
  #last: HeadView | undefined;

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
   * The answer about the head asked last, for whose candidates it `isPossible`; undefined where it would not hold for long. It costs
   * several times what asking for candidates does: for who remembers it.
   */
  about(head: HeadView): QuietAnswer | undefined {
    // What was forgotten while it was asked may be what it was asked for first: asking once more would remember it again.
    if (this.#standing.rotations !== this.#before) {
      return undefined;
    }
    if (this.#questions.standing !== undefined && !this.#questions.isOnlyTold(this.#questions.asked)) {
      return this.#wantedOf(head);
    }
    const quiet = this.#last === head ? this.#questions.quietStanding : undefined;
    if (quiet !== undefined) {
      const told = this.#saidOf(head, undefined);
      return quiet.stands && this.#standing.rotations === this.#before ? this.#answer(quiet, told) : undefined;
    }
    let said: SaidQuiet | undefined;
    const grounds = this.#memory.grounds(() => {
      said = this.#said(head);
    });
    if (this.#standing.rotations !== this.#before) {
      return undefined;
    }
    if (said === undefined) {
      return this.#wantedOf(head);
    }
    const standing = this.#standing.on(grounds);
    return standing && this.#answer(standing, said);
  }

  /** Whether there may be an answer about a head with these candidates. */
  isPossible(candidates: readonly Detection[]): boolean {
    return candidates.length === 0 || this.#questions.standing !== undefined || this.#questions.isOnlyTold(candidates);
  }

  /** To be told before a head is asked about. */
  asking(head: HeadView): void {
    this.#before = this.#standing.rotations;
    this.#last = head;
  }

  #wantedOf(head: HeadView): QuietAnswer | undefined {
    const { standing } = this.#questions;
    const tells = standing && this.#questions.wanted();
    if (standing === undefined || tells === undefined) {
      return undefined;
    }
    const isNamed = this.#questions.isNamed(head);
    const isForPlainNames = isNamed && this.#questions.areForPlainNames(head);
    const known = this.#wanted.get(tells);
    if (known?.stands === true && known.isNamed === isNamed && known.isForPlainNames === isForPlainNames) {
      return known;
    }
    // Whoever pushes such events takes their namespace for that of the first one.
    const answer = new HeldAnswer(standing, { isNamed, isForPlainNames, isOfNamespace: true, tells });
    this.#wanted.set(tells, answer);
    return answer;
  }

  #said(head: HeadView): SaidQuiet | undefined {
    const asked = this.#questions.askAnew(head);
    const tells = asked.length === 0 ? undefined : this.#questions.toldOf(head, asked);
    if (asked.length > 0 && tells === undefined) {
      return undefined;
    }
    return this.#saidOf(head, tells);
  }

  #saidOf(head: HeadView, tells: PodChange | undefined): SaidQuiet {
    const isNamed = this.#questions.isNamed(head);
    const isForPlainNames = isNamed ? this.#questions.areForPlainNames(head) : tells !== undefined;
    // What the memory is told rests on the URI as well, if not on its names.
    return {
      isNamed: isNamed || tells !== undefined,
      isForPlainNames,
      isOfNamespace: (isNamed && !isForPlainNames) || this.#questions.isOfNamespace(head),
      tells,
    };
  }

  #answer(standing: Standing, said: SaidQuiet): QuietAnswer {
    if (standing !== this.#standing.plain) {
      return new HeldAnswer(standing, said);
    }
    if (this.#plain?.standing !== standing) {
      this.#plain = { standing, kinds: new Map() };
    }
    const { kinds } = this.#plain;
    const form = formOf(said);
    const known = kinds.get(form) ?? new HeldAnswer(standing, said);
    kinds.set(form, known);
    return known;
  }
}

function formOf({ isNamed, isForPlainNames, isOfNamespace, tells }: Said): string {
  return `${isNamed} ${isForPlainNames} ${isOfNamespace} ${typeof tells === "object" ? "wanted" : tells}`;
}

class HeldAnswer implements QuietAnswer {
  readonly isNamed: boolean;
  readonly isForPlainNames: boolean;
  readonly isOfNamespace: boolean;
  readonly tells: PodChange | Wanted | undefined;
  readonly form: string;
  readonly #standing: Standing;

  constructor(standing: Standing, said: Said) {
    const { isNamed, isForPlainNames, isOfNamespace, tells } = said;
    this.#standing = standing;
    this.form = formOf(said);
    this.isNamed = isNamed;
    this.isForPlainNames = isForPlainNames;
    this.isOfNamespace = isOfNamespace;
    this.tells = tells;
  }

  get stands(): boolean {
    return this.#standing.stands;
  }
}
