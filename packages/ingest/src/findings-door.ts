/**
 * The part of the room that runs detections beside a filter, without sinks and the daemon: it starts in a fraction of the time.
 *
 * @module
 */
export { FindingTap } from "./finding-tap.ts";
export { AuditIdWatch } from "./audit-id-watch.ts";
export { HeadMemo } from "./head-memo.ts";
export type { HeadEntry } from "./head-memo.ts";
export { scanHead } from "./scan-head.ts";
export { scannedEvent } from "./scanned-event.ts";
