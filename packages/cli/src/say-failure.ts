import { tmpdir } from "node:os";
import type { IngestError } from "@auditsieve/ingest";
import { safeText } from "@auditsieve/detect/safe-text";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import type { Failure } from "./failure.ts";
import { systemCode } from "./failure.ts";
import { say } from "./output.ts";
import { isDiskFull, writeFailure } from "./write-failure.ts";

/** What may be gone at the next try: whoever starts again what failed shall do it. */
const PASSING: ReadonlySet<string> = new Set(["state-in-use", "address-in-use"]);

/** Says what ended a command, on standard error, and gives its exit code. */
export function sayFailure(error: unknown): ExitCode {
  if (systemCode(error) === "EPIPE") {
    return EXIT.fine;
  }
  if (isFailure(error) || isIngestError(error)) {
    say(`auditsieve: ${safeText(error.message, 2_000)}`);
    if (error.hint !== undefined) {
      say(`  hint: ${safeText(error.hint, 2_000)}`);
    }
    if (isFailure(error)) {
      return error.exitCode;
    }
    return PASSING.has(error.code) ? EXIT.failed : EXIT.unusable;
  }
  if (isDiskFull(error)) {
    say(`auditsieve: ${writeFailure("what it needs", error).message}`);
    say(
      `  hint: Make space on the disk of the output, and on that of temporary files (${tmpdir()}; TMPDIR names another)`,
    );
    return EXIT.failed;
  }
  say(
    `auditsieve: Failed unexpectedly: ${safeText(error instanceof Error ? (error.stack ?? error.message) : String(error), 4_000)}`,
  );
  say("  hint: This is a bug of auditsieve: please report it with the command line");
  return EXIT.failed;
}

/** By its name: the published command is bundled, and what is not in the bundle has a class of its own. */
function isFailure(error: unknown): error is Failure {
  return error instanceof Error && error.name === "Failure";
}

/** By its name: loading the room to ask for the class would load everything, at every start. */
function isIngestError(error: unknown): error is IngestError {
  return error instanceof Error && error.name === "IngestError";
}
