import { loadDetections } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "./failure.ts";

const PROFILES = dirname(fileURLToPath(import.meta.resolve("@auditsieve/profiles/package.json")));

/** Name of the noise policy that is used where none is given. */
export const DEFAULT_NOISE = "control-loops";

/** Text of a shipped file: `policies/tiered.profile.yaml`. */
export function readShipped(path: string): Promise<string> {
  return readFile(join(PROFILES, path), "utf8");
}

/** Names of the shipped files of a folder that end in `suffix`, without it. */
export async function listShipped(folder: string, suffix: string): Promise<readonly string[]> {
  const files = await readdir(join(PROFILES, folder));
  return files
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort();
}

/** The shipped detections, compiled. */
export async function shippedDetections(): Promise<readonly Detection[]> {
  const folder = join(PROFILES, "detections");
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".yml")).sort();
  const loaded = await Promise.all(
    files.map(async (file) => loadDetections(await readFile(join(folder, file), "utf8"), file)),
  );
  const broken = loaded.flatMap(({ problems }) => problems).find(({ severity }) => severity === "error");
  if (broken !== undefined) {
    throw new Failure(`Cannot load the shipped detections: ${broken.message}`, { hint: "Install auditsieve again" });
  }
  return loaded.flatMap(({ detections }) => detections);
}
