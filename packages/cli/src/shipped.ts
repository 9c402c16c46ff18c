import { loadDetectionFiles } from "@auditsieve/detect";
import type { JsonValue } from "@auditsieve/audit";
import type { Detection, DetectionSource } from "@auditsieve/detect";
import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "./failure.ts";
import { PROFILES } from "./shipped-files.ts";

export { DEFAULT_NOISE, listShipped, readShipped } from "./shipped-files.ts";

const POLICY_FILE = ".policy.yaml";

/** Text of a noise policy: of a shipped one by its name, or of a file. */
export function readPolicyText(nameOrPath: string): string {
  if (!/^[a-z0-9-]+$/.test(nameOrPath)) {
    return readFileSync(nameOrPath, "utf8");
  }
  const folder = join(PROFILES, "noise");
  const file = join(folder, `${nameOrPath}${POLICY_FILE}`);
  if (!existsSync(file)) {
    const names = readdirSync(folder).flatMap((name) =>
      name.endsWith(POLICY_FILE) ? [name.slice(0, -POLICY_FILE.length)] : [],
    );
    throw new Error(`no policy of this name is shipped: ${names.sort().join(", ")} are`);
  }
  return readFileSync(file, "utf8");
}

/** A Sigma text, and where its file is. */
export interface DetectionText extends DetectionSource {
  readonly text: string;
  readonly path: string;
}

/** Sigma texts of the shipped detections; their documents are known without reading YAML. */
export function readDetectionTexts(): readonly DetectionText[] {
  const folder = join(PROFILES, "detections");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yml"));
  const packed = readPack();
  return files.sort().map((file) => {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    const entry = Object.hasOwn(packed, file) ? packed[file] : undefined;
    const isOfText = entry !== undefined && entry.sha256 === hash("sha256", text);
    return { file, path, text, ...(isOfText && { documents: entry.documents }) };
  });
}

type Pack = Readonly<Record<string, { readonly sha256: string; readonly documents: readonly JsonValue[] }>>;

/** What scripts/pack-detections.ts wrote; nothing in a checkout that was not set up. */
function readPack(): Pack {
  const file = join(PROFILES, "dist/detections.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Pack) : {};
}

/** The shipped detections, compiled. */
export function shippedDetections(): readonly Detection[] {
  const { detections, problems } = loadDetectionFiles(readDetectionTexts());
  const broken = problems.find(({ severity }) => severity === "error");
  if (broken !== undefined) {
    throw new Failure(`Cannot load the shipped detections: ${broken.message}`, { hint: "Install auditsieve again" });
  }
  return detections;
}
