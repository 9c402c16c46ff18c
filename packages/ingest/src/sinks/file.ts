import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { STORED } from "../sink.ts";
import type { Delivery, DeliveryKind, ItemResult, Sink } from "../sink.ts";
import { compressFile } from "./compress-file.ts";
import { NdjsonFile } from "../logs/ndjson-file.ts";
import type { NdjsonFiles } from "../logs/ndjson-file.ts";

/** Options of {@link createFileSink}. */
export interface FileSinkOptions {
  readonly name: string;
  /** Gets `events.ndjson`, `findings.ndjson`, `undecidable.ndjson` and `receipts.ndjson`. */
  readonly folder: string;
  /** Size at which each of them is rotated. Default 256 MiB. */
  readonly maxFileBytes?: number;
  /** So long after its first line it is rotated with the next one. Default: never. */
  readonly maxFileAgeMs?: number;
  /** What becomes of a rotated file. Default: it stays as it is. */
  readonly compress?: "none" | "zstd";
  readonly files?: NdjsonFiles;
}

const FILE_NAMES: Readonly<Record<DeliveryKind, string>> = {
  event: "events.ndjson",
  finding: "findings.ndjson",
  undecidable: "undecidable.ndjson",
  receipt: "receipts.ndjson",
};

const ROTATED = /^(?:events|findings|undecidable|receipts)-\d{4}-\d\d-\d\dT[\d.-]+\.ndjson$/;

/**
 * Writes deliveries as lines into files, one file a kind, so that events can be read again as an audit log.
 * At least once: a crash between the write and the checkpoint repeats lines.
 *
 * @example
 * const sink = createFileSink({ name: "archive", folder });
 * const [result] = await sink.write([delivery], new AbortController().signal);
 * assert.deepEqual(result, { status: "stored" });
 * await sink.close();
 */
export function createFileSink(options: FileSinkOptions): Sink {
  const { name, folder, maxFileBytes = 256 * 1024 * 1024, maxFileAgeMs, compress = "none", files } = options;
  let compressing = compress === "zstd" ? compressLeft(folder) : Promise.resolve();
  const onRotated = (path: string): void => {
    compressing = compressing.then(() => compressAway(path)).catch(() => undefined);
  };
  const kinds = Object.keys(FILE_NAMES) as DeliveryKind[];
  const outputs = kinds.map((kind) => ({
    kind,
    file: new NdjsonFile({
      path: join(folder, FILE_NAMES[kind]),
      maxBytes: maxFileBytes,
      ...(maxFileAgeMs !== undefined && { maxAgeMs: maxFileAgeMs }),
      ...(compress === "zstd" && { onRotated }),
      ...(files && { files }),
    }),
  }));
  return {
    name,
    async write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]> {
      signal.throwIfAborted();
      await Promise.all(
        outputs.map(({ kind, file }) =>
          file.append(batch.filter((delivery) => delivery.kind === kind).map((delivery) => delivery.document)),
        ),
      );
      return batch.map(() => STORED);
    },
    async close(): Promise<void> {
      await Promise.all(outputs.map(({ file }) => file.close()));
      await compressing;
    },
  };
}

/** The archive takes the place of the file; a file that cannot be compressed stays, and is tried again at the next start. */
async function compressAway(path: string): Promise<void> {
  await compressFile(path);
  await rm(path, { force: true });
}

async function compressLeft(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (ROTATED.test(name)) {
      await compressAway(join(folder, name)).catch(() => undefined);
    }
  }
}
