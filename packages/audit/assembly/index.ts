// The WebAssembly module of the scanner. AssemblyScript: compiled by scripts/build-wasm.mjs.
export { dropLine, forget, forgetTemplates, learnLine, renewLine, standingOf, takeLines } from "./lines";
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
