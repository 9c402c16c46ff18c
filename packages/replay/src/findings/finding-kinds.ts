import type { Finding } from "@auditsieve/detect";
import { boundedText } from "../bounded-text.ts";
import { REFUSED_FACTOR, SEVERITY_POINTS } from "./severity-points.ts";

/** What a finding says before its events. */
export type FindingHead = Pick<Finding, "detection" | "actor" | "outcome">;

/** What is known of an actor's findings. */
export interface WeighedActor {
  readonly name: string;
  /** Of each detection once. */
  points: number;
  /** What the first findings of each detection come to as JSON, by severity. */
  readonly bytes: Map<string, number>;
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
  readonly #counts = new Map<string, Map<string, number>>();
  #actors = new Map<string, WeighedActor>();
  #kinds = 0;

  constructor(most: number = MOST_KINDS) {
    this.#most = most;
  }

  /** How many of this kind came before. */
  count({ detection, actor, outcome }: FindingHead): number {
    const name = actorKey(actor);
    const before = this.#counts.get(detection.id)?.get(name) ?? 0;
    if (before === 0) {
      if (this.#kinds >= this.#most) {
        this.#forgetLightest();
      }
      this.#kinds++;
      const factor = outcome === "denied" ? REFUSED_FACTOR : 1;
      this.#weighed(name).points += SEVERITY_POINTS[detection.level] * factor;
    }
    this.#put(detection.id, name, before + 1);
    return before;
  }

  /** Notes that so much is to be held of what was counted last. */
  note({ detection, actor }: FindingHead, bytes: number): void {
    const known = this.#weighed(actorKey(actor)).bytes;
    known.set(detection.level, (known.get(detection.level) ?? 0) + bytes);
  }

  of(actor: string | undefined, detection: string): number {
    return this.#counts.get(detection)?.get(actorKey(actor)) ?? 0;
  }

  /** Who weighs most comes first; of those who weigh the same, who came first. */
  heaviest(): readonly WeighedActor[] {
    return [...this.#actors.values()].toSorted((a, b) => b.points - a.points);
  }

  #weighed(name: string): WeighedActor {
    let actor = this.#actors.get(name);
    if (actor === undefined) {
      actor = { name, points: 0, bytes: new Map() };
      this.#actors.set(name, actor);
    }
    return actor;
  }

  #put(detection: string, name: string, count: number): void {
    const alike = this.#counts.get(detection);
    if (alike === undefined) {
      this.#counts.set(detection, new Map([[name, count]]));
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
