import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { beginsLike } from "./file-identity.ts";
import type { Fingerprint } from "./file-identity.ts";
import { isRotatedLog } from "./rotated-files.ts";
import { headOfOrigin, openFileOrigin, openRotated } from "./tailed-file.ts";
import type { Origin } from "./tailed-file.ts";

/** A file that holds what a log held before it was cut in place, and its first bytes. */
export interface CutCopy {
  readonly origin: Origin;
  readonly head: Buffer;
}

const MAX_TRIES = 5;

/**
 * The copy that copytruncate made of the log at `path` before it cut it: `audit.log.1`, `audit.log-20261124.gz`, whatever begins
 * with the log's name. Told by its first bytes; of several the longest, plain ones first. Undefined where there is none
 * that goes on behind `offset`.
 */
export async function findCopy(path: string, known: Fingerprint, offset: number): Promise<CutCopy | undefined> {
  for (let tries = 0; known.bytes > 0 && tries < MAX_TRIES; tries++) {
    const { best, hasVanished } = await bestCopy(path, known, offset);
    if (best !== undefined || !hasVanished) {
      return best;
    }
  }
  return undefined;
}

async function bestCopy(
  path: string,
  known: Fingerprint,
  offset: number,
): Promise<{ readonly best: CutCopy | undefined; readonly hasVanished: boolean }> {
  let best: (CutCopy & { readonly bytes: number }) | undefined;
  let hasVanished = false;
  for (const candidate of await candidatesOf(path)) {
    const origin = await openCandidate(candidate).catch(() => undefined);
    // Packed or renamed since the folder was listed: it stands there under another name.
    hasVanished ||= origin === undefined;
    const head = origin && (await headOfOrigin(origin));
    const bytes = origin?.kind === "file" ? (await origin.handle.stat()).size : 0;
    const isCopy = head !== undefined && beginsLike(head, known) && (origin?.kind === "archive" || bytes >= offset);
    if (isCopy && origin !== undefined && (best === undefined || bytes > best.bytes)) {
      await closeOrigin(best?.origin);
      best = { origin, head, bytes };
    } else {
      await closeOrigin(origin);
    }
  }
  return { best, hasVanished };
}

async function candidatesOf(path: string): Promise<readonly string[]> {
  const folder = dirname(path);
  const stem = basename(path, extname(path));
  return (await readdir(folder))
    .filter((name) => name.startsWith(stem) && name !== basename(path) && !isRotatedLog(name))
    .map((name) => join(folder, name));
}

function openCandidate(path: string): Promise<Origin | undefined> {
  return /\.(?:gz|zst)$/.test(path)
    ? openRotated({ name: basename(path), plain: undefined, gzip: path })
    : openFileOrigin(path);
}

/** Closes what was opened and is not read. */
export async function closeOrigin(origin: Origin | undefined): Promise<void> {
  if (origin?.kind === "file") {
    await origin.handle.close();
  }
}
