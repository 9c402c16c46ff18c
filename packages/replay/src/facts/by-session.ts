import type { Session } from "./sessions.ts";

/** Finds again what sessions did without going through all of it: those of some sessions, in the order in which they are given here. */
export function bySession<T extends { readonly session: Session }>(
  all: readonly T[],
): (sessions: readonly Session[]) => readonly T[] {
  const known = Map.groupBy(all.entries(), ([, { session }]) => session.id);
  return (sessions) =>
    [...new Set(sessions.map(({ id }) => id))]
      .flatMap((id) => known.get(id) ?? [])
      .toSorted(([a], [b]) => a - b)
      .map(([, one]) => one);
}
