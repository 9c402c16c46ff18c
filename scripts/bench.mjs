// npm run bench: the filter beside a parse loop and its peers; writes benchmarks/RESULTS.md.
import { run, setUp } from "./setup.mjs";

setUp();
process.exitCode = run("node", ["benchmarks/run.ts", ...process.argv.slice(2)]);
