import { join } from "node:path";
import { STORED } from "../sink.ts";
import type { Delivery, DeliveryKind, ItemResult, Sink } from "../sink.ts";
import { NdjsonFile } from "./ndjson-file.ts";
import type { NdjsonFiles } from "./ndjson-file.ts";

export interface FileSinkOptions {
  readonly name: string;
  /** Gets `events.ndjson`, `findings.ndjson` and `undecidable.ndjson`. */
  readonly folder: string;
  /** Size at which each of them is rotated. Default 256 MiB. */
  readonly maxFileBytes?: number;
  readonly files?: NdjsonFiles;
}

const FILE_NAMES: Readonly<Record<DeliveryKind, string>> = {
  event: "events.ndjson",
  finding: "findings.ndjson",
  undecidable: "undecidable.ndjson",
};

/**
 * Writes deliveries as lines into files, one file a kind, so that events can be read again as an audit log.
 * At least once: a crash between the write and the checkpoint repeats lines.
 *
 * @example
 * const sink = createFileSink({ name: "archive", folder });
 * const [result] = await sink.write([delivery], new AbortController().signal);
 * assert.deepEqual(result, { status: "stored" });
 */
export function createFileSink(options: FileSinkOptions): Sink {
  const { name, folder, maxFileBytes = 256 * 1024 * 1024, files } = options;
  const kinds = Object.keys(FILE_NAMES) as DeliveryKind[];
  const outputs = kinds.map((kind) => ({
    kind,
    file: new NdjsonFile({ path: join(folder, FILE_NAMES[kind]), maxBytes: maxFileBytes, ...(files && { files }) }),
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
    },
  };
}
