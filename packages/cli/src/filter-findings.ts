import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine, FindingStream } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import { FindingTap } from "@auditsieve/ingest/findings";
import { loadDetectionSet, SHIPPED } from "./detection-set.ts";

/** The shipped detections beside a filter. It is loaded only where findings are wanted: its modules start slowly. */
export function findingTap(exceptions: readonly string[], redactor: Redactor, findings: Finding[]): FindingTap {
  const engine = new DetectionEngine(loadDetectionSet([SHIPPED], exceptions).detections);
  return new FindingTap(new FindingStream(engine), redactor, (finding) => findings.push(finding));
}
