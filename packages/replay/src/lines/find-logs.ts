import { recogniseAt } from "@auditsieve/audit/stream";
import { isStore, openLog, openStore } from "@auditsieve/ingest/logs";
import type { Dirent } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What was found at the paths that a person named. */
export interface FoundLogs {
  /** Files in the order of the paths; those of a folder by name. A path that is no folder is taken as it is. */
  readonly files: readonly string[];
  /** Files of folders that look like logs neither by their names nor by their first bytes. */
  readonly skipped: readonly string[];
  /** Links in folders: they are not followed. */
  readonly links: readonly string[];
  /** Files of folders that hold what an earlier command has found, as it prints that: their events stand in the logs. */
  readonly findings: readonly string[];
  /** Segments that the index of an embedded store names, and that are not there. */
  readonly missing: readonly string[];
}

/** Rotated logs carry a number or a time behind or inside the name: audit.log.1, audit-2026-11-24T00-13-26.471.log. */
const LOG_NAME = /\.(?:log|json|jsonl|ndjson|gz|zst|zstd)(?:[.-][\d.T:_-]+)?$/i;

const HEAD_BYTES = 256;
/** How `replay` and `filter --findings` begin what they have found: a finding a line, one document of all. */
const FINDING = /^\{\s*(?:"id":"[^"]*",)?"(?:detection":\{"id":|summary": \{\s*"log": \{)/;

/**
 * The log files at these paths: folders are searched to their ends, without following links. Of a folder that the daemon's
 * embedded store was written to, the segments of events. Files are taken by their names, others if they begin with events.
 *
 * @example
 * const { files } = await findLogs(["/var/log/kubernetes", "audit.log.gz", "/var/lib/auditsieve/store"]);
 */
export async function findLogs(paths: readonly string[], readFolder: ReadFolder = readEntries): Promise<FoundLogs> {
  const found: Gathered = { files: [], skipped: [], links: [], findings: [], missing: [] };
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    // What is missing is told where it is read.
    if (info?.isDirectory() === true) {
      await search(path, found, readFolder);
    } else {
      found.files.push(path);
    }
  }
  return found;
}

type Gathered = { -readonly [Key in keyof FoundLogs]: string[] };

/** What is in a folder; injected where a test lets it fail. */
type ReadFolder = (folder: string) => Promise<readonly Dirent[]>;

function readEntries(folder: string): Promise<readonly Dirent[]> {
  return readdir(folder, { withFileTypes: true });
}

async function search(folder: string, found: Gathered, readFolder: ReadFolder): Promise<void> {
  if (await isStore(folder)) {
    const store = await openStore(folder);
    found.files.push(...store.select({ kinds: ["event"] }).map(({ path }) => path));
    found.missing.push(...store.missing.map(({ segment }) => join(folder, segment)));
    return;
  }
  const entries = await readFolder(folder).catch(() => undefined);
  if (entries === undefined) {
    // Reading it as a log says why it cannot be.
    found.files.push(folder);
    return;
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await search(path, found, readFolder);
    } else if (entry.isFile()) {
      (await placeOf(path, entry.name, found)).push(path);
    } else if (entry.isSymbolicLink()) {
      found.links.push(path);
    }
  }
}

async function placeOf(path: string, name: string, found: Gathered): Promise<string[]> {
  if (LOG_NAME.test(name)) {
    return (await beginsWithFinding(path)) ? found.findings : found.files;
  }
  return (await beginsWithEvents(path)) ? found.files : found.skipped;
}

/** False also of what cannot be read: whoever reads it as a log says why. */
async function beginsWithFinding(path: string): Promise<boolean> {
  const file = await open(path, "r").catch(() => undefined);
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const read = await file?.read(head, 0, HEAD_BYTES, 0);
    return FINDING.test(head.toString("latin1", 0, read?.bytesRead));
  } catch {
    return false;
  } finally {
    await file?.close();
  }
}

/** As cloud exports have no name that says so. What a command has written begins with something else. */
async function beginsWithEvents(path: string): Promise<boolean> {
  try {
    for await (const head of openLog(path)) {
      return recogniseAt(head, 0) !== undefined && EVENT_KEYS.some((key) => head.includes(key));
    }
  } catch {
    // What cannot be read does not look like a log.
  }
  return false;
}

/** Of an event, also as text in a record, and of a record that becomes one. */
const EVENT_KEYS = ['auditID"', 'auditID\\"', '"protoPayload"'];
