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
    const release = boundHeap({
      usedBytes: () => bytes,
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
    release();
    expect([at(900 * MB), vi.getTimerCount()]).toEqual([2, 0]);
  });

  test("boundHeap collects what is garbage", async () => {
    vi.useRealTimers();
    const garbage = newGarbage();
    // Ever more than a quarter above what was alive.
    let bytes = 999 * MB;
    const release = boundHeap({ usedBytes: () => (bytes *= 2) });
    await vi.waitUntil(() => garbage.every((one) => one.deref() === undefined), { timeout: 60_000, interval: 350 });
    release();
  });
});

function newGarbage(): readonly WeakRef<object>[] {
  return [{}, {}].map((one) => new WeakRef(one));
}
