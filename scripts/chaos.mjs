// npm run chaos: the daemon under kills and faults, five times as long as the slow tier does. `npm run chaos -- 20`: twenty times.
import { run, setUp } from "./setup.mjs";

setUp();
process.env["CHAOS_SCALE"] = process.argv[2] ?? "5";
process.exitCode = run("vitest", [
  "run",
  "--project",
  "slow",
  "packages/ingest/src/daemon/daemon.slow.test.ts",
  "packages/ingest/src/daemon/daemon-faults.slow.test.ts",
]);
