// npm start: the main job on a real sample, with nothing to configure.
import { run, setUp } from "./setup.mjs";

setUp();
process.exitCode = run("node", ["scripts/main-job.ts", ...process.argv.slice(2)]);
