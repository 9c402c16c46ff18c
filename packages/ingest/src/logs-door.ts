/**
 * The part of the room that reads logs of all kinds.
 *
 * @module
 */
export { openCanonicalLog } from "./sources/canonical-log.ts";
