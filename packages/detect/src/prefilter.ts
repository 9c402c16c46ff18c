import { evaluate } from "./condition/evaluate.ts";
import type { Expression } from "./condition/expression.ts";
import { headReader } from "./field-readers.ts";
import { headFieldOf, isInPart } from "./head-view.ts";
import type { HeadField, HeadPart, HeadView } from "./head-view.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import { isWrittenLater } from "./recorded.ts";

/**
 * Says of conditions whether the rest of an event with this head can matter to them. A miss by the head alone is
 * final. At RequestReceived what is not a hit need not be looked at either: the request's next stage says all that
 * this one says, and more. The answers depend on that part of the head alone, and on the memory where one is given.
 */
export function prefilter(head: HeadView, part: HeadPart, memory?: ClusterMemory): (condition: Expression) => boolean {
  const reader = headReader(head, part, memory);
  const read = (field: HeadField): ReturnType<HeadView["get"]> => head.get(field);
  const isEarly = read("stage") === "RequestReceived";

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
  return (condition) => (isEarly ? canBe(condition, true) : evaluate(condition, reader) !== false);
}
