/**
 * The part of the room that reads logs of all kinds, for those who neither send nor receive: it starts in a third of the time.
 *
 * @module
 */
export { openCanonicalLog } from "./logs/canonical-log.ts";
export { openCanonicalLogAt } from "./logs/canonical-log-at.ts";
export { openLinesAt } from "./logs/lines-at.ts";
export type { LinesAt } from "./logs/lines-at.ts";
export { openLog } from "./logs/log-file.ts";
export { logFormat } from "./logs/log-format.ts";
export { isStore, openStore } from "./sources/store-reader.ts";
export { IngestError } from "./errors.ts";
export { LineTail, reducedEvent } from "./detections/reduced-event.ts";
export { makeFolder } from "./state/make-folder.ts";
export { lockState } from "./state/state-lock.ts";
