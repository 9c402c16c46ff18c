import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { boundHeap } from "./bound-heap.ts";

const MB = 1024 * 1024;

describe("boundHeap", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("boundHeap leaves a small heap alone, and collects a large one when a quarter of it may be garbage", () => {
    let [bytes, collected] = [200 * MB, 0];
    const heap = boundHeap({
      usedBytes: () => bytes,
      takenBytes: () => bytes,
      collect: () => {
        collected++;
        bytes = 400 * MB;
      },
    });
    const at = (used: number): number => {
      bytes = used;
      vi.advanceTimersByTime(1_000);
      return collected;
    };
    expect([200, 290].map((mb) => at(mb * MB))).toEqual([0, 0]);
    expect([450, 480, 499].map((mb) => at(mb * MB))).toEqual([1, 1, 1]);
    expect(at(510 * MB)).toBe(2);
    heap.release();
    expect([at(900 * MB), vi.getTimerCount()]).toEqual([2, 0]);
  });

  test("boundHeap lets the room for new objects of a large heap grow no further, and again once it was made small", () => {
    let [taken, young] = [200 * MB, 64 * MB];
    const grows: boolean[] = [];
    const heap = boundHeap({
      usedBytes: () => 250 * MB,
      takenBytes: () => taken,
      youngBytes: () => young,
      letYoungGrow: (mayGrow) => void grows.push(mayGrow),
      compact: () => (young = MB),
    });
    const at = (takenMb: number, youngMb: number): readonly boolean[] => {
      [taken, young] = [takenMb * MB, youngMb * MB];
      vi.advanceTimersByTime(1_000);
      return [...grows];
    };
    expect(at(40, 64)).toEqual([]);
    expect(at(310, 8)).toEqual([]);
    expect(at(310, 17)).toEqual([false]);
    heap.settle();
    expect(grows).toEqual([false, true]);
    expect(at(310, 17)).toEqual([false, true, false]);
    heap.release();
    expect(grows).toEqual([false, true, false, true]);
  });

  test("boundHeap looks when it is told to, where no timer comes to its turn, and not more often", () => {
    let [looked, collected] = [0, 0];
    const heap = boundHeap({
      usedBytes: () => {
        looked++;
        return 400 * MB;
      },
      takenBytes: () => 0,
      collect: () => collected++,
    });
    for (let i = 0; i < 10; i++) {
      heap.look();
    }
    expect(collected).toBe(1);
    const before = looked;
    vi.advanceTimersByTime(1_000);
    heap.look();
    expect(looked).toBeGreaterThan(before);
    heap.release();
  });

  test("boundHeap collects what is garbage", async () => {
    vi.useRealTimers();
    const garbage = newGarbage();
    // Ever more than a quarter above what was alive.
    let bytes = 999 * MB;
    const heap = boundHeap({ usedBytes: () => (bytes *= 2) });
    await vi.waitUntil(() => garbage.every((one) => one.deref() === undefined), { timeout: 60_000, interval: 350 });
    heap.release();
  });

  test("boundHeap closes holes when collecting leaves some, as often as it has the time, and before the next stretch of work", () => {
    let [used, taken, compacted] = [200 * MB, 200 * MB, 0];
    const heap = boundHeap({
      usedBytes: () => used,
      takenBytes: () => taken,
      collect: () => (used = 320 * MB),
      compact: () => {
        compacted++;
        vi.advanceTimersByTime(1_000);
        taken = 350 * MB;
      },
    });
    const at = (mb: number, takenMb: number): number => {
      [used, taken] = [mb * MB, takenMb * MB];
      vi.advanceTimersByTime(200);
      return compacted;
    };
    expect([at(310, 390), at(410, 450)]).toEqual([0, 1]);
    // It took a second: not again within ten, but where a third of the heap is holes.
    expect([at(410, 450), at(410, 500)]).toEqual([1, 2]);
    vi.advanceTimersByTime(10_000);
    expect(at(410, 450)).toBe(3);
    heap.settle();
    expect(compacted).toBe(4);
    taken = 290 * MB;
    heap.settle();
    heap.release();
    expect(compacted).toBe(4);
  });

  test("boundHeap gives the machine back what a stretch of work needed", () => {
    vi.useRealTimers();
    const holes = new Map(Array.from({ length: 60_000 }, (_, i) => [i, `${i} ${"x".repeat(20)}`]));
    for (let i = 0; i < 60_000; i++) {
      if (i % 10 !== 0) {
        holes.delete(i);
      }
    }
    const before = process.memoryUsage().heapTotal;
    const heap = boundHeap({ largeBytes: 1 });
    heap.settle();
    heap.release();
    expect(process.memoryUsage().heapTotal).toBeLessThan(before - 2 * MB);
    expect(holes.size).toBe(6_000);
  });
});

function newGarbage(): readonly WeakRef<object>[] {
  return [{}, {}].map((one) => new WeakRef(one));
}
