import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { README_COMMANDS, readmeFolder } from "./readme.suite.ts";
import { inProcess } from "./run-in-process.suite.ts";

/** Those take a second or two each, or want a shell; the slow tier has all, each in a process of its own. */
const isForSlowTier = (command: string): boolean => / (?:replay|query|policy (?:coverage|tune)) |[|>]/.test(command);

describe("README", () => {
  const folder = readmeFolder();
  const before = process.cwd();
  beforeAll(() => process.chdir(folder));
  afterAll(() => process.chdir(before));

  test("README shows each command of the tour", () => {
    expect(README_COMMANDS.length).toBeGreaterThanOrEqual(6);
  });

  // In their order: some use a file that an earlier one wrote.
  test.each(README_COMMANDS.filter((command) => !isForSlowTier(command)))("README: %s", async (command) => {
    const { code, stderr } = await inProcess(argumentsOf(command));
    expect([command, code === 0 ? "" : `${code}: ${stderr}`]).toEqual([command, ""]);
  });
});

/** As a shell reads them that has nothing to replace. */
function argumentsOf(command: string): readonly string[] {
  const words = command.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  return words.slice("npx auditsieve".split(" ").length).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}
