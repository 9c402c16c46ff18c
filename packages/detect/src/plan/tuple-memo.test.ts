import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TupleMemo } from "./tuple-memo.ts";

describe("TupleMemo", () => {
  it("gives each tuple its own value, whatever the parts look like", () => {
    const part = fc.oneof(
      fc.constantFrom<undefined | null | number | string>(undefined, null, 1, "1", "", "a", "1:a", "j1", '["a"]'),
      fc.array(fc.constantFrom("a", "", "1:a", "b1:a", "j1"), { maxLength: 3 }),
      fc.constantFrom([1], [null], [["a"]], { a: 1 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part), { maxLength: 12 }), fc.constantFrom(1, 2, 100), (tuples, size) => {
        const memo = new TupleMemo<string>(size);
        const name = (tuple: (typeof tuples)[number]): string =>
          JSON.stringify(tuple, (_, value: unknown) => (value === undefined ? "\u0000undefined" : value));
        for (const tuple of [...tuples, ...tuples]) {
          expect(memo.get(tuple, () => name(tuple))).toBe(name(tuple));
        }
      }),
    );
  });

  it("remembers what is used and forgets the rest", () => {
    let made = 0;
    const memo = new TupleMemo<number>(10);
    for (let n = 0; n < 1000; n++) {
      memo.get(["hot"], () => ++made);
      memo.get([`cold-${n}`], () => 0);
    }
    expect(made).toBe(1);
    memo.get(["cold-1"], () => ++made);
    expect(made).toBe(2);
  });

  it("does not keep what is made long", () => {
    let made = 0;
    const memo = new TupleMemo<number>(10);
    memo.get(["x".repeat(5000)], () => ++made);
    expect(memo.get(["x".repeat(5000)], () => ++made)).toBe(2);
  });
});
