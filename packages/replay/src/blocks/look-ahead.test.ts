import { describe, expect, test } from "vitest";
import { eventAt, linesOf, logOf, plainLogOf } from "../replay-fixtures.suite.ts";
import { looksOutOfOrder } from "./look-ahead.ts";

const WINDOW = 5_000_000;
const body = { requestObject: { text: "x".repeat(3_000) } };
const lines = Array.from({ length: 2_000 }, (_, i) => linesOf([eventAt(i * 100, body)]));

describe("looksOutOfOrder", () => {
  test("looksOutOfOrder sees that a log begins anew, and no more than that in others", async () => {
    const halves = [...lines.slice(1_000), ...lines.slice(0, 1_000)].join("");
    const late = [...lines.slice(40), ...lines.slice(0, 40)].join("");
    const inOrder = plainLogOf("in order", lines.join(""));
    expect(await looksOutOfOrder([inOrder], WINDOW)).toBe(false);
    expect(await looksOutOfOrder([inOrder, plainLogOf("halves", halves)], WINDOW)).toBe(true);
    expect(await looksOutOfOrder([plainLogOf("late", late)], WINDOW)).toBe(true);
    expect(await looksOutOfOrder([plainLogOf("late", late)], 200_000_000)).toBe(false);
    expect(await looksOutOfOrder([logOf("packed", halves)], WINDOW)).toBe(false);
    expect(
      await looksOutOfOrder([plainLogOf("none", ""), plainLogOf("small", linesOf([eventAt(9e6), eventAt(0)]))], WINDOW),
    ).toBe(false);
  });
});
