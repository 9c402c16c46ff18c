import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { filterChunks, fuzzPolicies, sampleLines } from "./filter-fuzz.suite.ts";
import type { LineProblem } from "./filter-options.ts";
import { filterInParallel } from "./parallel-filter.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-parallel-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("filterInParallel", () => {
  const lines = sampleLines("attack.log.zst").slice(0, 600);
  const log = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
  const rules = fuzzPolicies()[0] as never;

  test(
    "filterInParallel keeps, counts and names what one filter does where lines are longer than it holds",
    { timeout: 300_000 },
    async () => {
      const path = join(folder, "long.log");
      const long = [5, 17, 24].map((megabytes) => Buffer.alloc(megabytes * 1024 * 1024, "a"));
      const few = log.subarray(0, log.lastIndexOf(10, 50_000) + 1);
      const bytes = Buffer.concat([
        few,
        long[0] as Buffer,
        few,
        ...long.slice(1).flatMap((line) => [line, Buffer.from("\n"), few]),
      ]);
      writeFileSync(path, bytes);
      const out = join(folder, "long.out");
      const descriptor = openSync(out, "w");
      const problems: LineProblem[] = [];
      const summary = await filterInParallel([path], {
        rules,
        verify: false,
        workers: 2,
        onProblem: (_path, problem) => problems.push(problem),
        descriptor,
      });
      closeSync(descriptor);
      const one = filterChunks(rules, [bytes], {});
      expect(readFileSync(out).equals(one.out)).toBe(true);
      expect(problems).toEqual(one.problems);
      expect(summary).toEqual(one.summary);
    },
  );
});
