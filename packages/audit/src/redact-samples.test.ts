import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkSample, SAMPLES } from "./redact-samples.suite.ts";

const NAMES = readdirSync(SAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== "README.md")
  .map(({ name }) => name);
/** 148 MB, in the slow tier. */
const LARGE = "baseline.log.zst";

describe.each(NAMES.filter((name) => name !== LARGE))("the sample %s", checkSample);

test("all samples together are at most 5 MB", () => {
  const sizes = NAMES.map((name) => readFileSync(join(SAMPLES, name)).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000);
});
