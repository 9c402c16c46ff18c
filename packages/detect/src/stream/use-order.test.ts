import * as fc from "fast-check";
import { expect, test } from "vitest";
import { UseOrder } from "./use-order.ts";
import type { Used } from "./use-order.ts";

interface Thing extends Used<Thing> {
  readonly n: number;
}

test("UseOrder keeps the order of a map in which what is used is deleted and set again", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(7)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const things = Array.from({ length: 8 }, (_, n): Thing => ({ n, before: undefined, after: undefined }));
      const order = new UseOrder<Thing>();
      const expected = new Map<number, Thing>();
      for (const [isUsed, n] of all) {
        const thing = things[n] as Thing;
        expected.delete(n);
        if (isUsed) {
          order.use(thing);
          expected.set(n, thing);
        } else {
          order.remove(thing);
        }
        expect(order.oldest).toBe([...expected.values()][0]);
        expect(order.all().map((one) => one.n)).toEqual([...expected.keys()]);
      }
    }),
  );
});
