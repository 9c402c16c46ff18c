import { fstatSync, statSync } from "node:fs";
import { openPlainLog } from "@auditsieve/ingest/filter";
import type { IngestError, OtherPart, PlainLog } from "@auditsieve/ingest/filter";
import { say } from "./output.ts";
import { ownOutput } from "./own-output.ts";
import { Failure } from "./failure.ts";
import { inputName, STANDARD_INPUT } from "./standard-input.ts";
import { safeText } from "@auditsieve/detect/safe-text";

/** The logs that a command was given, standard input where there is none and it is no terminal. Throws for one that the command writes to. */
export function logsOrStdin(logs: readonly string[]): readonly string[] {
  for (const log of logs) {
    const output = ownOutput(log);
    if (output !== undefined) {
      throw new Failure(`Cannot read log "${inputName(log)}": ${output} is written to it`, {
        hint: "Write to another file, or to one in another folder where a pattern names the logs",
      });
    }
  }
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
export async function* readLog(log: string): AsyncGenerator<Buffer, void> {
  const { openCanonicalLog } = await import("@auditsieve/ingest/logs");
  yield* log === STANDARD_INPUT ? openCanonicalLog(process.stdin) : openCanonicalLog(log);
}

/** Chunks that need not be waited for. */
export type ChunksNow = Extract<PlainLog, { readonly isPlain: true }>["chunks"];

/**
 * As {@link readLog}, read into these two buffers. The chunks of plain logs need not be waited for: they come from a generator that
 * is none of promises.
 */
export function openLogInto(log: string, buffers: readonly [Buffer, Buffer]): ChunksNow | AsyncGenerator<Buffer, void> {
  const name = inputName(log);
  if (log === STANDARD_INPUT ? !isPipe() : isReadOnce(log)) {
    return readLog(log);
  }
  const opened: PlainLog = openPlainLog(log === STANDARD_INPUT ? { descriptor: STDIN } : log, name, buffers[0]);
  return opened.isPlain ? opened.chunks : readOtherLog(log, name, buffers, opened.read);
}

/** The rest of a log that was lines up to there. */
export async function* readRest(log: string, { offset, given }: OtherPart): AsyncGenerator<Buffer, void> {
  const { openLog } = await import("@auditsieve/ingest/logs");
  yield* openLog(log === STANDARD_INPUT ? { descriptor: STDIN, read: given } : log, inputName(log), { from: offset });
}

async function* readOtherLog(
  log: string,
  name: string,
  buffers: readonly [Buffer, Buffer],
  read: Buffer,
): AsyncGenerator<Buffer, void> {
  const { openCanonicalLog } = await import("@auditsieve/ingest/logs");
  yield* openCanonicalLog(log === STANDARD_INPUT ? { descriptor: STDIN, read } : log, name, { buffers });
}
const STDIN = 0;

function isPipe(): boolean {
  const facts = fstatSync(STDIN);
  return facts.isFIFO() || facts.isFile();
}

/**
 * Whether what is under this name gives its bytes to one reader only: a named pipe, what a shell puts for `<(zcat audit.log.gz)`. Opened a
 * second time it waits for a writer that does not come, or goes on behind what the first one has read.
 */
export function isReadOnce(path: string): boolean {
  try {
    const facts = statSync(path);
    return !facts.isFile() && !facts.isDirectory();
  } catch {
    // Whoever reads it says why it cannot be.
    return false;
  }
}

const said = new WeakSet<IngestError>();

/** Says what made a log unreadable, each error once: anything else is thrown on. */
export function sayUnreadable(error: unknown): void {
  if (!isIngestError(error)) {
    throw error;
  }
  if (said.has(error)) {
    return;
  }
  said.add(error);
  say(`auditsieve: ${safeText(error.message, 2_000)}`);
  say(`  hint: ${error.hint}`);
}

/** By its name: the class may come from another door of the room. */
function isIngestError(error: unknown): error is IngestError {
  return error instanceof Error && error.name === "IngestError";
}
