import type { Expression } from "./expression.ts";

/** The fields that a condition reads by name; those of array elements count by their array. */
export function fieldsRead(expression: Expression): ReadonlySet<string> {
  switch (expression.kind) {
    case "and":
    case "or":
      return new Set(expression.of.flatMap((part) => [...fieldsRead(part)]));
    case "not":
      return fieldsRead(expression.of);
    case "fieldref":
      return new Set([expression.field.text, expression.other.text]);
    case "keyword":
      return new Set();
    case "match":
    case "null":
    case "exists":
    case "same":
    default:
      return new Set([expression.field.text]);
  }
}
