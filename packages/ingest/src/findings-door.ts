/**
 * The part of the room that runs detections beside a filter, without sinks and the daemon: it starts in a fraction of the time.
 *
 * @module
 */
export { FindingTap } from "./detections/finding-tap.ts";
export { AuditIdWatch } from "./alarms/audit-id-watch.ts";
export { HeadMemo } from "./detections/head-memo.ts";
export type { HeadEntry } from "./detections/head-memo.ts";
export { scanHead } from "./detections/scan-head.ts";
export { scannedEvent } from "./detections/scanned-event.ts";
