import { IngestError, openLog } from "@auditsieve/ingest";
import { say } from "./output.ts";
import { Failure } from "./failure.ts";
import { STANDARD_INPUT } from "./standard-input.ts";
import { safeText } from "@auditsieve/detect";

/** The logs that a command was given, standard input where there is none and it is no terminal. */
export function logsOrStdin(logs: readonly string[]): readonly string[] {
  if (logs.length > 0) {
    return logs;
  }
  if (process.stdin.isTTY) {
    throw new Failure("Cannot read a log: none was named, and standard input is a terminal", {
      hint: "Name log files (plain, .gz or .zst), or pipe a log in",
    });
  }
  return [STANDARD_INPUT];
}

/** The bytes of a log file (plain, .gz, .zst) or of standard input for `-`. */
export function readLog(log: string): AsyncGenerator<Buffer, void> {
  return log === STANDARD_INPUT ? openLog(process.stdin) : openLog(log);
}

/** Says what made a log unreadable, and whether it did: anything else is thrown on. */
export function sayUnreadable(error: unknown): void {
  if (!(error instanceof IngestError)) {
    throw error;
  }
  say(`auditsieve: ${safeText(error.message, 2_000)}`);
  say(`  hint: ${error.hint}`);
}
