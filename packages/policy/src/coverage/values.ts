/** Some of all texts: those of a set, or all but those of a set. */
export interface Values {
  readonly kind: "in" | "out";
  readonly set: ReadonlySet<string>;
}

/** All texts. */
export const ANYTHING: Values = { kind: "out", set: new Set() };

/** These texts only. */
export function only(values: Iterable<string>): Values {
  return { kind: "in", set: new Set(values) };
}

/** All texts but these. */
export function allBut(values: Iterable<string>): Values {
  return { kind: "out", set: new Set(values) };
}

/** What is in both. */
export function both(a: Values, b: Values): Values {
  if (a.kind === "out" && b.kind === "out") {
    return { kind: "out", set: new Set([...a.set, ...b.set]) };
  }
  const [inside, other] = a.kind === "in" ? [a, b] : [b, a];
  return only([...inside.set].filter((value) => isIn(other, value)));
}

/** What is not in `values`. */
export function inverse({ kind, set }: Values): Values {
  return { kind: kind === "in" ? "out" : "in", set };
}

export function isEmpty({ kind, set }: Values): boolean {
  return kind === "in" && set.size === 0;
}

export function isIn({ kind, set }: Values, value: string): boolean {
  return set.has(value) === (kind === "in");
}
