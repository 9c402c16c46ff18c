import * as fc from "fast-check";
import { expect, test } from "vitest";
import { killRepeatedly } from "./daemon-chaos.suite.ts";
import { tailModel } from "./sources/file-tail.suite.ts";

test("kill -9 at 60 random moments loses nothing and stores nothing twice", async () => {
  const { lines } = await killRepeatedly(60);
  expect(lines).toBeGreaterThan(4000);
});

test("the file tail follows 5,000 random lives of a log", async () => {
  await fc.assert(tailModel(40), { numRuns: 5000 });
});
