import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { systemCode } from "../errors.ts";

/** A log file that was rotated away, as the folder shows it. */
export interface RotatedFile {
  /** Name without `.gz`: the same file before and after compression. */
  readonly name: string;
  readonly plain: string | undefined;
  readonly gzip: string | undefined;
}

/**
 * The files that the apiserver's log rotation (lumberjack) has renamed away from `path`, oldest first:
 * `audit-2026-11-24T00-13-26.471.log`, later with `.gz`. While it compresses, both exist and the archive is incomplete:
 * the plain one counts as long as it is there.
 *
 * @see https://github.com/natefinch/lumberjack/blob/v2.0/lumberjack.go
 */
export async function listRotated(path: string): Promise<readonly RotatedFile[]> {
  const folder = dirname(path);
  const extension = extname(path);
  const stem = basename(path, extension);
  const found = new Map<string, { plain?: string; gzip?: string }>();
  for (const entry of await entriesOf(folder)) {
    const isGzip = entry.endsWith(".gz");
    const name = isGzip ? entry.slice(0, -3) : entry;
    if (!isRotatedName(name, stem, extension)) {
      continue;
    }
    const files = found.get(name) ?? {};
    files[isGzip ? "gzip" : "plain"] = join(folder, entry);
    found.set(name, files);
  }
  return [...found]
    .map(([name, files]) => ({ name, plain: files.plain, gzip: files.gzip }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return [];
    }
    throw error;
  }
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/;

function isRotatedName(name: string, stem: string, extension: string): boolean {
  return (
    name.startsWith(`${stem}-`) &&
    name.endsWith(extension) &&
    TIMESTAMP.test(name.slice(stem.length + 1, name.length - extension.length))
  );
}

const ROTATED = /-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(?:\.[^.]*)?(?:\.gz)?$/;

/** Whether a file has the name of one that was rotated away, whatever log it was of. */
export function isRotatedLog(path: string): boolean {
  return ROTATED.test(basename(path));
}

const MAX_KNOWN = 256;

/**
 * Names of rotated files that are not after some moment. Bounded to the newest; told by name and not by a newest time
 * alone, so that a clock set back hides no file.
 */
export function knownNames(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].sort().slice(-MAX_KNOWN);
}

/** The files that were rotated after that moment, oldest first. */
export function rotatedSince(rotated: readonly RotatedFile[], known: readonly string[]): readonly RotatedFile[] {
  const oldest = known.length < MAX_KNOWN ? "" : (known[0] ?? "");
  return rotated.filter(({ name }) => name > oldest && !known.includes(name));
}
