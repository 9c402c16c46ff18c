import type { Expression } from "../condition/expression.ts";

/** The fields that a detection's condition reads by name: those that it came with, if it did. */
export function fieldsReadBy({ condition, reads }: ConditionWithFields): ReadonlySet<string> {
  return reads ?? fieldsRead(condition);
}

interface ConditionWithFields {
  readonly condition: Expression;
  readonly reads?: ReadonlySet<string> | undefined;
}

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

/** Whether a condition reads a field by name for which `test` holds; those of array elements count by their array. */
export function readsSome(expression: Expression, test: (field: string) => boolean): boolean {
  switch (expression.kind) {
    case "and":
    case "or":
      for (let i = 0; i < expression.of.length; i++) {
        if (readsSome(expression.of[i] as Expression, test)) {
          return true;
        }
      }
      return false;
    case "not":
      return readsSome(expression.of, test);
    case "fieldref":
      return test(expression.field.text) || test(expression.other.text);
    case "keyword":
      return false;
    case "match":
    case "null":
    case "exists":
    case "same":
    default:
      return test(expression.field.text);
  }
}

/** Whether a condition looks for something in the whole event. */
export function hasKeyword(expression: Expression): boolean {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.of.some(hasKeyword);
    case "not":
      return hasKeyword(expression.of);
    case "keyword":
      return true;
    case "match":
    case "null":
    case "exists":
    case "fieldref":
    case "same":
    default:
      return false;
  }
}
