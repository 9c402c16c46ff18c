import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What was found at the paths that a person named. */
export interface FoundLogs {
  /** Files in the order of the paths; those of a folder by name. A path that is no folder is taken as it is. */
  readonly files: readonly string[];
  /** Files of folders that do not look like logs. */
  readonly skipped: readonly string[];
}

/** Rotated logs carry a number or a time behind or inside the name: audit.log.1, audit-2026-11-24T00-13-26.471.log. */
const LOG_NAME = /\.(?:log|json|jsonl|ndjson|gz|zst|zstd)(?:[.-][\d.T:_-]+)?$/i;

/**
 * The log files at these paths: folders are searched to their ends, without following links.
 *
 * @example
 * const { files } = await findLogs(["/var/log/kubernetes", "audit.log.gz"]);
 */
export async function findLogs(paths: readonly string[]): Promise<FoundLogs> {
  const files: string[] = [];
  const skipped: string[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    // What is missing is told where it is read.
    if (info?.isDirectory() !== true) {
      files.push(path);
      continue;
    }
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of found.sort()) {
      (LOG_NAME.test(file) ? files : skipped).push(file);
    }
  }
  return { files, skipped };
}
