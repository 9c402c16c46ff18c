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
});
