import { heapOfProcess } from "@auditsieve/replay/heap";
import { Script } from "node:vm";
import { expect, test } from "vitest";
import { collectEarly } from "./collect-early.ts";

test("collectEarly has the heap collected while V8 would let it grow to a multiple of what is alive, and lets it as before afterwards", () => {
  const asked: unknown[] = [];
  collectEarly({ letOldGrow: (percent) => asked.push(percent), collect: () => asked.push("collect") });
  expect(asked).toEqual([1500, "collect", undefined]);
});

test("collectEarly leaves V8's flags as they were, so that it takes what was compiled with them", () => {
  const source = "(function () { return 1; })";
  const cachedData = new Script(source).createCachedData();
  collectEarly(heapOfProcess());
  expect(new Script(source, { cachedData }).cachedDataRejected).toBe(false);
});
