/**
 * The part of the room that a command needs before a replay begins: it loads next to nothing, so that the thread of the detections starts
 * while everything else is loaded.
 *
 * @module
 */
export { JudgeThread } from "./judge/judge-thread.ts";
export type { DetectionTexts } from "./judge/judge-desk.ts";
export { TIMELINE_FORMATS } from "./timeline-formats.ts";
export type { TimelineFormat } from "./timeline-formats.ts";
