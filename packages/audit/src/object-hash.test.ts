import { expect, test } from "vitest";
import { hashOfObject } from "./object-hash.ts";

test("hashOfObject is another one for most names, however much of them is alike", () => {
  const names = Array.from({ length: 4096 }, (_, i) => `web-67ccbd97d-${i.toString(36).padStart(5, "0")}`);
  const places = new Set(names.map((name) => hashOfObject("shop", name) & 0xfff));
  // As of numbers that are thrown: 4096 * (1 - 1/e).
  expect(places.size).toBeGreaterThan(2400);
  const apart = [
    ["a", "bc"],
    ["ab", "c"],
    ["", "abc"],
    ["abc", ""],
    ["a", "b"],
    ["a", "bcd"],
    ["é", "a"],
  ] as const;
  expect(new Set(apart.map(([namespace, name]) => hashOfObject(namespace, name))).size).toBe(apart.length);
});
