// The published command's first file (scripts/build-start.mjs).
import { loadCompiled } from "./load-compiled.ts";

const OLDEST_NODE = 24;

// Whoever starts this file itself, or with the `node` of a project, has not asked bin/auditsieve.mjs; an old one fails at the scanner's code.
if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `auditsieve: Cannot run on Node ${process.versions.node}: Node ${OLDEST_NODE} or newer is needed\n` +
      `  hint: Install a newer Node; this one is ${process.execPath}\n`,
  );
  process.exit(2);
}
loadCompiled("start-main.cjs");
