import type { Expression } from "./condition/expression.ts";

/** A condition with one thing changed. */
export interface Mutant {
  readonly what: string;
  readonly condition: Expression;
}

type Slot = (replacement: Expression | undefined) => Expression | undefined;

/** Every condition that differs by one leaf negated, one leaf removed, or one value of a list removed. */
export function mutantsOf(condition: Expression): readonly Mutant[] {
  return mutate(condition, (replacement) => replacement).map(([what, mutant]) => ({
    what,
    // The whole condition is gone: nothing is asked any more.
    condition: mutant ?? { kind: "and", of: [] },
  }));
}

function mutate(node: Expression, put: Slot): readonly (readonly [string, Expression | undefined])[] {
  switch (node.kind) {
    case "and":
    case "or":
      return node.of.flatMap((part, index) =>
        mutate(part, (replacement) => {
          const of = replacement ? node.of.with(index, replacement) : node.of.toSpliced(index, 1);
          return put(of.length > 0 ? { kind: node.kind, of } : undefined);
        }),
      );
    case "not":
      return mutate(node.of, (replacement) => put(replacement && { kind: "not", of: replacement }));
    case "same":
      return [
        [`${node.field.text} negated`, put({ kind: "not", of: node })],
        [`${node.field.text} removed`, put(undefined)],
        ...mutate(node.of, (replacement) => put(replacement && { ...node, of: replacement })),
      ];
    case "match":
    case "null":
    case "exists":
    case "fieldref":
    case "keyword":
    default: {
      const field = node.kind === "keyword" ? "keyword" : node.field.text;
      const values = node.kind === "match" && node.tests.length > 1 ? node.tests : [];
      return [
        [`${field} negated`, put({ kind: "not", of: node })],
        [`${field} removed`, put(undefined)],
        ...values.map((test, index) => {
          const fewer = node.kind === "match" ? { ...node, tests: node.tests.toSpliced(index, 1) } : node;
          return [`${field} without ${test.literal ?? `value ${index + 1}`}`, put(fewer)] as const;
        }),
      ];
    }
  }
}
