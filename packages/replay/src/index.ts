/**
 * From a pile of logs to what happened: findings in order of time, out of the same pipeline as the daemon's.
 *
 * @module
 */
export { FactGatherer, makeReport, rankActors, tellStories } from "./report/index.ts";
export type * from "./report/index.ts";
export type { ApiserverSeen } from "./coverage/apiserver-leases.ts";
export type { LogCoverage } from "./coverage/coverage.ts";
export { othersText } from "./report/describe-limits.ts";
export type { FindingList, FindingStoreOptions } from "./findings/finding-store.ts";
export type { ChosenFindings } from "./findings/choose-findings.ts";
export { boundHeap } from "./judge/bound-heap.ts";
export { findLogs } from "./lines/find-logs.ts";
export type { FoundLogs } from "./lines/find-logs.ts";
export { changesTimeline, csvLine, timelineText } from "./timeline-text.ts";
export { TIMELINE_FORMATS } from "./timeline-formats.ts";
export type { TimelineFormat } from "./timeline-formats.ts";
export type { LogGap } from "./coverage/log-gaps.ts";
export type { ReplayLog } from "./lines/log-reader.ts";
export type { ClassCoverage } from "./coverage/request-classes.ts";
export type { ReplayedLog } from "./replay-run.ts";
export type { ReplaySummary } from "./replay-summary.ts";
export { parseInstant, zoneProblem } from "./instant.ts";
export type { Instant, InstantContext } from "./instant.ts";
export { JudgeThread } from "./judge/judge-thread.ts";
export type { DetectionTexts } from "./judge/judge-desk.ts";
export { replayLogs } from "./replay-logs.ts";
export type { Replayed } from "./replay-logs.ts";
export type { ReplayOptions } from "./replay-options.ts";
export type { ReplayedEvent, ReplayVisitor } from "./replayed-event.ts";
export { ReplayState } from "./state/replay-state.ts";
export type { ReplayIdentity } from "./state/replay-state.ts";
export { objectHistories } from "./history/object-histories.ts";
export { readAuditIDs } from "./facts/read-audit-ids.ts";
export { credentialUses } from "./stories/credential-uses.ts";
export type {
  AllowedUse,
  CredentialQuestion,
  CredentialUse,
  CredentialUses,
  LedTo,
  TouchedTarget,
} from "./stories/credential-uses.ts";
export type { BroughtForth } from "./stories/brought-forth.ts";
export type { HistoryQuestion, ObjectHistories } from "./history/object-histories.ts";
export type { DatedChange, ObjectHistory } from "./history/build-history.ts";
export type { Change } from "./history/diff-bodies.ts";
export { addressTest } from "./selection/address-pattern.ts";
export { isSelected } from "./selection/selection.ts";
export { matches } from "./selection/text-pattern.ts";
export type { Selection } from "./selection/selection.ts";
export {
  GrantedAccessVisitor,
  leastPrivilege,
  RightsAtVisitor,
  UsedAccessVisitor,
  writeManifests,
} from "./rbac/index.ts";
export type {
  AccessCount,
  BindingAt,
  Identity,
  LeastPrivilege,
  LetPass,
  Membership,
  RightsAt,
  RightsQuestion,
  UsedAccess,
} from "./rbac/index.ts";
export { EventDatabase } from "./query/event-database.ts";
export type { EventDatabaseOptions, PreparedQuery, QueryRow } from "./query/event-database.ts";
export { QueryError } from "./query/query-error.ts";
export { QUERY_TABLES } from "./query/query-schema.ts";
export type { QueryColumn, QueryTable } from "./query/query-schema.ts";
export { compareFindings, OtherFindings } from "./compare/compare-findings.ts";
export type { ComparedFindings, FindingChange, OtherReading } from "./compare/compare-findings.ts";
export { hashFile, PassingDigest } from "./evidence/hash-file.ts";
export type { Digest } from "./evidence/hash-file.ts";
export { checkManifest, ManifestError, sealReplay } from "./evidence/seal-replay.ts";
export type { SealedFile, SealedReplay } from "./evidence/seal-replay.ts";
export { verifyManifest } from "./evidence/verify-manifest.ts";
export type { CheckedFile, VerifiedManifest, VerifyOptions } from "./evidence/verify-manifest.ts";
