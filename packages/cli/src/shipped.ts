import { loadDetectionFiles } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { readdirSync, readFileSync } from "node:fs";
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

/** Text of a noise policy: of a shipped one by its name, or of a file. */
export function readPolicyText(nameOrPath: string): string {
  const isName = /^[a-z0-9-]+$/.test(nameOrPath);
  return readFileSync(isName ? join(PROFILES, "noise", `${nameOrPath}.policy.yaml`) : nameOrPath, "utf8");
}

/** Sigma texts of these files, or of the shipped detections. */
export function readDetectionTexts(
  paths: readonly string[] | undefined,
): readonly { readonly file: string; readonly text: string }[] {
  const folder = join(PROFILES, "detections");
  const shipped = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yml"))
      .sort();
  return paths === undefined
    ? shipped().map((file) => ({ file, text: readFileSync(join(folder, file), "utf8") }))
    : paths.map((file) => ({ file, text: readFileSync(file, "utf8") }));
}

/** The shipped detections, compiled. */
export function shippedDetections(): readonly Detection[] {
  const { detections, problems } = loadDetectionFiles(readDetectionTexts(undefined));
  const broken = problems.find(({ severity }) => severity === "error");
  if (broken !== undefined) {
    throw new Failure(`Cannot load the shipped detections: ${broken.message}`, { hint: "Install auditsieve again" });
  }
  return detections;
}
