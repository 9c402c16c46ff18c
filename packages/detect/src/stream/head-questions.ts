import type { LeftConditions } from "../plan/body-verdicts.ts";
import { ALWAYS } from "../condition/simplify.ts";
import type { Detection } from "../definition/detection.ts";
import type { DetectionEngine } from "../detection-engine.ts";
import { headReader } from "../plan/field-readers.ts";
import { firstSeenKeys, isOfUnnamed } from "../memory/first-seen.ts";
import type { FirstSeenKeys, FirstSeenStore } from "../memory/first-seen.ts";
import { keptOfActor } from "../reading/head-view.ts";
import type { HeadView } from "../reading/head-view.ts";
import type { Asked } from "./judge.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import type { Grounds } from "../memory/grounds.ts";
import { USE } from "../feeders.ts";
import { useOf } from "../memory/head-reads.ts";
import { changeOfPod } from "../memory/pod-change.ts";
import type { PodChange } from "../memory/pod-change.ts";
import type { Standing, StandingAnswers } from "./standing-answers.ts";
import type { Wanted } from "./wanted.ts";

const KNOWN = Symbol("known");
const ANSWERS = Symbol("answers");

/** What was answered about heads that are alike but for names, by what the conditions say that look at these. */
interface Answers {
  of: HeadQuestions | undefined;
  /** Undefined: not asked yet. */
  byNames: (Answer | undefined)[];
}

interface Answer {
  /** Undefined where it was given once, or will not be the same the next time. */
  standing: Standing | undefined;
  asked: readonly Detection[];
  left: LeftConditions | undefined;
  wanted: Wanted | undefined;
}

/** What is left of candidates when all that they saw before is known. */
interface Known {
  asked: readonly Detection[];
  store: FirstSeenStore | undefined;
  rotations: number;
  fresh: readonly Detection[];
}

/** Asks heads what must be done with their events, beside what is remembered in one stream. */
export class HeadQuestions {
  readonly #engine: DetectionEngine;
  readonly #memory: ClusterMemory;
  readonly #firstSeen: FirstSeenStore;
  readonly #standing: StandingAnswers;
  /** Whether every use of a credential is told to the ledger, or known to it. */
  readonly remembersUses: boolean;
  /** The last answer, and what the same head leaves of their conditions. */
  #asked: readonly Detection[] = [];
  /** What that rests on, where it was noted. */
  #grounds: Grounds | undefined;
  #left: LeftConditions | undefined;
  /** Where it came from what was answered before, or will be given again. */
  #answer: Answer | undefined;

  constructor(engine: DetectionEngine, memory: ClusterMemory, firstSeen: FirstSeenStore, standing: StandingAnswers) {
    this.#engine = engine;
    this.#standing = standing;
    this.#memory = memory;
    this.#firstSeen = firstSeen;
    this.remembersUses = engine.remembers.has("credentials");
  }

  /** The detections that neither the head nor what is remembered rules out, and {@link USE} where a credential is used anew. */
  candidates(head: HeadView): readonly Detection[] {
    this.#answer = undefined;
    this.#grounds = undefined;
    const names = this.#engine.saidOfNames(head);
    if (names === undefined) {
      return this.#askNoting(head);
    }
    const answers = this.#engine.keep(head, ANSWERS, newAnswers);
    if (answers.of !== this) {
      answers.of = this;
      answers.byNames = [];
    }
    const known = answers.byNames[names];
    if (known?.standing?.stands === true) {
      this.#asked = known.asked;
      this.#left = known.left;
      this.#answer = known;
      return known.asked;
    }
    const answer = known ?? { standing: undefined, asked: [], left: undefined, wanted: undefined };
    answers.byNames[names] = answer;
    return this.#learn(head, answer, known !== undefined);
  }

  /** As {@link HeadQuestions.candidates}, looking up everything that the answer rests on. */
  askAnew(head: HeadView): readonly Detection[] {
    const asked = this.#engine.candidates(head, this.#memory);
    const fresh = asked.some(isFirstSeen) ? this.#fresh(asked, head) : asked;
    this.#asked = this.#isNewUse(head) ? [...fresh, USE] : fresh;
    this.#left = this.#asked.length === 0 ? undefined : this.#engine.left(head);
    return this.#asked;
  }

  /** Notes what it rests on: who hears that there are none will mostly want to know. */
  #askNoting(head: HeadView): readonly Detection[] {
    this.#grounds = this.#memory.grounds(() => this.askAnew(head));
    return this.#asked;
  }

  /** Most heads are met once: an answer without candidates is kept where the head `isMet` again. */
  #learn(head: HeadView, answer: Answer, isMet: boolean): readonly Detection[] {
    const { rotations } = this.#standing;
    const asked = this.#askNoting(head);
    if (!isMet && asked.length === 0) {
      return asked;
    }
    const grounds = this.#grounds ?? [];
    // What is not known yet may be with the next event; and what was forgotten meanwhile may be what was asked for first.
    const isLasting = this.#standing.rotations === rotations && !asked.some((one) => one === USE || isFirstSeen(one));
    answer.standing = isLasting && this.#isOfUnnamed(head) ? this.#standing.on(grounds) : undefined;
    answer.asked = asked;
    answer.left = this.#left;
    answer.wanted = undefined;
    this.#answer = answer;
    return asked;
  }

  /** Whether what first-seen detections have seen is alike for all heads that differ from this one in names alone. */
  #isOfUnnamed(head: HeadView): boolean {
    // Those that the memory rules out need not be found where none is another one.
    return (
      Array.from(this.#engine.rest(head).keys()).every(isSeenAlike) ||
      this.#engine.candidates(head, this.#memory).every(isSeenAlike)
    );
  }

  /** Whether another head that differs from this one in names alone might have other candidates. */
  isNamed(head: HeadView): boolean {
    return this.#engine.isNamed(head) || !this.#isOfUnnamed(head);
  }

  /** The last answer. */
  get asked(): readonly Detection[] {
    return this.#asked;
  }

  /** What the last answer rests on, if there were candidates and all heads that differ from that one in names alone, and say the same of them, have the same. */
  get standing(): Standing | undefined {
    const answer = this.#answer;
    return answer !== undefined && answer.asked.length > 0 && answer.standing?.stands === true
      ? answer.standing
      : undefined;
  }

  /** What it rests on that the head asked last has no candidates; undefined where it has, or that is not known any more, or would not hold for long. */
  get quietStanding(): Standing | undefined {
    if (this.#asked.length > 0) {
      return undefined;
    }
    const known = this.#answer?.standing;
    if (known?.stands === true) {
      return known;
    }
    return this.#grounds !== undefined && this.#memory.stands(this.#grounds)
      ? this.#standing.on(this.#grounds)
      : undefined;
  }

  /** What is to be pushed of such heads. Call it only where there is a {@link HeadQuestions.standing}. */
  wanted(): Wanted | undefined {
    const answer = this.#answer;
    return answer && wantedOf(answer);
  }

  /** Whether nothing but the memory waits for events with these candidates. */
  isOnlyTold(asked: readonly Detection[]): boolean {
    return this.remembersUses && asked.length > 0 && asked.every((one) => this.#engine.feeders.has(one));
  }

  /** What the memory must be told of an event with this head and these candidates, if nothing else waits for it and the head says it for sure. */
  toldOf(head: HeadView, asked: readonly Detection[]): PodChange | undefined {
    const rest = this.#engine.rest(head);
    return this.isOnlyTold(asked) && asked.every((one) => rest.get(one) === ALWAYS) ? changeOfPod(head) : undefined;
  }

  /** Whether all heads that differ from this one in plain names alone have the same candidates as it; false says nothing. */
  areForPlainNames(head: HeadView): boolean {
    return this.#engine.areForPlainNames(head) && this.#isOfUnnamed(head);
  }

  /** Whether another head that differs from this one in its namespace alone might have other candidates. */
  isOfNamespace(head: HeadView): boolean {
    return this.#engine.isOfNamespace(head);
  }

  /** What to ask of an event with these candidates: if the head asked last has them, no more than that leaves of their conditions. */
  ofEvent(asked: readonly Detection[]): Asked {
    const answer = this.#answer;
    if (answer?.asked === asked) {
      return wantedOf(answer);
    }
    return { asked, left: asked === this.#asked ? this.#left : undefined, judged: undefined };
  }

  /** Whether the ledger must be told of the use of a credential; false only where the head asked last says that it knows. */
  isUseAmong(asked: readonly Detection[]): boolean {
    return this.remembersUses && (asked !== this.#asked || asked.includes(USE));
  }

  /** The candidates without first-seen detections that have seen this before. Not asked one by one while nothing of it can have changed. */
  #fresh(asked: readonly Detection[], head: HeadView): readonly Detection[] {
    const store = this.#firstSeen;
    const last = this.#engine.keep(head, KNOWN, newKnown);
    if (last.store === store && last.rotations === store.rotations && areSame(last.asked, asked)) {
      return last.fresh;
    }
    // What is asked first is the first to go where values are forgotten meanwhile: then it is to be asked again.
    const { rotations } = store;
    const fresh = asked.filter((one) => !this.#isKnown(one, head));
    // What is not known yet may be with the next event.
    const isLasting =
      !fresh.some(isFirstSeen) && asked.every(({ firstSeen }) => firstSeen === undefined || isOfUnnamed(firstSeen));
    if (isLasting) {
      Object.assign(last, { asked, store, rotations, fresh });
    }
    return fresh;
  }

  /** Whether the head alone says that a first-seen detection has seen this before, or that there is nothing to see. */
  #isKnown(detection: Detection, head: HeadView): boolean {
    const { firstSeen } = detection;
    if (firstSeen === undefined) {
      return false;
    }
    const keys = (): FirstSeenKeys | undefined =>
      firstSeenKeys(detection, firstSeen, headReader(head, "whole", this.#memory));
    const known = isOfUnnamed(firstSeen) ? this.#engine.keep(head, detection, keys) : keys();
    // No value is none that is new, where the condition holds for sure: else it is counted that the log does not say.
    return known?.length === 0 ? this.#engine.rest(head).get(detection) === ALWAYS : this.#firstSeen.isKnown(known);
  }

  /** Whether the credential that the head names has not come from this address yet. */
  #isNewUse(head: HeadView): boolean {
    if (!this.remembersUses) {
      return false;
    }
    const use = keptOfActor(head, USE, () => useOf(head));
    return use !== undefined && !this.#memory.credentials.knowsUse(use);
  }
}

function isFirstSeen({ firstSeen }: Detection): boolean {
  return firstSeen !== undefined;
}

function wantedOf(answer: Answer): Wanted {
  const { asked, left } = answer;
  return (answer.wanted ??= { asked, left, judged: undefined, kept: undefined });
}

function isSeenAlike({ firstSeen }: Detection): boolean {
  return firstSeen === undefined || isOfUnnamed(firstSeen);
}

function newAnswers(): Answers {
  return { of: undefined, byNames: [] };
}

function newKnown(): Known {
  return { asked: [], store: undefined, rotations: 0, fresh: [] };
}

function areSame(some: readonly Detection[], others: readonly Detection[]): boolean {
  return some === others || (some.length === others.length && some.every((one, index) => one === others[index]));
}
