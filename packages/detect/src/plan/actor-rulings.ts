import { evaluate } from "../condition/evaluate.ts";
import type { FieldReader } from "../condition/evaluate.ts";
import { fieldsReadBy } from "../definition/fields-read.ts";
import type { Detection } from "../definition/detection.ts";
import { headReader } from "./field-readers.ts";
import { ACTOR_FIELDS, headFieldOf, isInPart, keptOfActor } from "../reading/head-view.ts";
import type { HeadView } from "../reading/head-view.ts";
import { isBeforeAnswer } from "../reading/recorded.ts";
import { TupleMemo } from "./tuple-memo.ts";

const MAX_ACTORS = 2048;

/**
 * Says which detections are ruled out by who asks, and from where. A cluster has a few dozen actors, each of whom does many things: what
 * conditions about any request say of an actor need not be found out again for each of these.
 */
export class ActorRulings {
  /** For views that keep nothing for an actor. */
  readonly #known = new TupleMemo<Map<Detection, boolean>>(MAX_ACTORS);
  readonly #early = Symbol("early");
  readonly #late = Symbol("late");
  #met = 0;

  /** How many actors were asked about; those that were forgotten meanwhile count anew, and so does each at the beginning of a request. */
  get met(): number {
    return this.#met;
  }

  /** Whether an event with this head cannot hit a detection because of its actor, whatever it is about. To be asked while the head is in hand. */
  of(head: HeadView): (detection: Detection) => boolean {
    const known = this.#knownOf(head);
    let reader: FieldReader | undefined;
    return (detection) => {
      let isOut = known.get(detection);
      if (isOut === undefined) {
        reader ??= headReader(head, "actor");
        isOut = evaluate(detection.condition, reader) === false;
        known.set(detection, isOut);
      }
      return isOut;
    };
  }

  #knownOf(head: HeadView): Map<Detection, boolean> {
    // At the beginning nobody has said yet whether somebody is impersonated.
    const isEarly = isBeforeAnswer(head);
    const make = (): Map<Detection, boolean> => {
      this.#met++;
      return new Map();
    };
    return head.actor?.() === undefined
      ? this.#known.get([isEarly, ...ACTOR_FIELDS.map((field) => head.get(field))], make)
      : keptOfActor(head, isEarly ? this.#early : this.#late, make);
  }
}

/** Whether a condition asks who asks; and whether it asks for nothing else, as far as it names fields. */
export function asksForActor(detection: Detection): "alone" | "too" | undefined {
  const isOfActor = Array.from(fieldsReadBy(detection), (field) => {
    const held = headFieldOf(field);
    return held !== undefined && isInPart(held, "actor");
  });
  return isOfActor.includes(true) ? (isOfActor.includes(false) ? "too" : "alone") : undefined;
}
