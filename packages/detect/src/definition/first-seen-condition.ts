import type { CorrelationField } from "./correlation.ts";

/** The `first-seen` part of a detection: it finds what meets its condition and is new. */
export interface FirstSeen {
  /** Whose values together are new or not; the optional ones behind the others. */
  readonly fields: readonly CorrelationField[];
  /** For whom they are new; none: for the whole log. */
  readonly per: readonly CorrelationField[];
  /** Event time since the first hit of a `per` in which values are only learned. */
  readonly learnMs: number;
  /** Whether the very first value of a `per` is found too. */
  readonly findsOpening: boolean;
}

/** All fields that it reads of an event. */
export function namedFields(firstSeen: FirstSeen | undefined): readonly string[] {
  return [...(firstSeen?.fields ?? []), ...(firstSeen?.per ?? [])].flatMap(({ paths }) =>
    paths.map(({ text }) => text),
  );
}
