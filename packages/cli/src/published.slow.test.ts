import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ROOT } from "./run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-published-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect([command, args, status === 0 ? "" : stdout + stderr]).toEqual([command, args, ""]);
  return stdout;
}

/** What users install: built, packed and installed beside nothing of this checkout. */
test("the published packages work when they are installed from their archives", () => {
  run("tsc", ["-b", "tsconfig.build.json"], ROOT);
  const setup = readFileSync(join(ROOT, "scripts/setup.mjs"), "utf8");
  const pnpm = /pnpm@[\d.]+/.exec(setup)?.[0] ?? "pnpm";
  const rooms = ["audit", "cli", "detect", "ingest", "policy", "replay"].map((room) => join(ROOT, "packages", room));
  for (const room of [...rooms, join(ROOT, "profiles")]) {
    run("npm", ["exec", "--yes", `--package=${pnpm}`, "--", "pnpm", "pack", "--pack-destination", folder], room);
  }
  const archives = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  expect(archives).toHaveLength(7);
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  run("npm", ["install", "--no-save", ...archives.map((file) => `./${file}`)], folder);
  const command = join(folder, "node_modules/auditsieve/bin/auditsieve.mjs");
  const found = run(
    process.execPath,
    [command, "replay", join(ROOT, "samples/small.log"), "--output", "ndjson"],
    folder,
  );
  expect(found.trim().split("\n").length).toBeGreaterThan(10);
  expect(run(process.execPath, [command, "policy", "generate"], folder)).toContain("kind: Policy");
}, 300_000);
