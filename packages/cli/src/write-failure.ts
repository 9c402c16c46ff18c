import { EXIT } from "./exit-code.ts";
import { Failure, systemCode } from "./failure.ts";

/** What a disk says that takes no more, beside what it says of a path that was wrong from the beginning. */
const FULL: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const BROKEN: ReadonlySet<string | undefined> = new Set(["EIO", "ENXIO", "ESTALE", "ETIMEDOUT"]);

/**
 * The {@link Failure} of a file that could not be written: `what` names it ("the report to \"r.html\""). A disk that is full or broken
 * fails while running; a path that cannot be written is wrong use.
 */
export function writeFailure(what: string, error: unknown): Failure {
  const code = systemCode(error);
  const hint = FULL.has(code)
    ? "Make space on its disk, or name a file on another one"
    : BROKEN.has(code)
      ? "Check the disk, or name a file on another one"
      : "Check the folder and its permissions";
  return new Failure(`Cannot write ${what}: ${reasonOf(error)}`, {
    hint,
    cause: error,
    exitCode: FULL.has(code) || BROKEN.has(code) ? EXIT.failed : EXIT.unusable,
  });
}

/** Whether a system call failed because a disk, or what one may have of it, is full. */
export function isDiskFull(error: unknown): boolean {
  return FULL.has(systemCode(error));
}

/** Without the code in front, and the call behind it. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^[A-Z][A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
}
