import { existsSync, globSync, readFileSync } from "node:fs";
import type { AuditEvent } from "@auditsieve/audit";
import type { Detection } from "./detection.ts";
import { loadDetections } from "./load-detections.ts";

/** One line of a `.cases.ndjson` file. */
export interface DetectionCase {
  readonly expect: "hit" | "miss";
  readonly why: string;
  readonly source: "attack.log" | "baseline.log" | "synthetic";
  readonly auditID: string;
  readonly event: AuditEvent;
}

/** A detection of profiles/ with its cases. */
export interface ShippedDetection {
  /** `<tactic>/<id>` */
  readonly name: string;
  readonly detection: Detection;
  readonly cases: readonly DetectionCase[];
}

const folder = new URL("../../../profiles/detections/", import.meta.url);

/** Every detection of profiles/detections; throws when a file does not load without a problem. */
export const shippedDetections: readonly ShippedDetection[] = globSync("*/*.yml", { cwd: folder })
  .sort()
  .map((file) => {
    const { detections, problems } = loadDetections(readFileSync(new URL(file, folder), "utf8"), file);
    const [detection] = detections;
    if (problems.length > 0 || !detection || detections.length > 1) {
      throw new Error(`profiles/detections/${file} must hold one sound detection: ${JSON.stringify(problems)}`);
    }
    const name = file.replace(/\.yml$/, "");
    const casesFile = new URL(`${name}.cases.ndjson`, folder);
    const lines = existsSync(casesFile) ? readFileSync(casesFile, "utf8").split("\n") : [];
    const cases = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as DetectionCase);
    return { name, detection, cases };
  });

/** Names of case files that stand alone. */
export const casesWithoutDetection: readonly string[] = globSync("*/*.cases.ndjson", { cwd: folder }).filter(
  (file) => !existsSync(new URL(file.replace(/\.cases\.ndjson$/, ".yml"), folder)),
);
