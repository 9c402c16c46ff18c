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

function writtenFolders({
  sources,
  sinks,
}: IngestConfig): readonly { readonly folder: string; readonly what: string }[] {
  const spools = sources.flatMap((source) =>
    source.type === "webhook" && source.spoolFolder !== undefined
      ? [{ folder: source.spoolFolder, what: `spool of source "${source.name}"` }]
      : [],
  );
  const folders = sinks.flatMap((sink) =>
    sink.type === "store" || sink.type === "file" ? [{ folder: sink.folder, what: folderOfSink(sink.name) }] : [],
  );
  return [...spools, ...folders];
}

/** What the folder of this sink is called, for people. */
export function folderOfSink(name: string): string {
  return `folder of sink "${name}"`;
}
