import type { Finding } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import { FindingCounter } from "./finding-counts.ts";

function by(actor: string): Finding {
  return {
    id: "1",
    detection: { id: "d", title: "Title", level: "low", techniques: [] },
    time: "2026-11-24T10:00:00.000000Z",
    actor,
    summary: "x",
    outcome: "success",
    auditIDs: ["1"],
    events: [],
  };
}

describe("FindingCounter", () => {
  test("FindingCounter cuts actors of over 512 letters, and tells them apart by what they digest to", () => {
    const counter = new FindingCounter();
    const [one, other] = ["x".repeat(100_000), `${"x".repeat(99_999)}y`] as const;
    [one, other, one, "eve", "e".repeat(512)].forEach((actor) => counter.add(by(actor)));
    const counted = [...counter.byActor];
    expect(counted.map(([, number]) => number)).toEqual([2, 1, 1, 1]);
    expect(counted.every(([actor]) => actor.length <= 512)).toBe(true);
    expect(counted.slice(2).map(([actor]) => actor)).toEqual(["eve", "e".repeat(512)]);
  });
});
