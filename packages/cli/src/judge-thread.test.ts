import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { judgeThread } from "./judge-thread.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "auditsieve-logs-"));
  writeFileSync(join(folder, "audit.log"), "");
  // Of links that lead in circles the ways multiply.
  ["a", "b", "c"].forEach((name) => symlinkSync(".", join(folder, name)));
  symlinkSync("self", join(folder, "self"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("judgeThread: counts each log of a folder once, and what cannot be looked at for nothing", async () => {
  truncateSync(join(folder, "audit.log"), 47 * 1024 * 1024);
  expect(judgeThread(undefined, [folder, join(folder, "self"), join(folder, "nothing")])).toBeUndefined();
  truncateSync(join(folder, "audit.log"), 49 * 1024 * 1024);
  const thread = judgeThread(undefined, [folder]);
  expect(thread !== undefined).toBe(availableParallelism() > 1);
  await thread?.close();
});
