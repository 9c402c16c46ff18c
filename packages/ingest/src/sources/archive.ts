import { IngestError } from "../errors.ts";
import type { Source, SourceChunk } from "../source.ts";
import { openLog } from "./log-file.ts";

/** One log of an {@link archiveSource}: what it is called, and its decompressed bytes. */
export interface ArchivedLog {
  readonly name: string;
  open(): AsyncIterable<Buffer>;
}

/** How an {@link archiveSource} is made. */
export interface ArchiveOptions {
  readonly name?: string;
  /** Paths (plain, .gz, .zst), or logs that are opened in another way, such as standard input. */
  readonly logs: readonly (string | ArchivedLog)[];
  /** Told of a log that cannot be read, or not to its end; the next one is read all the same. Without it the error is thrown. */
  readonly onUnreadable?: (error: IngestError) => void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Logs that no apiserver writes to any more, one after the other. It has no checkpoint: it begins at the beginning each time.
 *
 * @example
 * const source = archiveSource({ logs: ["audit-2026-11-23.log.gz", "audit.log"] });
 * for await (const { input, bytes } of source.open(signal)) console.log(input, bytes.length);
 */
export function archiveSource({ name = "archive", logs, onUnreadable }: ArchiveOptions): Source {
  return {
    name,
    async *open(signal) {
      // A log may be named twice: inputs are told apart by their place in the list.
      for (const [i, log] of logs.entries()) {
        yield* readArchived(log, `${i}:${typeof log === "string" ? log : log.name}`, signal, onUnreadable);
        if (signal.aborted) {
          return;
        }
      }
    },
    ack: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

async function* readArchived(
  log: string | ArchivedLog,
  input: string,
  signal: AbortSignal,
  onUnreadable: ArchiveOptions["onUnreadable"],
): AsyncGenerator<SourceChunk> {
  let offset = 0;
  try {
    for await (const bytes of typeof log === "string" ? openLog(log) : log.open()) {
      yield { input, offset, bytes, isLast: false };
      offset += bytes.length;
      if (signal.aborted) {
        return;
      }
    }
  } catch (error) {
    if (onUnreadable === undefined || !(error instanceof IngestError)) {
      throw error;
    }
    onUnreadable(error);
  }
  // What came before an error is whole up to here, and the rest of a line is a line of its own.
  yield { input, offset, bytes: NOTHING, isLast: true };
}
