import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { setup, teardown } from "./temporary-folder.ts";

const before = { TMPDIR: process.env["TMPDIR"], AUDITSIEVE_ENGINES: process.env["AUDITSIEVE_ENGINES"] };
afterEach(() => Object.assign(process.env, before));

test("a run takes away what it leaves and what a killed one has left, and not what is of one that runs", () => {
  // Every run has one: this one, too.
  expect(basename(tmpdir())).toMatch(/^auditsieve-tests-\d+$/);
  const outside = mkdtempSync(join(tmpdir(), "outside-"));
  const killed = `auditsieve-tests-${spawnSync(process.execPath, ["-e", ""]).pid}`;
  const running = `auditsieve-tests-${process.ppid}`;
  for (const folder of [killed, running, "auditsieve-bench"]) {
    mkdirSync(join(outside, folder, "below"), { recursive: true });
    writeFileSync(join(outside, folder, "below", "left.log"), "x");
  }
  process.env["TMPDIR"] = outside;
  setup();
  const own = tmpdir();
  expect(readdirSync(outside).toSorted()).toEqual(["auditsieve-bench", basename(own), running].toSorted());
  mkdtempSync(join(own, "left-"));
  // Asked a second time, for the other tier, it stays where it is.
  setup();
  expect(tmpdir()).toBe(own);
  teardown();
  teardown();
  expect(tmpdir()).toBe(outside);
  expect(readdirSync(outside).toSorted()).toEqual(["auditsieve-bench", running].toSorted());
});
