import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AckWindow } from "./ack-window.ts";
import type { Held } from "./ack-window.ts";
import type { Mark } from "../state/detection-state.ts";
import { PackedText } from "../state/state-packing.ts";
import { countIn } from "./tally-ledger.ts";

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

  test("waits for the lines of a chunk together, but not for those of the next one, nor for what may take long", () => {
    const window = new AckWindow();
    const offsets = (...held: readonly Held[]): readonly (number | undefined)[] =>
      held.map((one) => {
        window.settle(one);
        return window.take()?.offset;
      });
    const [first, second] = [window.hold("a", 10, 10), window.hold("a", 20, 20)];
    window.endChunk();
    const third = window.hold("a", 30, 30);
    expect(offsets(first, second, third)).toEqual([undefined, 20, 30]);
    const before = window.hold("a", 40, 40);
    const long = window.hold("a", 50, 50, true);
    // The very line that something else was held for before.
    const both = [window.hold("a", 60, 60), window.hold("a", 60, 60, true)] as const;
    expect(offsets(before, ...both, long)).toEqual([40, undefined, undefined, 60]);
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
              open.push({ held: window.hold("a", end, end, (chance.next().value ?? 0) % 5 === 0), end });
            }
            if (deliveries === 0) {
              window.cover("a", end, end);
            }
            if ((chance.next().value ?? 0) % 3 === 0) {
              window.endChunk();
              for (let more = open.length - 5; more > 0; more--) {
                settleOne();
              }
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
        const marks = new Map<number, Mark>();
        let total = 0;
        let counted = 0;
        let acked = 0;
        const mark = (): void => {
          const made = { state: new PackedText([]), documents: new Map<string, string>() };
          marks.set(total, made);
          window.mark(made);
        };
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
            mark();
            take();
          } else if (one === "settle") {
            settle();
          } else {
            total++;
            for (let n = 0; n < one.deliveries; n++) {
              open.push({ held: window.hold(one.input, total, total), total });
            }
            window.cover(one.input, total, total);
            countIn(window.countsOf(one.input), 0);
            take();
          }
        }
        mark();
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
