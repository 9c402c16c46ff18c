import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileError, IngestError, systemCode } from "../errors.ts";
import {
  decodeIndexLine,
  INDEX_NAME,
  MANIFEST_NAME,
  microseconds,
  parseSegmentName,
  STORE_VERSION,
} from "../logs/store-format.ts";
import type { IndexEntry } from "../logs/store-format.ts";
import { isJsonObject } from "@auditsieve/audit";
import type { ArchivedLog } from "./archive.ts";
import { openLog } from "../logs/log-file.ts";

/** A segment of a store: NDJSON, one delivery a line. */
export interface StoreSegment {
  readonly kind: string;
  readonly name: string;
  /** Where it is now: plain while it is written, `.zst` once it is closed. */
  readonly path: string;
  /** What the index says; absent for a segment that is still written (or whose writer died). */
  readonly index?: IndexEntry;
}

/** Which segments are asked for. */
export interface StoreSelection {
  /** Default: every kind. */
  readonly kinds?: readonly string[];
  /** RFC 3339; segments that end before it are left out. */
  readonly since?: string;
  /** RFC 3339; segments that begin at or after it are left out. */
  readonly until?: string;
}

/** A folder that the daemon's embedded store was written to. */
export interface Store {
  readonly folder: string;
  /** By kind and in the order in which they were written. */
  readonly segments: readonly StoreSegment[];
  /** Closed segments that the index names and that are not there: somebody took them away. */
  readonly missing: readonly IndexEntry[];
  /** Segments that may hold lines of the kinds and the time asked for. A line of other times may be among them. */
  select(selection?: StoreSelection): readonly StoreSegment[];
  /** These segments as logs for `archiveSource`; each opens when its turn comes. */
  logs(selection?: StoreSelection): readonly ArchivedLog[];
}

/** Whether a folder holds a store. */
export async function isStore(folder: string): Promise<boolean> {
  return (await stat(join(folder, MANIFEST_NAME)).catch(() => undefined))?.isFile() === true;
}

/**
 * Opens a store for reading; a daemon may be writing to it. Throws an {@link IngestError} when it is none or of another version.
 *
 * @example
 * const sink = createStoreSink({ name: "store", folder });
 * await sink.write([delivery], signal);
 * await sink.close();
 * const store = await openStore(folder);
 * const source = archiveSource({ logs: store.logs({ kinds: ["event"], since: "2026-11-24T00:00:00Z" }) });
 */
export async function openStore(folder: string): Promise<Store> {
  await checkManifest(folder);
  const entries = new Map<string, IndexEntry>();
  for (const text of (await read(join(folder, INDEX_NAME), "")).split("\n")) {
    const line = decodeIndexLine(text);
    if (line !== undefined && "removed" in line) {
      entries.delete(line.removed);
    } else if (line !== undefined) {
      entries.set(line.segment, line);
    }
  }
  const names = new Set(await readdir(folder));
  const segments = [...names]
    .flatMap((name) => {
      const parsed = parseSegmentName(name);
      // While a segment is being closed both are there, and the compressed one is whole.
      return parsed === undefined || names.has(`${name}.zst`) ? [] : [{ name, ...parsed }];
    })
    .sort((a, b) => (a.kind === b.kind ? a.number - b.number : a.kind < b.kind ? -1 : 1))
    .map(({ name, kind }): StoreSegment => {
      const index = entries.get(name);
      return { kind, name, path: join(folder, name), ...(index && { index }) };
    });
  const select = (selection: StoreSelection = {}): readonly StoreSegment[] =>
    segments.filter((segment) => isSelected(segment, selection));
  return {
    folder,
    segments,
    missing: [...entries.values()].filter(({ segment }) => !names.has(segment)),
    select,
    logs: (selection) => select(selection).map(({ path }) => ({ name: path, open: () => wholeLines(path) })),
  };
}

async function checkManifest(folder: string): Promise<void> {
  const path = join(folder, MANIFEST_NAME);
  const text = await read(path, undefined);
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    manifest = undefined;
  }
  const version = isJsonObject(manifest) && manifest["format"] === "auditsieve-store" ? manifest["version"] : undefined;
  if (version !== STORE_VERSION) {
    throw new IngestError(
      "unreadable",
      version === undefined
        ? `Cannot read store "${folder}": "${MANIFEST_NAME}" is no manifest of a store`
        : `Cannot read store "${folder}": it has version ${JSON.stringify(version)}, this program knows ${STORE_VERSION}`,
      { path, hint: "Name the folder of a store sink, and run the version of auditsieve that wrote it" },
    );
  }
}

async function read(path: string, absent: string | undefined): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (absent !== undefined && systemCode(error) === "ENOENT") {
      return absent;
    }
    throw fileError("read store", path, error);
  }
}

function isSelected({ kind, index }: StoreSegment, { kinds, since, until }: StoreSelection): boolean {
  if (kinds !== undefined && !kinds.includes(kind)) {
    return false;
  }
  const { from, to } = index ?? {};
  return (
    (since === undefined || to === undefined || to >= microseconds(since)) &&
    (until === undefined || from === undefined || from < microseconds(until))
  );
}

const NEWLINE = 10;

/** The bytes up to the last newline: what stands behind it is being written. */
async function* wholeLines(path: string): AsyncGenerator<Buffer, void> {
  let carry: Buffer = Buffer.alloc(0);
  for await (const chunk of openSegment(path)) {
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      yield bytes.subarray(0, end);
    }
    carry = Buffer.from(bytes.subarray(end));
  }
}

/** The daemon may have closed the segment since the folder was read. */
async function* openSegment(path: string): AsyncGenerator<Buffer, void> {
  let isOpened = false;
  try {
    for await (const chunk of openLog(path)) {
      isOpened = true;
      yield chunk;
    }
  } catch (error) {
    if (isOpened || path.endsWith(".zst") || !(error instanceof IngestError) || error.code !== "missing") {
      throw error;
    }
    yield* openLog(`${path}.zst`);
  }
}
