import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/**
 * Runs every `@example` of the doc comments below a folder, with what the package shows and `assert` in reach. There must be at least
 * `least` of them, so that it is noticed when none is found.
 */
export function testExamples(folder: string, shown: Readonly<Record<string, unknown>>, least: number): void {
  const files = globSync("**/*.ts", { cwd: folder, exclude: ["**/*.test.ts", "**/*.suite.ts"] });
  const examples = files.flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(/^ \* @example\n((?: \*.*\n)+?)(?: \*\/)/gm)].map(
      ([, body = ""]) => ({ file, code: body.replaceAll(/^ \* ?/gm, "") }),
    ),
  );

  describe("the examples in doc comments", () => {
    it("are found", () => {
      expect(examples.length).toBeGreaterThanOrEqual(least);
    });

    it.each(examples)("of $file run", ({ code }) => {
      // oxlint-disable-next-line typescript/no-implied-eval -- our own comments, so that they stay true
      const run = new Function("assert", ...Object.keys(shown), stripTypeScriptTypes(code)) as (
        ...args: readonly unknown[]
      ) => void;
      run(assert, ...Object.values(shown));
    });
  });
}
