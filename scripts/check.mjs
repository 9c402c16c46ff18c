// npm run check: the one gate. Every step runs, so that one call shows all that is wrong.
import { run, say, setUp } from "./setup.mjs";

const STEPS = [
  ["build", "tsc", ["-b", "tsconfig.build.json"]],
  ["types", "tsc", ["-p", "tsconfig.test.json"]],
  ["lint", "oxlint", ["--type-aware"]],
  ["format", "oxfmt", ["--check", "."]],
  ["module", "node", ["scripts/build-wasm.mjs", "--check"]],
  ["tests", "vitest", ["run", "--project", "quick"]],
];

setUp();
const failed = STEPS.filter(([name, command, args]) => {
  const started = Date.now();
  const status = run(command, args);
  say(`${status === 0 ? "ok    " : "FAILED"} ${String(name)} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
