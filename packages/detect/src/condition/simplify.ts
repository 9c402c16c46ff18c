import { evaluate } from "./evaluate.ts";
import type { FieldReader, Truth } from "./evaluate.ts";
import { all, any } from "./expression.ts";
import type { Expression, Leaf } from "./expression.ts";
import { MEMORY_ROOT } from "./remembered-fields.ts";

/** Always holds. */
export const ALWAYS: Expression = { kind: "and", of: [] };
/** Never holds. */
export const NEVER: Expression = { kind: "or", of: [] };

/**
 * What is left of a condition once `reader` has said what it knows: it comes out as the whole does for every reader that knows more and
 * contradicts nothing. What costs less to look at comes first; the tables of Kleene do not mind. A leaf for which `isKept` holds
 * is left as it is. Where nothing is known it is the expression itself.
 */
export function simplify(
  expression: Expression,
  reader: FieldReader,
  isKept: (leaf: Leaf) => boolean = neverKept,
): Expression {
  switch (expression.kind) {
    case "and":
    case "or":
      return simplifyAll(expression, reader, isKept);
    case "not": {
      const simple = simplify(expression.of, reader, isKept);
      if (simple === expression.of) {
        return expression;
      }
      return simple === ALWAYS ? NEVER : simple === NEVER ? ALWAYS : { kind: "not", of: simple };
    }
    case "match":
    case "null":
    case "exists":
    case "fieldref":
    case "same":
    case "keyword":
    default:
      return isKept(expression) ? expression : (constantOf(evaluate(expression, reader)) ?? expression);
  }
}

/** Nothing is made where nothing is known: most conditions are asked once, by code that has hardly run yet. */
function simplifyAll(
  expression: Extract<Expression, { kind: "and" | "or" }>,
  reader: FieldReader,
  isKept: (leaf: Leaf) => boolean,
): Expression {
  const { kind, of } = expression;
  const decisive = kind === "and" ? NEVER : ALWAYS;
  const neutral = kind === "and" ? ALWAYS : NEVER;
  let left: Expression[] | undefined;
  let isNothingLeft = true;
  for (let i = 0; i < of.length; i++) {
    const part = of[i] as Expression;
    const simple = simplify(part, reader, isKept);
    if (simple === decisive) {
      return decisive;
    }
    isNothingLeft &&= simple === neutral;
    if (left === undefined && simple !== part) {
      left = firstBut(of, i, neutral);
    }
    if (simple !== neutral) {
      left?.push(simple);
    }
  }
  if (isNothingLeft) {
    return neutral;
  }
  if (left === undefined) {
    return expression;
  }
  sortByCost(left);
  return kind === "and" ? all(left) : any(left);
}

/** Of the first so many those that are not this one. */
function firstBut(of: readonly Expression[], count: number, not: Expression): Expression[] {
  const left: Expression[] = [];
  for (let i = 0; i < count; i++) {
    const one = of[i] as Expression;
    if (one !== not) {
      left.push(one);
    }
  }
  return left;
}

/** By insertion: mostly they stand so already, and each cost is found once. Those of the same cost stay in their order. */
function sortByCost(parts: Expression[]): void {
  const costs = parts.map(costOf);
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i] as Expression;
    const cost = costs[i] as number;
    let at = i;
    for (; at > 0 && (costs[at - 1] as number) > cost; at--) {
      parts[at] = parts[at - 1] as Expression;
      costs[at] = costs[at - 1] as number;
    }
    parts[at] = part;
    costs[at] = cost;
  }
}

function neverKept(): boolean {
  return false;
}

function constantOf(truth: Truth): Expression | undefined {
  return truth === undefined ? undefined : truth ? ALWAYS : NEVER;
}

/** Fields of the head, what is remembered, the request, the answer, everything. */
function costOf(expression: Expression): number {
  switch (expression.kind) {
    case "and":
    case "or": {
      let most = 0;
      for (let i = 0; i < expression.of.length; i++) {
        most = Math.max(most, costOf(expression.of[i] as Expression));
      }
      return most;
    }
    case "not":
      return costOf(expression.of);
    case "keyword":
      return 4;
    case "fieldref":
      return Math.max(costOfRoot(expression.field.root), costOfRoot(expression.other.root));
    case "match":
    case "null":
    case "exists":
    case "same":
    default:
      return costOfRoot(expression.field.root);
  }
}

function costOfRoot(root: string): number {
  return root === "responseObject" ? 3 : root === "requestObject" ? 2 : root === MEMORY_ROOT ? 1 : 0;
}
