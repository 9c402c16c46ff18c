import { evaluate } from "../condition/evaluate.ts";
import type { FieldReader } from "../condition/evaluate.ts";
import type { Expression, Leaf } from "../condition/expression.ts";
import { NEVER, simplify } from "../condition/simplify.ts";
import { headReader } from "./field-readers.ts";
import { headFieldOf, isInPart } from "../reading/head-view.ts";
import type { HeadPart, HeadView } from "../reading/head-view.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { isWrittenLater } from "../reading/recorded.ts";

/** What the head says of conditions. */
export interface HeadSays {
  /** Whether the rest of the event can matter to a condition. */
  mayMatter(condition: Expression): boolean;
  /** What the head leaves of a condition to which the rest of the event can matter; undefined otherwise. Without a memory only. */
  left(condition: Expression): Expression | undefined;
}

/**
 * Says of conditions whether the rest of an event with this head can matter to them. A miss by the head alone is
 * final. At RequestReceived what is not a hit need not be looked at either: the request's next stage says all that
 * this one says, and more. The answers depend on that part of the head alone, and on the memory where one is given. They are the same
 * for what a smaller part has left of a condition.
 */
export function prefilter(head: HeadView, part: HeadPart, memory?: ClusterMemory): HeadSays {
  return new PartSays(head, part, headReader(head, part, memory), isAtBeginning(head));
}

/** The same of whole heads, for a view that shows one event after another: what is given says it of the one in hand. */
export function lastingPrefilter(head: HeadView): () => HeadSays {
  const reader = headReader(head, "whole", undefined, true);
  const early = new PartSays(head, "whole", reader, true);
  const late = new PartSays(head, "whole", reader, false);
  return () => (isAtBeginning(head) ? early : late);
}

function isAtBeginning(head: HeadView): boolean {
  return head.get("stage") === "RequestReceived";
}

class PartSays implements HeadSays {
  readonly #head: HeadView;
  readonly #part: HeadPart;
  readonly #reader: FieldReader;
  readonly #isEarly: boolean;

  constructor(head: HeadView, part: HeadPart, reader: FieldReader, isEarly: boolean) {
    this.#head = head;
    this.#part = part;
    this.#reader = reader;
    this.#isEarly = isEarly;
  }

  mayMatter(condition: Expression): boolean {
    return this.#isEarly ? this.#canBe(condition, true) : evaluate(condition, this.#reader) !== false;
  }

  left(condition: Expression): Expression | undefined {
    if (this.#isEarly) {
      return this.#leftEarly(condition);
    }
    const rest = simplify(condition, this.#reader);
    return rest === NEVER ? undefined : rest;
  }

  #leftEarly(condition: Expression): Expression | undefined {
    // A leaf that cannot be met yet is not taken for known, although it may be: with the next stage it can be another.
    const isKept = (leaf: Leaf): boolean =>
      leaf.kind !== "fieldref" && leaf.kind !== "keyword" && isWrittenLater(leaf.field, this.#head);
    const rest = simplify(condition, this.#reader, isKept);
    return rest === NEVER || !this.#canBe(rest, true) ? undefined : rest;
  }

  /** Whether the expression can come out as `wanted` once the rest of the event is read, at RequestReceived. */
  #canBe(expression: Expression, wanted: boolean): boolean {
    switch (expression.kind) {
      case "and":
        return this.#canAllBe(expression.of, wanted, wanted);
      case "or":
        return this.#canAllBe(expression.of, wanted, !wanted);
      case "not":
        return this.#canBe(expression.of, !wanted);
      case "match":
      case "null":
      case "exists":
      case "same": {
        const { field } = expression;
        return isWrittenLater(field, this.#head)
          ? false
          : (evaluate(expression, this.#reader) ?? (this.#isWhole(field.text) ? undefined : wanted)) === wanted;
      }
      case "fieldref":
      case "keyword":
      default:
        return (evaluate(expression, this.#reader) ?? wanted) === wanted;
    }
  }

  /** Whether each of the parts can be as wanted, or with `isEach` false one of them. */
  #canAllBe(parts: readonly Expression[], wanted: boolean, isEach: boolean): boolean {
    for (let i = 0; i < parts.length; i++) {
      if (this.#canBe(parts[i] as Expression, wanted) !== isEach) {
        return !isEach;
      }
    }
    return isEach;
  }

  /** Whether the part holds all that the event says of the field: what is unknown then stays so. */
  #isWhole(field: string): boolean {
    const held = headFieldOf(field);
    return held !== undefined && isInPart(held, this.#part);
  }
}
