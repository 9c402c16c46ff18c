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

  test("boundHeap leaves a small heap alone, and has V8 collect a large one sooner until it is released", () => {
    let [taken, collected] = [200 * MB, 0];
    const percents: (number | undefined)[] = [];
    const heap = boundHeap({
      usedBytes: () => 250 * MB,
      takenBytes: () => taken,
      youngBytes: () => 0,
      compact: () => {},
      letOldGrow: (percent) => void percents.push(percent),
      collect: () => collected++,
    });
    const at = (mb: number): number => {
      taken = mb * MB;
      vi.advanceTimersByTime(1_000);
      return collected;
    };
    expect([at(200), at(290), percents.length]).toEqual([0, 0, 0]);
    expect([at(310), at(590), at(610), at(200), at(310)]).toEqual([1, 1, 2, 2, 2]);
    expect(percents).toEqual([30, 15]);
    heap.release();
    expect([at(900), vi.getTimerCount()]).toEqual([2, 0]);
    expect(percents).toEqual([30, 15, undefined]);
  });

  test("boundHeap collects at once where V8 does not keep up", () => {
    let [used, collected] = [400 * MB, 0];
    const heap = boundHeap({
      usedBytes: () => used,
      takenBytes: () => 500 * MB,
      youngBytes: () => 0,
      letOldGrow: () => {},
      collect: () => {
        collected++;
        used = Math.min(used, 450 * MB);
      },
      compact: () => {},
    });
    const at = (mb: number): number => {
      used = mb * MB;
      vi.advanceTimersByTime(200);
      return collected;
    };
    expect([at(400), at(550), at(570)]).toEqual([1, 1, 2]);
    // From what it holds after that, and from what V8 leaves of it.
    expect([at(620), at(640), at(300), at(430)]).toEqual([2, 3, 3, 4]);
    heap.release();
  });

  test("boundHeap lets the room for new objects of a large heap grow no further, and again once it was made small", () => {
    let [taken, young] = [200 * MB, 64 * MB];
    const grows: boolean[] = [];
    const heap = boundHeap({
      usedBytes: () => taken,
      takenBytes: () => taken,
      youngBytes: () => young,
      letYoungGrow: (mayGrow) => void grows.push(mayGrow),
      letOldGrow: () => {},
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

  test("boundHeap lets the room for new objects grow for as long as it was told to", () => {
    let taken = 0;
    const grows: boolean[] = [];
    const heap = boundHeap({
      usedBytes: () => taken,
      takenBytes: () => taken,
      youngBytes: () => 64 * MB,
      letYoungGrow: (mayGrow) => void grows.push(mayGrow),
      letOldGrow: () => {},
      collect: () => {},
      compact: () => {},
      grownBytes: 200 * MB,
      largeBytes: 250 * MB,
    });
    const at = (mb: number): number => {
      taken = mb * MB;
      vi.advanceTimersByTime(1_000);
      return grows.length;
    };
    expect([at(190), at(210)]).toEqual([0, 1]);
    heap.release();
  });

  test("boundHeap looks when it is told to, where no timer comes to its turn, and not more often", () => {
    let looked = 0;
    const heap = boundHeap({
      takenBytes: () => {
        looked++;
        return 0;
      },
    });
    for (let i = 0; i < 10; i++) {
      heap.look();
    }
    expect(looked).toBe(1);
    vi.advanceTimersByTime(1_000);
    heap.look();
    expect(looked).toBeGreaterThan(1);
    heap.release();
  });

  test("boundHeap closes holes, as often as it has the time, and before the next stretch of work", () => {
    let [used, taken, compacted] = [200 * MB, 200 * MB, 0];
    const heap = boundHeap({
      usedBytes: () => used,
      takenBytes: () => taken,
      youngBytes: () => 0,
      letOldGrow: () => {},
      collect: () => {},
      compact: () => {
        compacted++;
        taken = used;
        vi.advanceTimersByTime(1_000);
      },
    });
    const at = (mb: number, takenMb: number): number => {
      [used, taken] = [mb * MB, takenMb * MB];
      vi.advanceTimersByTime(200);
      return compacted;
    };
    expect([at(200, 290), at(310, 390), at(310, 410)]).toEqual([0, 0, 1]);
    // It took a second: not again within twenty.
    expect(at(310, 600)).toBe(1);
    vi.advanceTimersByTime(20_000);
    expect(at(310, 410)).toBe(2);
    taken = 310 * MB;
    heap.settle();
    expect(compacted).toBe(3);
    taken = 290 * MB;
    heap.settle();
    heap.release();
    expect(compacted).toBe(3);
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
