// npm test: the quick tier. `npm test -- --project slow` runs the tier with real engines.
import { run, setUp } from "./setup.mjs";

setUp();
const args = process.argv.slice(2);
process.exitCode = run("vitest", [
  "run",
  ...(args.some((arg) => arg.startsWith("--project")) ? [] : ["--project", "quick"]),
  ...args,
]);
