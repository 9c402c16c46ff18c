import * as fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";
import type { FieldReader, Truth } from "./evaluate.ts";
import type { Expression } from "./expression.ts";
import { fieldPath } from "./field-path.ts";
import { ALWAYS, NEVER, simplify } from "./simplify.ts";

const FIELDS = [
  "verb",
  "objectRef.name",
  "auditsieve.selfGrant",
  "requestObject.spec.a",
  "requestObject.spec.b",
  "responseObject.a",
] as const;

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(...FIELDS).map((field): Expression => ({ kind: "exists", field: fieldPath(field) })),
    fc.constantFrom(...FIELDS).map((field): Expression => ({ kind: "null", field: fieldPath(field) })),
    fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom(...FIELDS)).map(([field, other]): Expression => ({
      kind: "fieldref",
      field: fieldPath(field),
      other: fieldPath(other),
      comparison: "equal",
      cased: true,
    })),
    fc.constant<Expression>({ kind: "keyword", tests: [{ test: (value) => value === "b" }], every: false }),
    tie("expression").map((of): Expression => ({ kind: "not", of })),
    fc
      .tuple(fc.constantFrom("and", "or"), fc.array(tie("expression"), { maxLength: 4 }))
      .map(([kind, of]): Expression => ({ kind, of })),
  ),
}));

/** What each field is: unknown, absent, or a value. */
const said = fc.record(Object.fromEntries(FIELDS.map((field) => [field, fc.constantFrom(undefined, null, "a", "b")])));
type Said = Readonly<Record<string, string | null | undefined>>;

/** Knows of these fields only; `found`: what a search says. */
function readerOf(values: Said, isKnown: (field: string) => boolean, found: Truth): FieldReader {
  return {
    read: ({ text }) => {
      const value = isKnown(text) ? values[text] : undefined;
      return value === undefined ? undefined : { present: value !== null, values: value === null ? [] : [value] };
    },
    search: () => found,
  };
}

test("simplify: what is left comes out as the whole does, for whoever knows more", () => {
  let settled = 0;
  fc.assert(
    fc.property(
      expression,
      said,
      fc.subarray([...FIELDS]),
      fc.constantFrom<Truth>(true, false, undefined),
      (whole, values, known, found) => {
        const left = simplify(
          whole,
          readerOf(values, (field) => known.some((one) => one === field), undefined),
        );
        const all = readerOf(values, () => true, found);
        expect(evaluate(left, all)).toBe(evaluate(whole, all));
        settled += left === ALWAYS || left === NEVER ? 1 : 0;
      },
    ),
    { numRuns: 3000 },
  );
  expect(settled).toBeGreaterThan(100);
});

test("simplify: what costs less to look at comes first", () => {
  const exists = (field: string): Expression => ({ kind: "exists", field: fieldPath(field) });
  const of = [...FIELDS.slice(0, 3), ...FIELDS.slice(4)].toReversed().map(exists);
  const reader = readerOf({ verb: "a" }, () => true, undefined);
  expect(simplify({ kind: "and", of }, reader)).toEqual({ kind: "and", of: of.toReversed().slice(1) });
});
