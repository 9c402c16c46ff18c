import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine, FindingStream } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import { FindingTap } from "@auditsieve/ingest/findings";
import { compileLater } from "./compile-later.ts";
import { loadDetectionSet, SHIPPED } from "./detection-set.ts";
import { preparedDetections } from "./prepared-detections.ts";

export { writeFindings } from "./write-findings.ts";

/** The shipped detections beside a filter. It is loaded only where findings are wanted: its modules start slowly. */
export function findingTap(exceptions: readonly string[], redactor: Redactor, findings: Finding[]): FindingTap {
  compileLater();
  const prepared = exceptions.length === 0 ? preparedDetections() : undefined;
  const engine = new DetectionEngine(prepared ?? loadDetectionSet([SHIPPED], exceptions).detections);
  return new FindingTap(new FindingStream(engine), redactor, (finding) => findings.push(finding));
}
