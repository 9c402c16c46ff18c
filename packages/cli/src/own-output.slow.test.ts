import { spawn } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "own-output-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command in a folder with one log, with its output appended to a file of it, as a shell does for `>>`. */
function run(name: string, args: readonly string[], output: string): Promise<{ code: number | null; stderr: string }> {
  const logs = join(folder, name);
  mkdirSync(logs);
  copyFileSync(join(ROOT, "samples", "small.log"), join(logs, "audit.log"));
  const file = openSync(join(logs, output), "a");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: logs,
      env: ENVIRONMENT,
      stdio: ["ignore", file, "pipe"],
    });
    closeSync(file);
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
  });
}

test("ownOutput: what a command writes into a folder that it reads is no log of it, and it says so", async () => {
  const { code, stderr } = await run("found", ["rbac", "kubernetes-admin", "."], "out.ndjson");
  expect(code).toBe(0);
  expect(stderr).toContain('auditsieve: "out.ndjson" not read: standard output is written to it');
  expect(stderr).not.toContain("Cannot decode");
  expect(readFileSync(join(folder, "found", "out.ndjson"), "utf8")).toContain("kind: RoleBinding");
});

test.each([
  ["filter", ["filter", "audit.log"]],
  ["replay", ["replay", "audit.log"]],
])("ownOutput: %s refuses a log that its output is appended to, and leaves it as it is", async (name, args) => {
  const { code, stderr } = await run(name, args, "audit.log");
  expect(code).toBe(2);
  expect(stderr).toContain('Cannot read log "audit.log": standard output is written to it');
  expect(readFileSync(join(folder, name, "audit.log"))).toEqual(readFileSync(join(ROOT, "samples", "small.log")));
});
