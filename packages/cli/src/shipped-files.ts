import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Folder of the shipped profiles, noise policies and detections. */
export const PROFILES: string =
  nearestPackage(import.meta.dirname, "@auditsieve/profiles") ??
  dirname(createRequire(import.meta.url).resolve("@auditsieve/profiles/package.json"));

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

/**
 * Folder of the package that Node would find from a folder; undefined where none lies in a `node_modules` in or above it. Node asks a package what
 * it lets others see, and compiles expressions for that: 2 ms of each start.
 */
export function nearestPackage(from: string, name: string): string | undefined {
  const folder = join(from, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) {
    return realpathSync.native(folder);
  }
  const above = dirname(from);
  return above === from ? undefined : nearestPackage(above, name);
}
