import { readYaml } from "@auditsieve/audit";
import { prepareDetections, revivedDetections } from "@auditsieve/detect";
import type { Detection, PreparedDetection } from "@auditsieve/detect";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readDetectionTexts } from "./shipped.ts";
import { PROFILES } from "./shipped-files.ts";

/** What scripts/build-start.mjs writes beside the bundled command. */
interface PreparedFile {
  /** Of the texts that the detections were made of. */
  readonly sha256: string;
  readonly detections: readonly PreparedDetection[];
}

/** Made with the bundle, of the same sources; there is none beside those. */
const FILE = new URL("start-detections.json", import.meta.url);

/**
 * The shipped detections as the build has prepared them; undefined where it has not, or where a text of theirs is not the one that
 * it was made of, byte for byte.
 */
export function preparedDetections(file: string | URL = FILE): readonly Detection[] | undefined {
  if (!existsSync(file)) {
    return undefined;
  }
  const { sha256, detections } = JSON.parse(readFileSync(file, "utf8")) as PreparedFile;
  return sha256 === digestOfShipped() ? revivedDetections(detections) : undefined;
}

/** The file that {@link preparedDetections} reads. */
export function preparedText(): string {
  const sources = readDetectionTexts(undefined).map(({ file, text, documents }) => ({
    file,
    documents: documents ?? readYaml(text).documents.map(({ value }) => value),
  }));
  return JSON.stringify({ sha256: digestOfShipped(), detections: prepareDetections(sources) } satisfies PreparedFile);
}

/** Of the names and bytes of all texts of detections. */
function digestOfShipped(): string {
  const hash = createHash("sha256");
  for (const folder of ["", ...foldersOf("")]) {
    for (const name of readdirSync(join(PROFILES, "detections", folder)).sort()) {
      if (name.endsWith(".yml")) {
        const bytes = readFileSync(join(PROFILES, "detections", folder, name));
        hash.update(`${folder}/${name} ${bytes.length}\n`).update(bytes);
      }
    }
  }
  return hash.digest("hex");
}

/** All folders below one. Node's own recursion loads twenty modules. */
function foldersOf(parent: string): readonly string[] {
  return readdirSync(join(PROFILES, "detections", parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(parent, name))
    .flatMap((folder) => [folder, ...foldersOf(folder)])
    .sort();
}
