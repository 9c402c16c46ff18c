import { loadDetectionFiles } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "./failure.ts";
import { PROFILES } from "./shipped-files.ts";

export { DEFAULT_NOISE, listShipped, readShipped } from "./shipped-files.ts";

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
