import { describe, expect, it } from "vitest";
import type { JsonValue } from "@auditsieve/audit";
import { evaluate, searchEach, someLeaf } from "./evaluate.ts";
import type { FieldReader, Truth } from "./evaluate.ts";
import type { Expression } from "./expression.ts";
import { fieldPath, readField } from "./field-path.ts";
import type { Reading } from "./field-path.ts";

const VALUES: readonly Truth[] = [true, false, undefined];
const reader: FieldReader = {
  read: (field): Reading | undefined =>
    field.text === "unknown" ? undefined : { present: field.text === "true", values: ["v"] },
  search: () => undefined,
};
const known = (truth: Truth): Expression => ({
  kind: "exists",
  field: fieldPath(String(truth === undefined ? "unknown" : truth)),
});

describe("Kleene's tables", () => {
  it.each(VALUES.flatMap((a) => VALUES.map((b) => [a, b] as const)))("and, or of %s and %s", (a, b) => {
    const low = a === false || b === false ? false : a === undefined || b === undefined ? undefined : true;
    const high = a === true || b === true ? true : a === undefined || b === undefined ? undefined : false;
    expect(evaluate({ kind: "and", of: [known(a), known(b)] }, reader)).toBe(low);
    expect(evaluate({ kind: "or", of: [known(a), known(b)] }, reader)).toBe(high);
  });

  it.each(VALUES)("not %s", (a) => {
    expect(evaluate({ kind: "not", of: known(a) }, reader)).toBe(a === undefined ? undefined : !a);
  });
});

describe("searchEach", () => {
  const tests = VALUES.map((_, i) => ({ test: (value: JsonValue) => value === i }));
  const found = (truths: readonly Truth[], every: boolean): Truth =>
    searchEach(tests.slice(0, truths.length), every, (test) => truths[tests.indexOf(test)]);

  it.each(VALUES.flatMap((a) => VALUES.map((b) => [a, b] as const)))("is and, or of %s and %s", (a, b) => {
    expect(found([a, b], true)).toBe(evaluate({ kind: "and", of: [known(a), known(b)] }, reader));
    expect(found([a, b], false)).toBe(evaluate({ kind: "or", of: [known(a), known(b)] }, reader));
    expect([found([], true), found([], false)]).toEqual([true, false]);
  });
});

describe("FieldPath.ending", () => {
  it.each([
    ["requestObject.spec.nodeName", "nodeName"],
    ["requestObject.metadata.$deleteFromPrimitiveList/finalizers", "finalizers"],
    ["requestObject.metadata.annotations.eks.amazonaws.com/role-arn", "role-arn"],
    ["requestObject.é", ""],
  ])("of %s is what JSON spells in one way: %s", (path, ending) => {
    expect(fieldPath(path).ending).toBe(ending);
  });
});

function read(value: Parameters<typeof readField>[0], path: string): Reading {
  return readField(value, fieldPath(path));
}

describe("readField", () => {
  it("takes the longest literal key first", () => {
    const event = { annotations: { "authorization.k8s.io/decision": "allow" }, a: { "b.c": 1, b: { c: 2 } } };
    expect(read(event, "annotations.authorization.k8s.io/decision").values).toEqual(["allow"]);
    expect(read(event, "a.b.c").values).toEqual([1]);
    expect(
      read(
        { user: { extra: { "authentication.kubernetes.io/pod-name": ["web"] } } },
        "user.extra.authentication.kubernetes.io/pod-name",
      ).values,
    ).toEqual(["web"]);
  });

  it("fans out over arrays, nested ones too", () => {
    const pod = { containers: [{ ports: [{ p: 1 }, { p: 2 }] }, {}, { ports: [{ p: 3 }] }] };
    expect(read(pod, "containers.ports.p")).toEqual({ present: true, values: [1, 2, 3] });
    expect(read({ a: [[1], [2, null]] }, "a")).toEqual({ present: true, values: [1, 2, null] });
  });

  it("tells an empty list from an absent field", () => {
    expect(read({ a: [] }, "a")).toEqual({ present: true, values: [] });
    expect(read({ a: [] }, "a.b")).toEqual({ present: false, values: [] });
    expect(read({ a: null }, "a")).toEqual({ present: true, values: [null] });
  });

  it("reads and searches what is nested deeper than a call stack", () => {
    const depth = 200_000;
    const deep = JSON.parse(`${"[".repeat(depth)}1${"]".repeat(depth)}`) as JsonValue;
    expect(read({ a: deep }, "a").values).toEqual([1]);
    expect(someLeaf(deep, { test: (value) => value === 1 })).toBe(true);
  });

  it("finds nothing of ours under hostile names", () => {
    expect(read({}, "constructor").present).toBe(false);
    expect(read({ a: {} }, "a.__proto__.toString").present).toBe(false);
  });
});
