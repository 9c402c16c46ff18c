import type { AuditEvent } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scalarText } from "../condition/evaluate.ts";
import type { Expression } from "../condition/expression.ts";
import { fieldPath } from "../condition/field-path.ts";
import { headOf } from "../reading/event-parts.ts";
import { HeadKinds } from "./head-kinds.ts";
import { prefilter } from "./prefilter.ts";

const FIELDS = [
  "user.username",
  "user.groups",
  "user.extra.a",
  "impersonatedUser.username",
  "sourceIPs",
  "responseStatus.code",
  "objectRef.namespace",
  "objectRef.name",
  "annotations.a",
  "requestObject.a",
].map(fieldPath);

const field = fc.constantFrom(...FIELDS);
const value = fc.constantFrom("a", "b", "1:a", "403");
const { condition } = fc.letrec<{ condition: Expression }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    field.map((of): Expression => ({ kind: "exists", field: of })),
    field.map((of): Expression => ({ kind: "null", field: of })),
    fc.tuple(field, fc.array(value, { maxLength: 2 }), fc.boolean()).map(([of, texts, every]): Expression => ({
      kind: "match",
      field: of,
      tests: texts.map((text) => ({ test: (found) => scalarText(found)?.startsWith(text) === true })),
      every,
    })),
    fc.tuple(field, field).map(([of, other]): Expression => ({
      kind: "fieldref",
      field: of,
      other,
      comparison: "equal",
      cased: true,
    })),
    fc.constant<Expression>({ kind: "keyword", tests: [{ test: () => true }], every: false }),
    tie("condition").map((of): Expression => ({ kind: "not", of })),
    fc
      .tuple(fc.constantFrom("and", "or"), fc.array(tie("condition"), { maxLength: 3 }))
      .map(([kind, of]): Expression => ({ kind, of })),
  ),
}));

const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const texts = fc.array(value, { maxLength: 3 });
const event: fc.Arbitrary<AuditEvent> = fc
  .record({
    stage: fc.constantFrom("RequestReceived", "ResponseComplete"),
    user: maybe(fc.record({ username: value, groups: maybe(texts), extra: maybe(fc.record({ a: texts })) })),
    impersonatedUser: maybe(fc.record({ username: value })),
    sourceIPs: maybe(texts),
    responseStatus: maybe(fc.record({ code: fc.constantFrom(200, 403) })),
    namespace: maybe(value),
    annotations: maybe(fc.record({ a: value })),
  })
  .map(({ namespace, ...rest }) => ({
    level: "Metadata",
    auditID: "a",
    requestURI: "/",
    verb: "create",
    objectRef: { resource: "pods", ...(namespace !== undefined && { namespace }) },
    ...(JSON.parse(JSON.stringify(rest)) as Pick<AuditEvent, "stage" | "user">),
  }));

describe("HeadKinds", () => {
  it("tells heads apart of which some condition says something else", () => {
    fc.assert(
      fc.property(
        fc.array(condition, { minLength: 1, maxLength: 3 }),
        fc.array(event, { maxLength: 8 }),
        (all, events) => {
          const kinds = new HeadKinds<readonly (Expression | undefined)[]>(all, { count: 0 });
          for (const head of events.map(headOf)) {
            const left = (): readonly (Expression | undefined)[] =>
              all.map((one) => prefilter(head, "unnamed").left(one));
            expect(kinds.get(head, left)).toEqual(left());
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("asks once about all made-up values of which every condition says the same, and counts what it remembers of them", () => {
    const isOfSystem: Expression = {
      kind: "match",
      field: fieldPath("user.username"),
      tests: [{ test: (found) => scalarText(found)?.startsWith("system:") === true }],
      every: false,
    };
    const remembered = { count: 0 };
    const kinds = new HeadKinds<string>([isOfSystem], remembered);
    const asked = (username: string, address: string): string =>
      kinds.get(
        headOf({
          level: "Metadata",
          auditID: "a",
          stage: "ResponseComplete",
          requestURI: "/",
          verb: "get",
          user: { username },
          sourceIPs: [address],
        }),
        () => username,
      );
    const first = new Set(Array.from({ length: 5_000 }, (_, i) => asked(`eve-${i}`, `10.0.0.${i % 256}`)));
    expect([...first]).toEqual(["eve-0"]);
    expect(asked("system:node", "10.0.0.1")).toBe("system:node");
    const { count } = remembered;
    expect(count).toBeGreaterThanOrEqual(5_000);
    expect(asked(`eve-${"x".repeat(10_000)}`, "10.0.0.1")).toBe("eve-0");
    expect(remembered.count).toBe(count);
  });
});
