import { constants } from "node:fs";
import { stat } from "node:fs/promises";
import type { IngestConfig } from "./config.ts";
import { folderError } from "../errors.ts";
import { makeFolder } from "../state/make-folder.ts";
import { lockState } from "../state/state-lock.ts";
import type { StateLock } from "../state/state-lock.ts";

/**
 * Takes everything that only one daemon may write: its state folder, which it makes, and the folders of its sinks and spools; a second
 * one would cut the files of the first, as it cuts what a crash has left. Rejects as {@link lockState}, and then holds nothing.
 */
export async function lockFolders(config: IngestConfig): Promise<StateLock> {
  const { stateFolder } = config;
  await makeFolder(stateFolder).catch((error: unknown) => {
    throw folderError("state folder", stateFolder, error);
  });
  const locks = [await lockState(stateFolder)];
  const release = async (): Promise<void> => {
    await Promise.all(locks.map((lock) => lock.release()));
  };
  try {
    for (const { folder, what } of writtenFolders(config)) {
      // One that cannot be made now may be there when it is written to.
      const isThere = await makeFolder(folder).then(
        () => true,
        () => false,
      );
      if (isThere) {
        locks.push(await lockState(folder, what));
      }
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

interface WrittenFolder {
  readonly folder: string;
  /** What it is for. */
  readonly what: string;
  /** Where the configuration names it. */
  readonly at: readonly (string | number)[];
}

function writtenFolders({ sources, sinks }: IngestConfig): readonly WrittenFolder[] {
  const spools = sources.flatMap((source, i) =>
    source.type === "webhook" && source.spoolFolder !== undefined
      ? [{ folder: source.spoolFolder, what: `spool of source "${source.name}"`, at: ["sources", i, "spoolFolder"] }]
      : [],
  );
  const folders = sinks.flatMap((sink, i) =>
    sink.type === "store" || sink.type === "file"
      ? [{ folder: sink.folder, what: folderOfSink(sink.name), at: ["sinks", i, "folder"] }]
      : [],
  );
  return [...spools, ...folders];
}

/** Where the configuration names this folder. */
export function placeOfFolder(config: IngestConfig, folder: string | undefined): WrittenFolder["at"] {
  return writtenFolders(config).find((written) => written.folder === folder)?.at ?? ["stateFolder"];
}

/** Folders that others may write to than their owner and group: they could exchange what the daemon keeps there. */
export async function openFolders(
  config: IngestConfig,
): Promise<readonly { readonly message: string; readonly at: WrittenFolder["at"] }[]> {
  const { stateFolder } = config;
  const folders = [{ folder: stateFolder, what: "state folder", at: ["stateFolder"] }, ...writtenFolders(config)];
  const found = folders.map(async ({ folder, what, at }) => {
    const mode = (await stat(folder).catch(() => undefined))?.mode ?? 0;
    return (mode & constants.S_IWOTH) === 0
      ? []
      : [
          {
            message: `Everybody on this machine may write to ${what} "${folder}" (mode ${(mode & 0o7777).toString(8)})`,
            at,
          },
        ];
  });
  return (await Promise.all(found)).flat();
}

/** What to do about {@link openFolders}. */
export const OPEN_FOLDER_HINT = "chmod o-w, or name a folder that is not there: it is made for its owner only";

/** What the folder of this sink is called, for people. */
export function folderOfSink(name: string): string {
  return `folder of sink "${name}"`;
}
