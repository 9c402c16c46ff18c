import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const PACKED = mkdtempSync(join(tmpdir(), "auditsieve-packed-"));
const INSTALLED = mkdtempSync(join(tmpdir(), "auditsieve-installed-"));

/** Ends the test with what the program said where it fails. */
function run(command: string, args: readonly string[], cwd: string, input = ""): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, input, encoding: "utf8", maxBuffer: 2 ** 28 });
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  return stdout;
}

function filesIn(archive: string): readonly string[] {
  return run("tar", ["tzf", join(PACKED, archive)], ROOT)
    .trimEnd()
    .split("\n")
    .map((file) => file.replace(/^package\//, ""));
}

beforeAll(() => {
  run("node", ["scripts/pack.mjs", PACKED], ROOT);
  run("npm", ["init", "--yes"], INSTALLED);
  const archives = readdirSync(PACKED).map((archive) => join(PACKED, archive));
  run("npm", ["install", "--omit=dev", "--no-audit", "--no-fund", ...archives], INSTALLED);
}, 600_000);
afterAll(() => [PACKED, INSTALLED].forEach((folder) => rmSync(folder, { recursive: true })));

describe("the packages", () => {
  test("are the command, five rooms and the profiles, each with a licence", () => {
    const archives = readdirSync(PACKED);
    expect(archives.toSorted()).toEqual(
      ["", "-audit", "-detect", "-ingest", "-policy", "-profiles", "-replay"].map(
        (name) => `auditsieve${name}-0.1.0.tgz`,
      ),
    );
    expect(archives.filter((archive) => !filesIn(archive).includes("LICENSE"))).toEqual([]);
  });

  test("hold what was compiled of their sources and no tests, with types and a page of what they are", () => {
    for (const room of ["audit", "policy", "detect", "ingest", "replay"]) {
      const files = filesIn(`auditsieve-${room}-0.1.0.tgz`);
      const compiled = files.filter((file) => file.startsWith("dist/"));
      const sources = readdirSync(join(ROOT, "packages", room, "src"), { recursive: true, encoding: "utf8" });
      const written = sources.filter(
        (file) => file.endsWith(".ts") && !/\.(?:test|suite|d)\.ts$|^report\/page\//.test(file),
      );
      expect(compiled.filter((file) => file.endsWith(".js")).toSorted()).toEqual(
        written.map((file) => `dist/${file.replace(/\.ts$/, ".js")}`).toSorted(),
      );
      expect(compiled.filter((file) => file.endsWith(".d.ts")).length).toBe(written.length);
      expect(files).toContain("README.md");
    }
  });

  test("run, installed by npm in an empty folder", () => {
    const auditsieve = (args: readonly string[], input = ""): string =>
      run(join(INSTALLED, "node_modules/.bin/auditsieve"), args, INSTALLED, input);
    const sample = join(ROOT, "samples/small.log");
    expect(run("npx", ["auditsieve", "--help"], INSTALLED)).toContain("auditsieve policy");
    expect(auditsieve(["policy", "check", "-"], auditsieve(["policy", "generate"]))).toContain("an apiserver loads it");
    expect(auditsieve(["filter", sample]).trimEnd().split("\n").length).toBeGreaterThan(30);
    expect(auditsieve(["replay", "--output", "ndjson", sample])).toContain('"detection"');
    expect(auditsieve(["query", "SELECT count(*) AS events FROM events", sample])).toContain("40");
    expect(auditsieve(["detections", "list", "--output", "json"])).toContain('"runbook"');
  });
});
