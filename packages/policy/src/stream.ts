/**
 * The part of the room that decides in the stream, for those who filter and nothing more: it starts in a tenth of the time. Loading
 * a policy's text stands apart, in `@auditsieve/policy/load-stream`.
 *
 * @module
 */
export type { LoadedStreamPolicy } from "./stream-policy/load-stream-policy.ts";
export type { StreamCondition } from "./stream-policy/stream-condition.ts";
export { StreamPolicy } from "./stream-policy/stream-policy.ts";
export type { StreamDecision, StreamRules } from "./stream-policy/stream-policy.ts";
