/** The first of `candidates` that is not taken, else one made of the last. */
export function freshName(candidates: readonly string[], isTaken: (name: string) => boolean): string {
  const free = candidates.find((name) => !isTaken(name));
  if (free !== undefined) {
    return free;
  }
  const stem = candidates.at(-1) ?? "other";
  for (let number = 2; ; number++) {
    if (!isTaken(`${stem}${number}`)) {
      return `${stem}${number}`;
    }
  }
}
