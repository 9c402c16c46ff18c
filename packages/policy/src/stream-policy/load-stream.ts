/**
 * The part of the room that loads policies for the stream.
 *
 * @module
 */
export { joinStreamRules } from "./join-stream-rules.ts";
export { loadStreamPolicy } from "./load-stream-policy.ts";
export type { LoadedStreamPolicy } from "./load-stream-policy.ts";
