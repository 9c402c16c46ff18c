import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine, FindingStream } from "@auditsieve/detect";
import { FindingTap } from "@auditsieve/ingest/findings";
import { compileLater } from "./compile-later.ts";
import { loadDetectionSet, SHIPPED } from "./detection-set.ts";
import { preparedDetections } from "./prepared-detections.ts";
import { writtenFinding } from "./write-findings.ts";
import type { WrittenFinding } from "./write-findings.ts";

export { boundYoung } from "./bound-young.ts";
export { writeFindings } from "./write-findings.ts";

/** The shipped detections beside a filter. It is loaded only where findings are wanted: its modules start slowly. */
export function findingTap(exceptions: readonly string[], redactor: Redactor, findings: WrittenFinding[]): FindingTap {
  compileLater();
  const prepared = exceptions.length === 0 ? preparedDetections() : undefined;
  const engine = new DetectionEngine(prepared ?? loadDetectionSet([SHIPPED], exceptions).detections);
  return new FindingTap(new FindingStream(engine), redactor, (finding) => findings.push(writtenFinding(finding)));
}
