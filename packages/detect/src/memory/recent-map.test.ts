import { describe, expect, test } from "vitest";
import { RecentMap } from "./recent-map.ts";

describe("RecentMap", () => {
  test("RecentMap holds few of what has long keys, and as many as ever of the others", () => {
    const map = new RecentMap<true>(1_000);
    for (let i = 0; i < 1_000; i++) {
      map.set(`shop/web-${i}`, true);
    }
    expect([map.size, map.evicted]).toEqual([1_000, 0]);
    for (let i = 0; i < 1_000; i++) {
      map.set(`${i} ${"x".repeat(100_000)}`, true);
    }
    expect(map.size).toBeLessThan(10);
    expect(map.evicted).toBe(2_000 - map.size);
  });

  test("RecentMap counts long values, and ordinary ones not however often they are written", () => {
    const map = new RecentMap<string>(1_000, (value) => value.length);
    for (let i = 0; i < 100_000; i++) {
      map.set(`shop/web-${i % 1_000}`, "x".repeat(1_000));
    }
    expect([map.size, map.evicted]).toEqual([1_000, 0]);
    const again = new RecentMap<string>(1_000, (value) => value.length);
    again.restore(
      map.snapshot((value) => value),
      (value) => value as string,
    );
    for (const one of [map, again]) {
      for (let i = 0; i < 100; i++) {
        one.set(`shop/db-${i}`, "x".repeat(100_000));
      }
      expect(one.size).toBeLessThan(10);
    }
  });
});
