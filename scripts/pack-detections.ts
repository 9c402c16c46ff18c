// Writes profiles/dist/detections.json: the YAML documents of the shipped detections as JSON, each beside the hash of the text that it
// is of, so that a start need not read YAML. What does not fit its text is not used, so that it can be old, but never wrong.
// Setting a checkout up makes it, and `prepack` of the profiles does.
import { readYaml } from "../packages/audit/src/index.ts";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PROFILES = join(import.meta.dirname, "../profiles");
const PACK = join(PROFILES, "dist/detections.json");

/** The pack as it must be now. */
export function packText(): string {
  const folder = join(PROFILES, "detections");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yml"));
  const entries = files.sort().map((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    const { documents, problems } = readYaml(text);
    if (problems.length > 0) {
      throw new Error(`Cannot pack ${file}: ${problems[0]?.message}`);
    }
    const sha256 = createHash("sha256").update(text).digest("hex");
    return [file, { sha256, documents: documents.map(({ value }) => value) }] as const;
  });
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

if (import.meta.main) {
  mkdirSync(dirname(PACK), { recursive: true });
  writeFileSync(PACK, packText());
}
