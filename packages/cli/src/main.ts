import { createRequire } from "node:module";
import { EXIT } from "./exit-code.ts";
import { systemCode } from "./failure.ts";
import { runProgram } from "./program.ts";
import { sayFailure } from "./say-failure.ts";

const { version } = createRequire(import.meta.url)("../package.json") as { readonly version: string };

// Who reads our output may stop reading: that is no failure of ours.
process.stdout.on("error", (error) => {
  process.exit(systemCode(error) === "EPIPE" ? EXIT.fine : EXIT.failed);
});

process.exitCode = await runProgram(process.argv.slice(2), version).catch(sayFailure);
