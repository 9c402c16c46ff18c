import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";

const LOADED = 120_000;
const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), "auditsieve-reader-gone-"));
const log = join(folder, "attack.log");
beforeAll(() => writeFileSync(log, zstdDecompressSync(readFileSync(join(ROOT, "samples/attack.log.zst")))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.concurrent("a command whose reader stops reading", () => {
  test.each([
    ["query", ["query", "SELECT range FROM range(100000000000)", log, "--output", "csv"]],
    ["ingest", ["ingest", log]],
  ])(
    "auditsieve %s leaves no temporary folder behind",
    async (name, args) => {
      const temporary = mkdtempSync(join(folder, `${name}-`));
      const { stdout } = await run("bash", ["-c", '"$@" 2>&1 | head -n 1', "bash", process.execPath, MAIN, ...args], {
        env: { ...ENVIRONMENT, TMPDIR: temporary },
      });
      expect([stdout.split("\n").length, readdirSync(temporary)]).toEqual([2, []]);
    },
    LOADED,
  );
});
