import { randomBytes } from "node:crypto";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "./checkpoint.ts";
import { fileError, IngestError, systemCode } from "../errors.ts";
import { makeFolder } from "./make-folder.ts";

const KEY = /^[0-9a-f]{64}$/;

/**
 * A key that the configuration does not give: kept in the state folder, made there at the first start (mode 0600), so that
 * hashes and ids stay the same over restarts.
 */
export async function stateKey(
  folder: string,
  name: "redaction" | "id",
): Promise<{ readonly key: Buffer; readonly isNew: boolean }> {
  const path = join(folder, `${name}.key`);
  try {
    const text = (await readFile(path, "utf8")).trim();
    if (!KEY.test(text)) {
      throw new IngestError("checkpoint-corrupt", `Cannot use the key in "${path}": it is not 64 hex digits`, {
        path,
        hint: "Restore it from a backup; with another key the same values and lines get other hashes and ids",
      });
    }
    return { key: Buffer.from(text), isNew: false };
  } catch (error) {
    if (systemCode(error) !== "ENOENT") {
      throw error instanceof IngestError ? error : fileError("read key", path, error);
    }
  }
  const text = randomBytes(32).toString("hex");
  try {
    await makeFolder(folder);
    await writeDurably(path, `${text}\n`);
    await chmod(path, 0o600);
  } catch (error) {
    throw fileError("write key", path, error);
  }
  return { key: Buffer.from(text), isNew: true };
}
