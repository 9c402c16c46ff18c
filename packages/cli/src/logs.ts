import { fstatSync } from "node:fs";
import { IngestError, openCanonicalLog } from "@auditsieve/ingest/filter";
import { say } from "./output.ts";
import { Failure } from "./failure.ts";
import { STANDARD_INPUT } from "./standard-input.ts";
import { safeText } from "@auditsieve/detect/safe-text";

/** The logs that a command was given, standard input where there is none and it is no terminal. */
export function logsOrStdin(logs: readonly string[]): readonly string[] {
  if (logs.length > 0) {
    return logs;
  }
  if (process.stdin.isTTY) {
    throw new Failure("Cannot read a log: none was named, and standard input is a terminal", {
      hint: "Name log files (plain, .gz or .zst; EventList documents and provider envelopes too), or pipe a log in",
    });
  }
  return [STANDARD_INPUT];
}

/**
 * The events of a log file (plain, .gz, .zst) or of standard input for `-`, one a line: EventList documents and the envelopes of
 * EKS, GKE and AKS are taken off, a log of events a line comes byte for byte. docs/envelopes.md says what becomes of each.
 */
export function readLog(log: string, buffers?: readonly [Buffer, Buffer]): AsyncGenerator<Buffer, void> {
  if (log !== STANDARD_INPUT) {
    return openCanonicalLog(log, log, { buffers });
  }
  return buffers !== undefined && isPipe()
    ? openCanonicalLog({ descriptor: STDIN }, "standard input", { buffers })
    : openCanonicalLog(process.stdin);
}

const STDIN = 0;

function isPipe(): boolean {
  const facts = fstatSync(STDIN);
  return facts.isFIFO() || facts.isFile();
}

/** Says what made a log unreadable, and whether it did: anything else is thrown on. */
export function sayUnreadable(error: unknown): void {
  if (!(error instanceof IngestError)) {
    throw error;
  }
  say(`auditsieve: ${safeText(error.message, 2_000)}`);
  say(`  hint: ${error.hint}`);
}
