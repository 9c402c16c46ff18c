/**
 * The part of the room that decides in the stream, for those who filter and nothing more: it starts in a third of the time.
 *
 * @module
 */
export { joinStreamRules } from "./generate/join-stream-rules.ts";
export { loadStreamPolicy } from "./load-stream-policy.ts";
export type { LoadedStreamPolicy } from "./load-stream-policy.ts";
export type { StreamCondition } from "./stream-condition.ts";
export { StreamPolicy } from "./stream-policy.ts";
export type { StreamDecision, StreamRules } from "./stream-policy.ts";
