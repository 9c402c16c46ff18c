import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import type { Checkpoint } from "../state/checkpoint.ts";
import { IngestError } from "../errors.ts";
import type { Source, SourceChunk } from "../source.ts";
import { openCanonicalLog } from "../logs/canonical-log.ts";

/** One log of an {@link archiveSource}: what it is called, and its bytes, decompressed and out of any envelope. */
export interface ArchivedLog {
  readonly name: string;
  open(): AsyncIterable<Buffer>;
}

/** How an {@link archiveSource} is made. */
export interface ArchiveOptions {
  readonly name?: string;
  /** Paths (plain, .gz, .zst, in any known envelope), or logs that are opened in another way, such as standard input. */
  readonly logs: readonly (string | ArchivedLog)[];
  /** Told of a log that cannot be read, or not to its end; the next one is read all the same. Without it the error is thrown. */
  readonly onUnreadable?: (error: IngestError) => void;
  /** Where the position is kept; without one it begins at the beginning each time. */
  readonly checkpoint?: Checkpoint;
}

const NOTHING = Buffer.alloc(0);

/**
 * Logs that no apiserver writes to any more, one after the other.
 *
 * @example
 * const source = archiveSource({ logs: ["audit-2026-11-23.log.gz", "audit.log"] });
 * for await (const { input, bytes } of source.open(signal)) console.log(input, bytes.length);
 */
export function archiveSource({ name = "archive", logs, onUnreadable, checkpoint }: ArchiveOptions): Source {
  // A log may be named twice: inputs are told apart by their place in the list.
  const inputs = logs.map((log, i) => ({ log, input: `${i}:${typeof log === "string" ? log : log.name}` }));
  const section = `source/${name}`;
  let acked = decodePosition(checkpoint?.get(section));
  return {
    name,
    async *open(signal) {
      // What stands before the acknowledged log is acknowledged with it.
      const first = Math.max(
        0,
        inputs.findIndex(({ input }) => input === acked?.input),
      );
      for (const { log, input } of inputs.slice(first)) {
        yield* readArchived(log, input, input === acked?.input ? acked.offset : 0, signal, onUnreadable);
        if (signal.aborted) {
          return;
        }
      }
    },
    async ack(input, offset) {
      acked = { input, offset };
      if (checkpoint !== undefined) {
        checkpoint.put(section, acked);
        await checkpoint.save();
      }
    },
    close: () => Promise.resolve(),
  };
}

async function* readArchived(
  log: string | ArchivedLog,
  input: string,
  from: number,
  signal: AbortSignal,
  onUnreadable: ArchiveOptions["onUnreadable"],
): AsyncGenerator<SourceChunk> {
  let offset = from;
  let skip = from;
  try {
    for await (const bytes of typeof log === "string" ? openCanonicalLog(log) : log.open()) {
      const start = Math.min(skip, bytes.length);
      skip -= start;
      if (start < bytes.length) {
        yield { input, offset, bytes: bytes.subarray(start), isLast: false };
        offset += bytes.length - start;
      }
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

function decodePosition(section: JsonValue | undefined): { input: string; offset: number } | undefined {
  if (!isJsonObject(section)) {
    return undefined;
  }
  const { input, offset } = section;
  return typeof input === "string" && typeof offset === "number" ? { input, offset } : undefined;
}
