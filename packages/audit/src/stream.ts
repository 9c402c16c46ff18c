/**
 * The part of the room that filters lines, for those who do nothing more: it starts in a tenth of the time.
 *
 * @module
 */
export { attributesOfScan } from "./attributes.ts";
export { undecidableHint, undecidableProblem } from "./decode.ts";
export { WrapperHints } from "./wrapper-hint.ts";
export { recognise, recogniseAt } from "./recognise.ts";
export { EventLines } from "./event-lines.ts";
export { isLevelBelow, LEVELS } from "./event.ts";
export { EventScan, slotOf } from "./scan.ts";
export { takeRooms } from "./scan-wasm/input-rooms.ts";
export { LineTemplates } from "./templates/line-templates.ts";
export { stripLine } from "./strip.ts";
