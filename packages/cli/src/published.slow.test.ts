import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import { MAIN, ROOT } from "./run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-published-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect([command, args, status === 0 ? "" : stdout + stderr]).toEqual([command, args, ""]);
  return stdout;
}

function idsOf(file: string): readonly string[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => (JSON.parse(line) as { readonly id: string }).id);
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
  const replayed = run(
    process.execPath,
    [command, "replay", join(ROOT, "samples/small.log"), "--output", "ndjson"],
    folder,
  );
  expect(replayed.trim().split("\n").length).toBeGreaterThan(10);
  expect(run(process.execPath, [command, "policy", "generate"], folder)).toContain("kind: Policy");
  // What is bundled, and what the bundle loads later.
  const log = join(ROOT, "samples/small.log");
  const kept = run(process.execPath, [MAIN, "filter", log], ROOT);
  expect(run(process.execPath, [command, "filter", log], folder)).toBe(kept);
  writeFileSync(join(folder, "log.gz"), gzipSync(readFileSync(log)));
  writeFileSync(
    join(folder, "all.yaml"),
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n",
  );
  expect(run(process.execPath, [command, "filter", "log.gz"], folder)).toBe(kept);
  expect(run(process.execPath, [command, "filter", "--policy", "all.yaml", log], folder)).toBe(
    readFileSync(log, "utf8"),
  );
  expect(run(process.execPath, [command, "filter", "--policy=control-loops", log], folder)).toBe(kept);
  const times = Math.ceil((9 * 1024 * 1024) / statSync(log).size);
  writeFileSync(join(folder, "large.log"), readFileSync(log, "utf8").repeat(times));
  run("sh", ["-c", `"${process.execPath}" "${command}" filter --workers 2 large.log > large.kept`], folder);
  expect(readFileSync(join(folder, "large.kept"), "utf8") === kept.repeat(times)).toBe(true);
  const redacted = run(process.execPath, [command, "filter", "--redact", "--findings", "found", log], folder);
  expect(redacted.match(/"auditID"/g)).toEqual(kept.match(/"auditID"/g));
  // Prepared when it was built; here they are loaded.
  run(process.execPath, [MAIN, "filter", "--findings", join(folder, "found here"), log], ROOT);
  const found = idsOf(join(folder, "found"));
  expect(found.length).toBeGreaterThan(0);
  expect(found).toEqual(idsOf(join(folder, "found here")));
  // The daemon's start is bundled too, with prepared detections.
  const follow = ["ingest", "--no-follow", "--output", "ndjson", log];
  const seen = run(process.execPath, [MAIN, ...follow], ROOT);
  const foundBy = (text: string): readonly string[] => text.match(/"id":"[0-9a-f-]{36}"/g) ?? [];
  expect(foundBy(seen).length).toBeGreaterThan(0);
  expect(foundBy(run(process.execPath, [command, ...follow], folder))).toEqual(foundBy(seen));
}, 300_000);
