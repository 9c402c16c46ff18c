import { evaluate } from "./condition/evaluate.ts";
import type { FieldReader } from "./condition/evaluate.ts";
import type { Expression, Leaf } from "./condition/expression.ts";
import { NEVER, simplify } from "./condition/simplify.ts";
import { headReader } from "./field-readers.ts";
import { headFieldOf, isInPart } from "./head-view.ts";
import type { HeadField, HeadPart, HeadView } from "./head-view.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import { isWrittenLater } from "./recorded.ts";

/** What the head says of conditions. */
export interface HeadSays {
  /** Whether the rest of the event can matter to a condition. */
  readonly mayMatter: (condition: Expression) => boolean;
  /** What the head leaves of a condition to which the rest of the event can matter; undefined otherwise. Without a memory only. */
  readonly left: (condition: Expression) => Expression | undefined;
}

/**
 * Says of conditions whether the rest of an event with this head can matter to them. A miss by the head alone is
 * final. At RequestReceived what is not a hit need not be looked at either: the request's next stage says all that
 * this one says, and more. The answers depend on that part of the head alone, and on the memory where one is given. They are the same
 * for what a smaller part has left of a condition.
 */
export function prefilter(head: HeadView, part: HeadPart, memory?: ClusterMemory): HeadSays {
  return saysOf(head, part, headReader(head, part, memory), isAtBeginning(head));
}

/** The same of whole heads, for a view that shows one event after another: what is given says it of the one in hand. */
export function lastingPrefilter(head: HeadView): () => HeadSays {
  const reader = headReader(head, "whole", undefined, true);
  const early = saysOf(head, "whole", reader, true);
  const late = saysOf(head, "whole", reader, false);
  return () => (isAtBeginning(head) ? early : late);
}

function isAtBeginning(head: HeadView): boolean {
  return head.get("stage") === "RequestReceived";
}

function saysOf(head: HeadView, part: HeadPart, reader: FieldReader, isEarly: boolean): HeadSays {
  const read = (field: HeadField): ReturnType<HeadView["get"]> => head.get(field);

  /** Whether the part holds all that the event says of the field: what is unknown then stays so. */
  const isWhole = (field: string): boolean => {
    const held = headFieldOf(field);
    return held !== undefined && isInPart(held, part);
  };

  /** Whether the expression can come out as `wanted` once the rest of the event is read, at RequestReceived. */
  const canBe = (expression: Expression, wanted: boolean): boolean => {
    switch (expression.kind) {
      case "and":
        return wanted
          ? expression.of.every((part) => canBe(part, true))
          : expression.of.some((part) => canBe(part, false));
      case "or":
        return wanted
          ? expression.of.some((part) => canBe(part, true))
          : expression.of.every((part) => canBe(part, false));
      case "not":
        return canBe(expression.of, !wanted);
      case "match":
      case "null":
      case "exists":
      case "same":
        return isWrittenLater(expression.field.text, read)
          ? false
          : (evaluate(expression, reader) ?? (isWhole(expression.field.text) ? undefined : wanted)) === wanted;
      case "fieldref":
      case "keyword":
      default:
        return (evaluate(expression, reader) ?? wanted) === wanted;
    }
  };
  /** A leaf that cannot be met yet is not taken for known, although it may be: with the next stage it can be another. */
  const isKept = (leaf: Leaf): boolean =>
    leaf.kind !== "fieldref" && leaf.kind !== "keyword" && isWrittenLater(leaf.field.text, read);
  return {
    mayMatter: (condition) => (isEarly ? canBe(condition, true) : evaluate(condition, reader) !== false),
    left(condition) {
      const rest = isEarly ? simplify(condition, reader, isKept) : simplify(condition, reader);
      return rest === NEVER || (isEarly && !canBe(rest, true)) ? undefined : rest;
    },
  };
}
