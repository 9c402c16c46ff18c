/**
 * From a pile of logs to what happened: findings in order of time, out of the same pipeline as the daemon's.
 *
 * @module
 */
export type { LogCoverage } from "./coverage.ts";
export { parseInstant } from "./instant.ts";
export type { Instant, InstantContext } from "./instant.ts";
export { replayLogs } from "./replay-logs.ts";
export type { Replayed, ReplayOptions, ReplaySummary } from "./replay-logs.ts";
export type { ReplayedEvent, ReplayVisitor } from "./replayed-event.ts";
export { isSelected } from "./selection.ts";
export type { Selection } from "./selection.ts";
