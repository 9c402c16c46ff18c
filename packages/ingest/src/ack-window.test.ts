import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AckWindow } from "./ack-window.ts";
import type { Held } from "./ack-window.ts";

describe("AckWindow", () => {
  test("is ready only up to the first line that is not settled", () => {
    const window = new AckWindow();
    const first = window.hold("a", 10, 10);
    const second = window.hold("a", 20, 20);
    window.cover("a", 30, 30);
    window.settle(second);
    expect(window.take()).toBeUndefined();
    window.settle(first);
    expect(window.take()).toEqual({ input: "a", offset: 30, total: 30, counts: [] });
    expect(window.take()).toBeUndefined();
  });

  test("never passes what is open, and passes everything in the end, in any order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3000 }),
        fc.infiniteStream(fc.nat()),
        (lines, chance) => {
          const window = new AckWindow();
          const open: { readonly held: Held; readonly end: number }[] = [];
          const settleOne = (): void => {
            const [one] = open.splice((chance.next().value ?? 0) % open.length, 1);
            if (one) {
              window.settle(one.held);
            }
            const ready = window.take();
            if (ready) {
              expect(ready.offset).toBeLessThanOrEqual(Math.min(Infinity, ...open.map(({ end }) => end - 10)));
            }
          };
          lines.forEach((deliveries, i) => {
            const end = 10 * (i + 1);
            for (let n = 0; n < deliveries; n++) {
              open.push({ held: window.hold("a", end, end), end });
            }
            if (deliveries === 0) {
              window.cover("a", end, end);
            }
            if (open.length > 5) {
              settleOne();
            }
          });
          let last = window.take();
          while (open.length > 1) {
            settleOne();
          }
          for (const { held } of open) {
            window.settle(held);
          }
          last = window.take() ?? last;
          expect(window.open).toBe(0);
          if (open.length > 0) {
            expect(last?.offset).toBe(10 * lines.length);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("where marks are kept, only what stands before one is ready, with the counts up to it", () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ deliveries: fc.integer({ min: 0, max: 2 }), input: fc.constantFrom("a", "b") }),
      },
      { weight: 2, arbitrary: fc.constant("mark" as const) },
      { weight: 3, arbitrary: fc.constant("settle" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.infiniteStream(fc.nat()), (steps, chance) => {
        const window = new AckWindow({ isMarked: true });
        const open: { readonly held: Held; readonly total: number }[] = [];
        const marks = new Map<number, string>();
        let total = 0;
        let counted = 0;
        let acked = 0;
        const take = (): void => {
          const ready = window.take();
          if (ready) {
            counted += ready.counts[0] ?? 0;
            acked = ready.total;
            expect(marks.get(ready.total), "a position without what is remembered there").toBe(ready.mark);
            expect(counted, "counts of other lines").toBe(ready.total);
            expect(ready.total).toBeLessThanOrEqual(Math.min(total, ...open.map((one) => one.total - 1)));
          }
        };
        const settle = (): void => {
          const [one] = open.splice((chance.next().value ?? 0) % Math.max(1, open.length), 1);
          if (one) {
            window.settle(one.held);
          }
          take();
        };
        for (const one of steps) {
          if (one === "mark") {
            marks.set(total, `${total}`);
            window.mark(`${total}`);
            take();
          } else if (one === "settle") {
            settle();
          } else {
            total++;
            for (let n = 0; n < one.deliveries; n++) {
              open.push({ held: window.hold(one.input, total, total), total });
            }
            window.cover(one.input, total, total);
            window.count(0);
            take();
          }
        }
        marks.set(total, `${total}`);
        window.mark(`${total}`);
        while (open.length > 0) {
          settle();
        }
        take();
        expect(acked).toBe(total);
      }),
      { numRuns: 300 },
    );
  });
});
