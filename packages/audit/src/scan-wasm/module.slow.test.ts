import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const BUILD = join(import.meta.dirname, "../../../../scripts/build-wasm.mjs");

// `npm run check` asks the same: the compiler takes five seconds.
test("module.ts is what the sources make", () => {
  const { status, stderr } = spawnSync(process.execPath, [BUILD, "--check"], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});
