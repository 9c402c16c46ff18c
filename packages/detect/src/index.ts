/**
 * What of an audit log matters: Sigma detections are loaded, compiled and evaluated in three values; hits become
 * findings, one per request, and what the log could not show is counted.
 *
 * ```ts
 * const { detections, problems } = loadDetections(text, "exec.yml");
 * const stream = new FindingStream(new DetectionEngine(detections));
 * for (const event of events) {
 *   findings.push(...stream.push(event));
 * }
 * findings.push(...stream.flush());
 * ```
 *
 * @module
 */
export { isSeverityBelow, SEVERITIES } from "./definition/detection.ts";
export type { Detection, Severity } from "./definition/detection.ts";
export { DetectionEngine, evaluateDetection } from "./detection-engine.ts";
export type { DetectionEngineOptions, Evaluated, Outcome, Verdict } from "./detection-engine.ts";
export type { Correlation, CorrelationField, CorrelationType, Threshold } from "./definition/correlation.ts";
export type { CorrelatorOptions } from "./correlating/correlator-options.ts";
export { linkCorrelations } from "./definition/link-correlations.ts";
export type { LinkedCorrelation, LinkedCorrelations } from "./definition/link-correlations.ts";
export { evaluateCase } from "./evaluate-case.ts";
export { explainCase } from "./explain-case.ts";
export type { ExplainedSelection } from "./explain-case.ts";
export { findingJson, findingOfJson, findingOfRequest, findingPieces, requestId } from "./finding.ts";
export type { EventCodec } from "./correlating/evidence-table.ts";
export type { Finding } from "./finding.ts";
export { ShownEvent } from "./shown-event.ts";
export type { ShowEvent } from "./shown-event.ts";
export { heldBySnapshot, snapshotProblem } from "./snapshot-shape.ts";
export type { EventFacts, RequestOutcome } from "./summary.ts";
export { FindingStream } from "./stream/finding-stream.ts";
export type { FindingStreamCounts } from "./stream/finding-stream-counts.ts";
export type { Beside, FindingStreamOptions } from "./stream/finding-stream-options.ts";
export { headOf } from "./reading/event-parts.ts";
export { ACTOR_FIELDS, HEAD_FIELDS } from "./reading/head-view.ts";
export type { HeadField, HeadView } from "./reading/head-view.ts";
export { loadDetectionFiles, loadDetections } from "./load-detections.ts";
export { prepareDetections, revivedDetections } from "./prepared-detections.ts";
export type { PreparedDetection } from "./prepared-detections.ts";
export type { BodyName, PartlyParsed } from "./reading/event-parts.ts";
export type { LoadedDetectionFiles, LoadedDetections, LoadOptions } from "./load-detections.ts";
export type { DetectionSource } from "./load-text.ts";
export { endOf } from "./definition/detection-exception.ts";
export type { DetectionException } from "./definition/detection-exception.ts";
export type { Maturity } from "./exceptions/read-exception.ts";
export { AUDIT_FIELDS } from "./sigma/audit-fields.ts";
export { loadPipelines } from "./sigma/load-pipelines.ts";
export type { LoadedPipelines } from "./sigma/load-pipelines.ts";
export type { ItemFilter, Pipeline, Transformation } from "./sigma/pipeline.ts";
export { ClusterMemory } from "./memory/cluster-memory.ts";
export type { ClusterMemoryOptions } from "./memory/cluster-memory.ts";
export { certificateId, CREDENTIAL_ID, CredentialLedger, ISSUED_CREDENTIAL_ID } from "./memory/credential-ledger.ts";
export type { Credential } from "./memory/credential-ledger.ts";
export type { PodChange, ToldEvent } from "./memory/pod-change.ts";
export type { QuietAnswer, QuietAnswers } from "./stream/quiet-answers.ts";
export type { Wanted } from "./stream/wanted.ts";
export { readsOf, REMEMBERED_FIELDS } from "./condition/remembered-fields.ts";
export type { MemoryPart } from "./condition/remembered-fields.ts";
export { cidrTest } from "./condition/cidr.ts";
export { safeJson, safeText } from "./safe-text.ts";
