// The WebAssembly module of the scanner. AssemblyScript: compiled by scripts/build-wasm.mjs.
export { forget, takeLines } from "./lines";
export { dropLine, forgetTemplates, learnLine, renewLine, standingOf } from "./entries";
export { scanEvent } from "./event";
export { nextSuspect } from "./suspects";
export { findCopies, forgetCopies, learnCopy } from "./copies";
export { forgetHarmless, noteHarmless } from "./harmless";
export { plainHead } from "./plain-head";
export { skipBracketed } from "./balance";
export { indexMembers, indexWhole } from "./members";
export { findPaths } from "./paths";
export { lacksEndings } from "./endings";
export { skipString } from "./walk";
export { writeDocument } from "./document";
export { learnFragment } from "./fragments";
export { buildSpread } from "./quoted";
