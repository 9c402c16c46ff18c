/**
 * The part of the room that runs detections beside a filter, without sinks and the daemon: it starts in a fraction of the time.
 *
 * @module
 */
export { FindingTap } from "./finding-tap.ts";
