import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../errors.ts";

/** Only its owner may look into it. */
const OWNER_ONLY = 0o700;

/**
 * Makes a folder with all that is above it, unless it is there. Rejects with the error of the system. Node's `recursive` never ends where
 * the folder above is there and the system says of the new one that it is not (below /proc, or a folder that was removed), and the
 * thread that it holds cannot be stopped by a signal.
 *
 * @example
 * await makeFolder("/var/lib/auditsieve/state");
 */
export async function makeFolder(folder: string, mode: number = OWNER_ONLY): Promise<void> {
  try {
    await makeOne(folder, mode);
  } catch (error) {
    const above = dirname(folder);
    if (systemCode(error) !== "ENOENT" || above === folder) {
      throw error;
    }
    await makeFolder(above, mode);
    await makeOne(folder, mode);
  }
}

async function makeOne(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const isThere = systemCode(error) === "EEXIST" && (await stat(folder)).isDirectory();
    if (!isThere) {
      throw error;
    }
  }
}
