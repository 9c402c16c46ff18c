import type { FieldReader } from "../condition/evaluate.ts";
import { tuplesOf } from "../correlation-hit.ts";
import type { Detection } from "../definition/detection.ts";
import type { FirstSeen } from "../definition/first-seen-condition.ts";
import { digest } from "../finding.ts";
import { objectParts } from "../json-parts.ts";
import { headFieldOf, isInPart } from "../reading/head-view.ts";
import { RecentMap } from "./recent-map.ts";
import type { MapWatch } from "./recent-map.ts";
import { readsOf, rememberedField } from "../condition/remembered-fields.ts";

/** What a store says of an event: whether it is new, known, or that the log does not say. */
export type Novelty = "new" | "known" | "unknown";

/** Under which the values of one event are remembered. */
export type FirstSeenKeys = readonly { readonly group: string; readonly tuple: string }[];

/** Values that were seen before, per detection. Bounded: what was not seen for longest is forgotten and counted. */
export class FirstSeenStore {
  /** Of each `per`: when it was first seen, in ms. */
  readonly #groups: RecentMap<number>;
  readonly #tuples: RecentMap<true>;
  #rotations = 0;

  constructor(max = 100_000) {
    this.#groups = new RecentMap(max);
    this.#tuples = new RecentMap(max);
    this.watch({ changed: () => undefined, rotated: () => this.#rotations++ });
  }

  /** Grows whenever values are forgotten: what was known is to be asked for again then, or it is forgotten next. */
  get rotations(): number {
    return this.#rotations;
  }

  get evicted(): number {
    return this.#groups.evicted + this.#tuples.evicted;
  }

  /** Has it told when values are forgotten. */
  watch(tuples: MapWatch): void {
    this.#tuples.watch(tuples);
  }

  /** Whether all of this is known already: then the event need not be looked at. */
  isKnown(keys: FirstSeenKeys | undefined): boolean {
    return keys !== undefined && keys.length > 0 && keys.every(({ tuple }) => this.#tuples.get(tuple) === true);
  }

  /** Takes a hit into account; `time` in ms. */
  learn(first: FirstSeen, keys: FirstSeenKeys | undefined, time: number): Novelty {
    if (!keys) {
      return "unknown";
    }
    let isNew = false;
    for (const { group, tuple } of keys) {
      const since = this.#groups.get(group);
      if (since === undefined) {
        this.#groups.set(group, Number.isNaN(time) ? 0 : time);
      }
      if (this.#tuples.get(tuple) === true) {
        continue;
      }
      this.#tuples.set(tuple, true);
      // Exactly at the end of the span nothing is learned in silence any more: a span of 0 learns nothing.
      const isLearning = first.learnMs > 0 && time - (since ?? time) < first.learnMs;
      isNew ||= since === undefined ? first.findsOpening && first.learnMs === 0 : !isLearning;
    }
    return isNew ? "new" : "known";
  }

  /** For {@link FirstSeenStore.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    return objectParts({
      groups: () => this.#groups.snapshot((since) => since),
      tuples: () => this.#tuples.snapshot((seen) => seen),
    });
  }

  /** `isKept` says of which detections' ids the values are taken over; by default of all. */
  restore(snapshot: unknown, isKept: (id: string) => boolean = () => true): void {
    const { groups, tuples } = (snapshot ?? {}) as Readonly<Record<string, unknown>>;
    const isOfKept = (key: string): boolean => isKept(idOf(key));
    this.#groups.restore(
      groups,
      (value, key) => (typeof value === "number" && isOfKept(key) ? value : undefined),
      keyNow,
    );
    this.#tuples.restore(tuples, (value, key) => (value === true && isOfKept(key) ? true : undefined), keyNow);
  }
}

/** The keys of an event's values; undefined when the log does not say one of them. */
export function firstSeenKeys(
  detection: Detection,
  firstSeen: FirstSeen,
  reader: FieldReader,
): FirstSeenKeys | undefined {
  const { fields, per } = firstSeen;
  const groups = tuplesOf(per, detection, reader);
  const tuples = tuplesOf(fields, detection, reader);
  // Values of bodies may be secret, and keys outlive the event in snapshots.
  const keyOf = isOfBody(firstSeen) ? hashedKey : plainKey;
  return (
    groups &&
    tuples &&
    groups.flatMap((group) =>
      tuples.map((tuple) => ({
        group: keyOf(detection.id, group),
        tuple: keyOf(detection.id, [...group, ...tuple]),
      })),
    )
  );
}

const ofBody = new WeakMap<FirstSeen, boolean>();

/** Whether some of the values stand in a body. */
function isOfBody(firstSeen: FirstSeen): boolean {
  const known = ofBody.get(firstSeen) ?? pathsOf(firstSeen).some((text) => BODY.test(text));
  ofBody.set(firstSeen, known);
  return known;
}

/** A client may choose names of any length, and there are very many keys: longer ones are hashed. */
const MOST_LETTERS = 160;
const BODY = /^(?:request|response)Object\b/;

/** Injective: before each text stands its length. */
function plainKey(id: string, texts: readonly string[]): string {
  let letters = 0;
  // Joined, because a text that is put together bit by bit holds all of these bits, and there are very many.
  const parts: (string | number)[] = [id.length, ":", id];
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i] as string;
    letters += text.length;
    parts.push(" ", text.length, ":", text);
  }
  return letters > MOST_LETTERS ? hashedKey(id, texts) : parts.join("");
}

/** A key as it is written now, of one that a snapshot holds: there long ones were once written out. */
function keyNow(key: string): string {
  const id = idOf(key);
  const texts: string[] = [];
  let at = `${id.length}:${id}`.length;
  while (at < key.length) {
    const colon = key.indexOf(":", at);
    const length = Number(key.slice(at + 1, colon));
    if (colon === -1 || !Number.isInteger(length)) {
      return key;
    }
    texts.push(key.slice(colon + 1, colon + 1 + length));
    at = colon + 1 + length;
  }
  return plainKey(id, texts);
}

function hashedKey(id: string, texts: readonly string[]): string {
  return `${id.length}:${id} ${digest(...texts)}`;
}

/** The detection's id in a key. */
function idOf(key: string): string {
  const colon = key.indexOf(":");
  return key.slice(colon + 1, colon + 1 + Number(key.slice(0, colon)));
}

const ofUnnamed = new WeakMap<FirstSeen, boolean>();

/** Whether the keys depend on nothing but fields of the head that are no names, so that heads alike in those have the same. */
export function isOfUnnamed(firstSeen: FirstSeen): boolean {
  const known = ofUnnamed.get(firstSeen);
  if (known !== undefined) {
    return known;
  }
  const isUnnamed = pathsOf(firstSeen).every(
    (text) => readsOf(text).every(isOutsideNames) && (rememberedField(text)?.parts ?? []).length === 0,
  );
  ofUnnamed.set(firstSeen, isUnnamed);
  return isUnnamed;
}

const ofPlace = new WeakMap<FirstSeen, boolean>();

/** Whether the keys may depend on the namespace of the object; false where they depend on other fields of the head alone. */
export function isOfPlace(firstSeen: FirstSeen): boolean {
  const known = ofPlace.get(firstSeen) ?? !(isOfUnnamed(firstSeen) && pathsOf(firstSeen).every(isOutsidePlace));
  ofPlace.set(firstSeen, known);
  return known;
}

function isOutsidePlace(text: string): boolean {
  return readsOf(text).every((read) => read !== "objectRef.namespace" && read !== "objectRef");
}

function pathsOf({ fields, per }: FirstSeen): readonly string[] {
  return [...fields, ...per].flatMap((field) =>
    [...field.paths, ...[...field.perDetection.values()].flat()].map(({ text }) => text),
  );
}

function isOutsideNames(field: string): boolean {
  const held = headFieldOf(field);
  return held !== undefined && isInPart(held, "unnamed");
}
