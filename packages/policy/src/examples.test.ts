import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as policy from "./index.ts";

/** The `@example`s of doc comments, by file. */
const examples = globSync(["{diff,explain,minimise,request-class}/*.ts", "policy-cases.ts"], {
  cwd: import.meta.dirname,
  exclude: ["**/*.test.ts", "**/*.suite.ts"],
}).flatMap((file) =>
  [...readFileSync(`${import.meta.dirname}/${file}`, "utf8").matchAll(/^ \* @example\n((?: \*.*\n)+?)(?: \*\/)/gm)].map(
    ([, body = ""]) => ({ file, code: body.replaceAll(/^ \* ?/gm, "") }),
  ),
);

describe("the examples in doc comments", () => {
  it("are found", () => {
    expect(examples.length).toBeGreaterThan(4);
  });

  it.each(examples)("of $file run", ({ code }) => {
    const names = Object.keys(policy);
    // oxlint-disable-next-line typescript/no-implied-eval -- our own comments, so that they stay true
    const run = new Function("assert", ...names, code) as (...args: readonly unknown[]) => void;
    run(assert, ...Object.values(policy));
  });
});
