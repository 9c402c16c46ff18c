import { describe, expect, test } from "vitest";
import { RecentMap } from "./recent-map.ts";

describe("RecentMap", () => {
  test("RecentMap keeps what is asked for", () => {
    const map = new RecentMap<number>(2);
    for (let n = 0; n < 20; n++) {
      map.set(`k${n}`, n);
      expect(map.get("k0")).toBe(0);
    }
    expect(map.get("k3")).toBeUndefined();
    expect(map.size).toBeLessThanOrEqual(4);
  });

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

  test("RecentMap.replace tells of no value that says what stands there, and counts as asking all the same", () => {
    const map = new RecentMap<{ readonly of: readonly string[] }>(1);
    const told: string[] = [];
    map.watch({ changed: (key) => told.push(key), rotated: () => told.push("rotated") });
    const first = { of: ["a"] };
    map.replace("web", first);
    map.replace("db", { of: [] });
    expect(told.splice(0)).toEqual(["web", "rotated", "db"]);
    map.replace("web", { of: ["a"] });
    expect([map.peek("web") === first, told.splice(0)]).toEqual([true, ["rotated"]]);
    map.replace("web", { of: ["b"] });
    expect([map.peek("web"), told]).toEqual([{ of: ["b"] }, ["web"]]);
  });

  test("RecentMap counts long values, and ordinary ones not however often they are written", () => {
    const map = new RecentMap<string>(1_000, (value) => value.length);
    for (let i = 0; i < 100_000; i++) {
      map.set(`shop/web-${i % 1_000}`, "x".repeat(1_000));
    }
    expect([map.size, map.evicted]).toEqual([1_000, 0]);
    const again = new RecentMap<string>(1_000, (value) => value.length);
    again.restore(JSON.parse([...map.snapshot((value) => value)].join("")), (value) => value as string);
    for (const one of [map, again]) {
      for (let i = 0; i < 100; i++) {
        one.set(`shop/db-${i}`, "x".repeat(100_000));
      }
      expect(one.size).toBeLessThan(10);
    }
  });

  test("RecentMap.keysFrom gives the keys of both halves that begin so, and does not count as asking", () => {
    const map = new RecentMap<number>(2);
    ["shop/a", "team/a", "shop/b", "shop2/a"].forEach((key, i) => map.set(key, i));
    expect(map.keysFrom("shop/")).toEqual(["shop/a", "shop/b"]);
    map.set("shop/c", 4);
    expect([map.keysFrom("shop/"), map.evicted]).toEqual([["shop/b", "shop/c"], 2]);
  });

  test("RecentMap holds what is written again once, in the young half", () => {
    const map = new RecentMap<number>(2);
    ["a", "b", "c", "a", "c"].forEach((key, i) => map.set(key, i));
    expect([map.size, map.evicted, map.fresh("a"), map.peek("b")]).toEqual([3, 0, 3, 1]);
    map.set("d", 5);
    expect([map.size, map.evicted, map.has("b")]).toEqual([3, 1, false]);
  });

  test("RecentMap.rewritten tells as RecentMap.set does, and RecentMap.rotations when it is fresh no more", () => {
    const map = new RecentMap<{ text: string }>(100, ({ text }) => text.length);
    const told: string[] = [];
    map.watch({ changed: (key) => told.push(key), rotated: () => told.push("rotated") });
    const web = { text: "" };
    map.set("web", web);
    map.rewritten("web");
    expect([told.splice(0), map.rotations]).toEqual([["web", "web"], 0]);
    web.text = "x".repeat(100_000);
    map.rewritten("web", web);
    expect([map.fresh("web") === web, map.rotations]).toEqual([true, 0]);
    map.set("db", { text: "" });
    expect([told, map.fresh("web"), map.rotations]).toEqual([["web", "rotated", "db"], undefined, 1]);
  });
});
