import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LINT_RULES } from "./index.ts";
import { lintPage } from "./lint-page.ts";

describe("lintPage()", () => {
  const file = new URL("../../../../docs/policy-lint.md", import.meta.url);

  test("is what stands in docs/policy-lint.md", () => {
    if (process.env["UPDATE_GOLDEN"] !== undefined) {
      writeFileSync(file, lintPage());
    }
    expect(readFileSync(file, "utf8"), "regenerate with UPDATE_GOLDEN=1").toBe(lintPage());
  });

  test("has a section with a complaint for each rule", () => {
    const sections = lintPage().split("\n## ").slice(1);
    expect(sections.map((text) => text.split("\n", 1)[0])).toEqual(LINT_RULES.map(({ id }) => id));
    expect(sections.filter((text) => !/\n> (?:error|warning|info): Cannot /.test(text))).toEqual([]);
  });
});
