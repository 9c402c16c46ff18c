import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";

/** The shell commands of the README, but those that set up or run until they are stopped. */
export const README_COMMANDS: readonly string[] = [
  ...readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/```sh\n(.*?)```/gs),
]
  .flatMap(([, block = ""]) => block.replaceAll("|\n", "| ").split("\n"))
  .filter((line) => line.includes("npx auditsieve") && !line.includes("ingest"));

/** Runs commands of the README, in their order: some use a file that an earlier one wrote. */
export function runReadme(commands: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), "auditsieve-readme-"));
  ["samples", "profiles"].forEach((name) => symlinkSync(join(ROOT, name), join(folder, name)));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(commands)("README: %s", (command) => {
    const shim = `npx() { shift; "${process.execPath}" "${MAIN}" "$@"; }; ${command}`;
    const { status, stderr } = spawnSync("bash", ["-c", shim], { cwd: folder, env: ENVIRONMENT, encoding: "utf8" });
    // Coverage fails on purpose where something is hidden.
    const isFine = status === 0 || (status === 1 && command.includes("coverage"));
    expect([command, isFine ? "" : `${status}: ${stderr}`]).toEqual([command, ""]);
  });
}
