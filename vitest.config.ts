import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/**
 * V8 of Node 24 may free a wrapper of WebAssembly's imports twice when threads that strip types begin and end: docs/filter.md. Without the
 * collection of such code it frees none.
 */
const NODE_FLAGS = ["--no-wasm-code-gc"];

// What Node compiles is kept between runs, for the tier's own processes and the hundreds of threads and processes that tests start.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/auditsieve");

/** What tries by chance, and tries more in the slow tier: `runs` of test/property-runs.ts. */
const LONGER_IN_SLOW = JSON.parse(
  readFileSync(join(import.meta.dirname, "test/longer-in-slow.json"), "utf8"),
) as readonly string[];

/** Two tiers: `quick` is `npm test`; `slow` starts real engines and long fuzz runs. */
export default defineConfig({
  test: {
    // On two cores vitest would use one; most tests wait for a process of their own.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "quick",
          execArgv: NODE_FLAGS,
          globalSetup: ["test/temporary-folder.ts"],
          include: ["packages/*/src/**/*.test.ts", "benchmarks/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["**/*.slow.test.ts", "**/node_modules/**"],
          // Two hundred files import much the same modules: read and compiled anew for each, they are a quarter of the tier's work.
          isolate: false,
          // Also the bound of what would take time without end for hostile input: tests themselves look at no clock.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "slow",
          execArgv: NODE_FLAGS,
          globalSetup: ["test/temporary-folder.ts"],
          include: ["packages/*/src/**/*.slow.test.ts", "test/**/*.slow.test.ts", ...LONGER_IN_SLOW],
          env: { AUDITSIEVE_TIMES_AS_MANY: "8" },
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
