import type { JsonValue } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { objectOfPatch } from "./patched-object.ts";

const add = (path: string, value: JsonValue): JsonValue => ({ op: "add", path, value });

/** Objects without a prototype compare as others. */
function plain(value: JsonValue | undefined): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

describe("objectOfPatch", () => {
  test.each<[string, readonly JsonValue[], unknown]>([
    ["a field", [add("/spec/hostPID", true)], { spec: { hostPID: true } }],
    [
      "keys with slashes and tildes",
      [add("/metadata/labels/a~1b~0c~01", "v")],
      { metadata: { labels: { "a/b~c~1": "v" } } },
    ],
    [
      "an element of a list that is not known, field by field",
      [add("/spec/c/3/image", "i"), { op: "replace", path: "/spec/c/3/name", value: "n" }, add("/spec/c/0/name", "m")],
      { spec: { c: [{ image: "i", name: "n" }, { name: "m" }] } },
    ],
    ["elements put at its end", [add("/l/-", 1), add("/l/-", 2), add("/l/0", 3)], { l: [1, 2, 3] }],
    [
      "a list that the patch wrote as a whole",
      [
        add("/l", [{ a: 1 }, { a: 2 }]),
        { op: "replace", path: "/l/1/a", value: 3 },
        { op: "replace", path: "/l/-2", value: 4 },
      ],
      { l: [4, { a: 3 }] },
    ],
    [
      "what is removed",
      [
        { op: "remove", path: "/metadata/finalizers" },
        { op: "remove", path: "/l/0" },
      ],
      { metadata: { finalizers: null }, l: [null] },
    ],
    ["the whole object", [{ op: "replace", path: "", value: { a: 1 } }, add("/b", 2)], { a: 1, b: 2 }],
    [
      "what the patch wrote, copied and moved",
      [
        add("/a", { t: true }),
        { op: "copy", from: "/a/t", path: "/b" },
        { op: "move", from: "/b", path: "/c" },
        { op: "copy", from: "/a", path: "/a/a" },
      ],
      { a: { t: true }, b: null, c: true },
    ],
    [
      "nothing for what stands elsewhere in the object",
      [
        { op: "copy", from: "/x", path: "/b" },
        { op: "test", path: "/a", value: 1 },
      ],
      undefined,
    ],
    ["a path that begins before its first slash", [add("x/spec/hostPID", true)], { spec: { hostPID: true } }],
    ["a list that is no patch", [{ name: "n" }, 1, null], undefined],
    ["a value that is left out", [{ op: "add", path: "/a" }], { a: null }],
  ])("is %s", (_, patch, expected) => {
    const before = JSON.stringify(patch);
    expect(plain(objectOfPatch(patch))).toEqual(expected);
    expect(JSON.stringify(patch)).toBe(before);
  });

  test("takes no key for a prototype, and goes no deeper than objects of the API", () => {
    const made = objectOfPatch([
      add("/__proto__/polluted", 1),
      add("/a", JSON.parse('{"__proto__":{"b":1}}') as JsonValue),
      add("/a/c", 2),
    ]);
    expect(Object.keys(made as object)).toEqual(["__proto__", "a"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(objectOfPatch([add("/a".repeat(100_000), 1)])).toBeUndefined();
  });

  test("never changes what the event holds, whatever the patch", () => {
    const key = fc.constantFrom("a", "b", "0", "1", "-", "-1", "__proto__", "a~1b");
    const path = fc.array(key, { maxLength: 4 }).map((keys) => keys.map((one) => `/${one}`).join(""));
    const step = fc.record({
      op: fc.constantFrom("add", "replace", "remove", "copy", "move", "test"),
      path,
      from: path,
      value: fc.jsonValue({ maxDepth: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const patch = steps as unknown as readonly JsonValue[];
        const before = JSON.stringify(patch);
        objectOfPatch(patch);
        expect(JSON.stringify(patch)).toBe(before);
      }),
      { numRuns: 300 },
    );
  });
});
