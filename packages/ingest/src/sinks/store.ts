import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "../state/checkpoint.ts";
import { fileError, IngestError, systemCode } from "../errors.ts";
import { STORED } from "../sink.ts";
import type { Delivery, ItemResult, Sink } from "../sink.ts";
import { NdjsonFile } from "../logs/ndjson-file.ts";
import { decodeIndexLine, INDEX_NAME, MANIFEST, MANIFEST_NAME, STORE_VERSION } from "../logs/store-format.ts";
import type { IndexEntry } from "../logs/store-format.ts";
import { StoreSegments } from "./store-segments.ts";
import { makeFolder } from "../state/make-folder.ts";

/** Options of {@link createStoreSink}. */
export interface StoreSinkOptions {
  readonly name: string;
  readonly folder: string;
  /** Size at which a segment is closed and compressed. Default 64 MiB. */
  readonly maxSegmentBytes?: number;
  /** Age at which it is, though it is smaller. Default an hour. */
  readonly maxSegmentAgeMs?: number;
  /** Compressed size over which the oldest closed segments are removed, events before findings. Default: never. */
  readonly maxStoreBytes?: number;
}

const TICK_MS = 10_000;

/**
 * The embedded store: a folder of compressed NDJSON, a kind of delivery in segments of its own, with an index of their times;
 * docs/store.md describes it. Exactly once: what a source gives again after a restart is known and not stored again.
 *
 * @example
 * const sink = createStoreSink({ name: "store", folder });
 * await sink.write([delivery], new AbortController().signal);
 * await sink.close();
 */
export function createStoreSink(options: StoreSinkOptions): Sink {
  return new StoreSink(options);
}

class StoreSink implements Sink {
  readonly name: string;
  readonly #options: StoreSinkOptions;
  readonly #segments = new Map<string, StoreSegments>();
  #index: NdjsonFile | undefined;
  /** Closed segments by name, in the order in which they were closed. */
  readonly #entries = new Map<string, IndexEntry>();
  #opening: Promise<void> | undefined;
  #indexing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StoreSinkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]> {
    signal.throwIfAborted();
    this.#opening ??= this.#open();
    await this.#opening.catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const kinds = Map.groupBy(batch, ({ kind }) => kind);
    await Promise.all([...kinds].map(([kind, deliveries]) => this.#segmentsOf(kind).write(deliveries)));
    return batch.map(() => STORED);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#segments.values()].map((segments) => segments.close()));
    await this.#indexing;
    await this.#index?.close();
  }

  async #open(): Promise<void> {
    const { folder } = this.#options;
    await makeFolder(folder).catch((error: unknown) => {
      throw fileError("create store", folder, error);
    });
    await openManifest(folder);
    const path = join(folder, INDEX_NAME);
    for (const text of (await readIfThere(path)).split("\n")) {
      const line = decodeIndexLine(text);
      if (line !== undefined && "removed" in line) {
        this.#entries.delete(line.removed);
      } else if (line !== undefined) {
        this.#entries.set(line.segment, line);
      }
    }
    this.#index = new NdjsonFile({ path });
    this.#timer = setInterval(() => this.#segments.forEach((segments) => segments.tick()), TICK_MS).unref();
  }

  #segmentsOf(kind: string): StoreSegments {
    const { folder, maxSegmentBytes = 64 * 1024 * 1024, maxSegmentAgeMs = 3_600_000 } = this.#options;
    let segments = this.#segments.get(kind);
    if (segments === undefined) {
      segments = new StoreSegments({
        folder,
        kind,
        maxBytes: maxSegmentBytes,
        maxAgeMs: maxSegmentAgeMs,
        onClosed: (entry) => this.#closed(entry),
        isIndexed: (name) => this.#entries.has(name),
      });
      this.#segments.set(kind, segments);
    }
    return segments;
  }

  async #closed(entry: IndexEntry): Promise<void> {
    await this.#append(entry);
    this.#entries.set(entry.segment, entry);
    this.#indexing = this.#indexing.then(() => this.#removeOldest()).catch(() => undefined);
  }

  async #removeOldest(): Promise<void> {
    const { folder, maxStoreBytes = Infinity } = this.#options;
    const entries = [...this.#entries.values()];
    const oldestFirst = [
      ...entries.filter(({ kind }) => kind !== "finding"),
      ...entries.filter(({ kind }) => kind === "finding"),
    ];
    let bytes = oldestFirst.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0);
    for (const { segment, compressedBytes } of oldestFirst) {
      if (bytes <= maxStoreBytes) {
        return;
      }
      // Said before it is done: a reader then misses no segment that the index names.
      await this.#append({ removed: segment });
      this.#entries.delete(segment);
      await rm(join(folder, segment), { force: true });
      bytes -= compressedBytes;
    }
  }

  async #append(line: IndexEntry | { readonly removed: string }): Promise<void> {
    await this.#index?.append([Buffer.from(JSON.stringify(line))]);
  }
}

/** Makes the folder a store, or refuses one of another version. */
async function openManifest(folder: string): Promise<void> {
  const path = join(folder, MANIFEST_NAME);
  const text = await readIfThere(path);
  if (text === "") {
    await writeDurably(path, MANIFEST).catch((error: unknown) => {
      throw fileError("write store", path, error);
    });
  } else if (text !== MANIFEST) {
    throw new IngestError(
      "sink-open",
      `Cannot write to store "${folder}": its ${MANIFEST_NAME} is not of version ${STORE_VERSION}`,
      {
        path,
        hint: "Name another folder, or run the version of auditsieve that made this one",
      },
    );
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return "";
    }
    throw fileError("read store", path, error);
  }
}
