import type { Level, Stage } from "./event.ts";

/**
 * A class of requests: each list names alternatives, an absent list means any. `resources` are written
 * `resource` or `resource/subresource`.
 */
export interface RequestClass {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
}

/**
 * What a detection must be able to read so that it can decide: derived from its condition by the room detect,
 * taken by policy coverage. The two rooms meet in this type only.
 */
export interface Need {
  readonly request: RequestClass;
  /** Any one of these stages is enough. */
  readonly stages: readonly Stage[];
  /** The lowest level at which every field of `fields` is written. */
  readonly level: Level;
  /** Event fields that the condition reads, in audit spelling: `requestObject.spec.hostPID`. */
  readonly fields: readonly string[];
  /** The detection does not hit such a request: it must have seen it to know what later ones mean. */
  readonly earlier?: true;
}
