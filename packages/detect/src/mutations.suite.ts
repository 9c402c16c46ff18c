import type { Expression } from "./condition/expression.ts";
import type { Correlation } from "./definition/correlation.ts";
import type { FirstSeen } from "./definition/first-seen-condition.ts";

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

/** A correlation with one thing changed. */
export interface CorrelationMutant {
  readonly what: string;
  readonly correlation: Correlation;
}

/** Every correlation that differs by one more or less, by the span of time, its order, a rule, a group or a field. */
export function mutantsOfCorrelation(correlation: Correlation): readonly CorrelationMutant[] {
  const { type, rules, groupBy, fields, threshold, timespanMs } = correlation;
  const isTemporal = type === "temporal" || type === "temporal_ordered";
  const bounds = isTemporal ? [] : Object.entries(threshold);
  const withoutRule = (index: number): Correlation => ({
    ...correlation,
    rules: rules.toSpliced(index, 1),
    ...(isTemporal && { threshold: { gte: rules.length - 1 } }),
  });
  // What happens once within its span, however long that is, is there to be said once: the span decides no first finding.
  const isOnce = type === "event_count" && threshold.gte === 1;
  return [
    ...bounds.flatMap(([key, value]) =>
      [value - 1, value + 1]
        .filter((bound) => bound > 0)
        .map((bound) => ({
          what: `${key} ${bound}`,
          correlation: { ...correlation, threshold: { ...threshold, [key]: bound } },
        })),
    ),
    ...(isOnce
      ? []
      : [0.5, 2].map((factor) => ({
          what: `timespan times ${factor}`,
          correlation: { ...correlation, timespanMs: timespanMs * factor },
        }))),
    ...(type === "temporal_ordered"
      ? [{ what: "in any order", correlation: { ...correlation, type: "temporal" as const } }]
      : []),
    ...(rules.length > 1
      ? rules.map((rule, index) => ({ what: `without ${rule}`, correlation: withoutRule(index) }))
      : []),
    ...(isOnce
      ? []
      : groupBy.map(({ name }, index) => ({
          what: `not grouped by ${name}`,
          correlation: { ...correlation, groupBy: groupBy.toSpliced(index, 1) },
        }))),
    ...(fields.length > 1
      ? fields.map(({ name }, index) => ({
          what: `not counting ${name}`,
          correlation: { ...correlation, fields: fields.toSpliced(index, 1) },
        }))
      : []),
    ...(type === "value_count"
      ? [{ what: "counting events", correlation: { ...correlation, type: "event_count" as const, fields: [] } }]
      : []),
  ];
}

/** A first-seen part with one thing changed. */
export interface FirstSeenMutant {
  readonly what: string;
  readonly firstSeen: FirstSeen;
}

/** Every first-seen part that differs by a field, by whom it is new for, or by when the learning ends. */
export function mutantsOfFirstSeen(firstSeen: FirstSeen): readonly FirstSeenMutant[] {
  const { fields, per, learnMs, findsOpening } = firstSeen;
  return [
    ...fields.map(({ name }, index) => ({
      what: `whatever ${name}`,
      firstSeen: { ...firstSeen, fields: fields.toSpliced(index, 1) },
    })),
    ...per.map(({ name }, index) => ({
      what: `not per ${name}`,
      firstSeen: { ...firstSeen, per: per.toSpliced(index, 1) },
    })),
    // While it learns, the opening is learned too.
    learnMs > 0
      ? { what: "learns nothing", firstSeen: { ...firstSeen, learnMs: 0 } }
      : { what: "the other opening", firstSeen: { ...firstSeen, findsOpening: !findsOpening } },
  ];
}
