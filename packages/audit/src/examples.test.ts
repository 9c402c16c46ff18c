import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { describe, expect, it } from "vitest";
import * as audit from "./index.ts";

/** Every `@example` of a doc comment of this package, by file. */
const examples = globSync("**/*.ts", { cwd: import.meta.dirname, exclude: ["**/*.test.ts", "**/*.suite.ts"] }).flatMap(
  (file) =>
    [
      ...readFileSync(`${import.meta.dirname}/${file}`, "utf8").matchAll(/^ \* @example\n((?: \*.*\n)+?)(?: \*\/)/gm),
    ].map(([, body = ""]) => ({ file, code: body.replaceAll(/^ \* ?/gm, "") })),
);

describe("the examples in doc comments", () => {
  it("are found", () => {
    expect(examples.length).toBeGreaterThan(12);
  });

  it.each(examples)("of $file run", ({ code }) => {
    const names = Object.keys(audit);
    // oxlint-disable-next-line typescript/no-implied-eval -- our own comments, so that they stay true
    const run = new Function("assert", ...names, stripTypeScriptTypes(code)) as (...args: readonly unknown[]) => void;
    run(assert, ...Object.values(audit));
  });
});
