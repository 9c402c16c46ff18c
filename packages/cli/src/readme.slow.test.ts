import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { README_COMMANDS, readmeFolder } from "./readme.suite.ts";
import { ENVIRONMENT, MAIN } from "./run-command.suite.ts";

describe("README", () => {
  const cwd = readmeFolder();

  // In their order: some use a file that an earlier one wrote.
  test.each(README_COMMANDS)("README: %s", (command) => {
    const shim = `npx() { shift; "${process.execPath}" "${MAIN}" "$@"; }; ${command}`;
    const { status, stderr } = spawnSync("bash", ["-c", shim], { cwd, env: ENVIRONMENT, encoding: "utf8" });
    // Coverage fails on purpose where something is hidden.
    const isFine = status === 0 || (status === 1 && command.includes("coverage"));
    expect([command, isFine ? "" : `${status}: ${stderr}`]).toEqual([command, ""]);
  });
});
