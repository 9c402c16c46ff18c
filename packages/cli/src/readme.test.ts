import { describe, expect, test } from "vitest";
import { README_COMMANDS, runReadme } from "./readme.suite.ts";

/** Those take a second or two each, and run in the slow tier with all others. */
const isLong = (command: string): boolean => / (?:replay|query|policy (?:coverage|tune)) /.test(command);

describe("README", () => {
  test("README shows each command of the tour", () => {
    expect(README_COMMANDS.length).toBeGreaterThanOrEqual(6);
  });

  runReadme(README_COMMANDS.filter((command) => !isLong(command)));
});
