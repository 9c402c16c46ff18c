import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Folder of the shipped profiles, noise policies and detections. */
export const PROFILES: string = dirname(createRequire(import.meta.url).resolve("@auditsieve/profiles/package.json"));

/** Name of the noise policy that is used where none is given. */
export const DEFAULT_NOISE = "control-loops";

/** Text of a shipped file: `policies/tiered.profile.yaml`. */
export async function readShipped(path: string): Promise<string> {
  return readFileSync(join(PROFILES, path), "utf8");
}

/** Names of the shipped files of a folder that end in `suffix`, without it. */
export async function listShipped(folder: string, suffix: string): Promise<readonly string[]> {
  return readdirSync(join(PROFILES, folder))
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort();
}

/** Stands for the detections that come with auditsieve. */
export const SHIPPED = "shipped";
