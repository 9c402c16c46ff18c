import { describe, expect, test } from "vitest";
import { boundedText } from "./bounded-text.ts";

describe("boundedText", () => {
  test("boundedText leaves a text alone that a cluster has, and cuts a longer one so that no two become one", () => {
    const longest = "x".repeat(512);
    expect([boundedText(""), boundedText(longest)]).toEqual(["", longest]);
    const [a, b] = [boundedText(`${longest}a`), boundedText(`${longest}b`)];
    expect(a).toMatch(/^x{200}…[0-9a-f]{32}$/);
    expect(a).not.toBe(b);
    expect(boundedText(`${longest}a`)).toBe(a);
  });

  test("boundedText holds nothing of what it was cut from", () => {
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 100 }, (_, i) => boundedText(`${i} ${"ä".repeat(1_000_000)}`));
    expect(kept.join("").length).toBeLessThan(30_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(150_000_000);
  });
});
