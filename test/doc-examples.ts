import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** What examples presuppose, made anew for each. */
type World = () => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;

/**
 * Runs every `@example` of the doc comments below a folder, with what the package shows, what its own file does, `assert` and the
 * `world` in reach. There must be at least `least` of them, so that it is noticed when none is found.
 */
export function testExamples(
  folder: string,
  shown: Readonly<Record<string, unknown>>,
  least: number,
  world: World = () => ({}),
): void {
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

    it.each(examples)("of $file run", async ({ file, code }) => {
      const own = (await import(join(folder, file))) as Readonly<Record<string, unknown>>;
      const inReach = { assert, ...shown, ...own, ...(await world()) };
      // In a block: an example may name anew what is in reach.
      const run = new AsyncFunction(...Object.keys(inReach), `{${stripTypeScriptTypes(code)}}`);
      await run(...Object.values(inReach));
    });
  });
}

/** Our own comments run, so that they stay true. */
const AsyncFunction = (async () => {}).constructor as new (
  ...text: readonly string[]
) => (...values: readonly unknown[]) => Promise<void>;
