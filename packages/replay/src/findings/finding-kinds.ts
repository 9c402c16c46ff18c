import { hash } from "node:crypto";
import type { Finding } from "@auditsieve/detect";
import { boundedText } from "../bounded-text.ts";
import { manyAlikeLast } from "./many-alike-last.ts";
import { REFUSED_FACTOR, SEVERITY_POINTS } from "./severity-points.ts";

/** What a finding says before its events. */
export type FindingHead = Pick<Finding, "detection" | "actor" | "outcome">;

/** What is known of an actor's findings. */
export interface WeighedActor {
  readonly name: string;
  /** Of each detection once. */
  points: number;
  /** Mostly the same number for those of whom the same kinds are found, and another one for others. */
  kinds: number;
  /** What the first findings of each detection come to as JSON, by share: whoever notes it says of which. */
  readonly bytes: Map<string, number>;
}

/** What came before a finding. */
export interface Before {
  readonly count: number;
  readonly isFirst: boolean;
}

const MOST_KINDS = 200_000;
const EVENTS = ',"events":[';

/** A finding's line without its events, which are most of it. */
export function headOfFinding(line: string): FindingHead {
  // In a text of JSON the quotes would stand behind backslashes, and nothing else in a finding has a list of that name.
  const at = line.indexOf(EVENTS);
  return JSON.parse(at === -1 ? line : `${line.slice(0, at)}}`) as FindingHead;
}

/** Under which an actor is counted: a client may choose names of any length. */
export function actorKey(actor: string | undefined): string {
  return boundedText(actor ?? "");
}

/**
 * Counts findings by detection and actor, and weighs the actors. Actors are an attacker's to make up: where there are too many, the half that
 * weighs least is forgotten, so that who comes late is counted all the same.
 */
export class FindingKinds {
  readonly #most: number;
  /** By detection, refused requests apart, and actor. */
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #numbers = new Map<string, number>();
  #actors = new Map<string, WeighedActor>();
  #kinds = 0;

  constructor(most: number = MOST_KINDS) {
    this.#most = most;
  }

  /** Counts one. Says how many of its detection and actor came before, and whether it is the first of them that ended like this. */
  count({ detection, actor, outcome }: FindingHead): Before {
    const name = actorKey(actor);
    const isDenied = outcome === "denied";
    const kind = isDenied ? deniedOf(detection.id) : detection.id;
    const alike = this.#counts.get(kind)?.get(name) ?? 0;
    const others = this.#counts.get(isDenied ? detection.id : deniedOf(detection.id))?.get(name) ?? 0;
    if (alike === 0) {
      if (this.#kinds >= this.#most) {
        this.#forgetLightest();
      }
      this.#kinds++;
      const factor = others === 0 ? (isDenied ? REFUSED_FACTOR : 1) : isDenied ? REFUSED_FACTOR - 1 : 0;
      const actor = this.#weighed(name);
      actor.points += SEVERITY_POINTS[detection.level] * factor;
      actor.kinds = (actor.kinds + this.#numberOf(kind)) | 0;
    }
    this.#put(kind, name, alike + 1);
    return { count: alike + others, isFirst: alike === 0 };
  }

  /** Notes that so much of a share is to be held of what was counted last. */
  note({ actor }: FindingHead, share: string, bytes: number): void {
    const known = this.#weighed(actorKey(actor)).bytes;
    known.set(share, (known.get(share) ?? 0) + bytes);
  }

  of(actor: string | undefined, detection: string): number {
    const name = actorKey(actor);
    return (this.#counts.get(detection)?.get(name) ?? 0) + (this.#counts.get(deniedOf(detection))?.get(name) ?? 0);
  }

  /** Who weighs most comes first, but many alike last; of those who weigh the same, who came first. */
  heaviest(): readonly WeighedActor[] {
    const byPoints = [...this.#actors.values()].toSorted((a, b) => b.points - a.points);
    return manyAlikeLast(byPoints, ({ kinds }) => kinds);
  }

  #weighed(name: string): WeighedActor {
    let actor = this.#actors.get(name);
    if (actor === undefined) {
      actor = { name, points: 0, kinds: 0, bytes: new Map() };
      this.#actors.set(name, actor);
    }
    return actor;
  }

  #numberOf(kind: string): number {
    const number = this.#numbers.get(kind) ?? hash("sha256", kind, "buffer").readInt32LE(0);
    this.#numbers.set(kind, number);
    return number;
  }

  #put(kind: string, name: string, count: number): void {
    const alike = this.#counts.get(kind);
    if (alike === undefined) {
      this.#counts.set(kind, new Map([[name, count]]));
    } else {
      alike.set(name, count);
    }
  }

  #forgetLightest(): void {
    const heaviest = this.heaviest();
    const kept = new Set(heaviest.slice(0, Math.floor(heaviest.length / 2)));
    this.#actors = new Map([...this.#actors].filter(([, actor]) => kept.has(actor)));
    this.#kinds = 0;
    for (const alike of this.#counts.values()) {
      for (const name of alike.keys()) {
        if (!this.#actors.has(name)) {
          alike.delete(name);
        }
      }
      this.#kinds += alike.size;
    }
  }
}

function deniedOf(detection: string): string {
  return `${detection} denied`;
}
