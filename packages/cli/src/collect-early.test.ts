import { heapOfProcess } from "@auditsieve/replay/heap";
import { spawnSync } from "node:child_process";
import { Script } from "node:vm";
import { expect, test } from "vitest";
import { collectEarly } from "./collect-early.ts";

test("collectEarly has the heap collected while V8 would let it grow to a multiple of what is alive, and lets it as before afterwards", () => {
  const asked: unknown[] = [];
  collectEarly({ letOldGrow: (percent) => asked.push(percent), collectNext: () => asked.push("collect") });
  expect(asked).toEqual([1800, "collect", undefined]);
});

test("collectEarly leaves V8's flags as they were, so that it takes what was compiled with them", () => {
  const cachedData = new Script("(function () { return 1; })").createCachedData();
  collectEarly(heapOfProcess());
  // Of the text itself it knows the code already.
  expect(new Script("(function () { return 2; })", { cachedData }).cachedDataRejected).toBe(false);
});

test("collectEarly collects the whole heap once of a process that has just begun, and later only new objects are", () => {
  const program = `
import { collectEarly } from ${JSON.stringify(new URL("collect-early.ts", import.meta.url).href)};
let kept;
const fill = () => { for (let made = 0; made < 100; made++) kept = new Array(8192); };
console.log("begin");
collectEarly();
console.log("end");
fill();
`;
  const { stdout } = spawnSync(process.execPath, ["--trace-gc", "--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  const [, during = "", after = ""] = /begin\n(.*)end\n(.*)$/s.exec(stdout) ?? [];
  expect(during.match(/Mark-Compact/g)).toHaveLength(1);
  expect(after).toMatch(/Scavenge/);
  expect(after).not.toMatch(/Mark-Compact/);
});
