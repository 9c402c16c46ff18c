import { EventScan } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { DecisionMemo, KEY_FIELDS } from "./decision-memo.ts";

describe("DecisionMemo", () => {
  test.each([
    ["many requests", 40_000, ""],
    ["long requests", 5000, "x".repeat(3000)],
  ])("of %s gives what was set for the very same one or nothing, and never holds all of them", (_what, count, long) => {
    const memo = new DecisionMemo<number>(KEY_FIELDS);
    const scan = new EventScan();
    const look = (i: number): number | undefined => {
      const line = Buffer.from(
        `{"level":"Metadata","stage":"Panic","requestURI":"/${i}/${long}","verb":"get","user":{"username":"u"}}`,
      );
      return scan.scan(line, 0, line.length) ? memo.get(scan) : -1;
    };
    const wrong: number[] = [];
    for (let i = 0; i < count; i++) {
      if (look(i) !== undefined) {
        wrong.push(i);
      }
      memo.set(i);
    }
    let known = 0;
    for (let i = 0; i < count; i++) {
      const found = look(i);
      known += found === undefined ? 0 : 1;
      if (found !== undefined && found !== i) {
        wrong.push(i);
      }
    }
    expect(wrong).toEqual([]);
    expect(look(count - 1)).toBe(count - 1);
    expect(known).toBeGreaterThan(500);
    expect(known).toBeLessThan(count / 2);
  });
});
