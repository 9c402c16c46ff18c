import { readdirSync, realpathSync, statSync } from "node:fs";
import type { Dirent } from "node:fs";
import { join } from "node:path";

/**
 * The files below a folder whose names are wanted, each once, by their names. Links are followed: so are folders mounted from a ConfigMap made. What
 * several names lead to is taken by the one that is the least deep, and there by its own; so nothing is searched in circles. What cannot be searched,
 * and what is no file, is among them: reading it says why.
 */
export function folderFiles(folder: string, isWanted: (name: string) => boolean): readonly string[] {
  const files: string[] = [];
  const folders = [folder];
  const seen = new Set<string>();
  /** Whether nothing else has led there. */
  const isNew = (place: string): boolean => seen.size < seen.add(place).size;
  // It grows while it is gone through.
  for (const at of folders) {
    const place = placeOf(at);
    const entries = isNew(place) ? entriesOf(at) : [];
    if (entries === undefined) {
      files.push(at);
      continue;
    }
    for (const entry of entries) {
      const path = join(at, entry.name);
      if (entry.isSymbolicLink() ? isFolder(path) : entry.isDirectory()) {
        folders.push(path);
      } else if (isWanted(entry.name) && isNew(entry.isSymbolicLink() ? placeOf(path) : join(place, entry.name))) {
        files.push(path);
      }
    }
  }
  return files.sort();
}

/** Links last; undefined where the folder cannot be searched. */
function entriesOf(folder: string): readonly Dirent[] | undefined {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    return entries.sort((a, b) => Number(a.isSymbolicLink()) - Number(b.isSymbolicLink()));
  } catch {
    return undefined;
  }
}

/** Whether a folder is there, or a link to one. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Where it really is. Of what is not there, or a link to itself, its own path. */
function placeOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
