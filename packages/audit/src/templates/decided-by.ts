import type { Field } from "../scan-fields.ts";

/** Where a line's decision comes from, for `LineTemplates.learn`. */
export interface DecidedBy {
  readonly fields: readonly Field[];
  /** Behind the part of the requestURI that decides. */
  readonly uriEnd: number;
  /** A name in the path that does not decide, in letters, digits, `-`, `.` and `:`; another such name would be decided alike. */
  readonly name: Span | undefined;
  /**
   * A namespace in the path that does not decide, either; only where `name` is the one in it, or none is. Where `objectRef.namespace` is not among
   * `fields`, another one would be decided alike.
   */
  readonly namespace?: Span | undefined;
  /** Parts of the URI behind `uriEnd` that must stay as they are. */
  readonly kept?: readonly Span[];
  /**
   * Parts of the annotations that decide nothing although these are among `fields`: inside a text, plain ASCII and µ. Others of that kind may
   * stand there.
   */
  readonly loose?: readonly Span[];
}

/** A part of the scanned bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}
