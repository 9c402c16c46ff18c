/** More of those who are alike say nothing new. */
const MOST_ALIKE = 10;

/**
 * The same in another order: of each kind so many stay where they are, and the others stand behind all. Who acts under thousands of made-up names
 * is then in front of nobody who did something else.
 */
export function manyAlikeLast<One>(all: readonly One[], kindOf: (one: One) => string | number): readonly One[] {
  const met = new Map<string | number, number>();
  const front: One[] = [];
  const behind: One[] = [];
  for (const one of all) {
    const kind = kindOf(one);
    const before = met.get(kind) ?? 0;
    met.set(kind, before + 1);
    (before < MOST_ALIKE ? front : behind).push(one);
  }
  return [...front, ...behind];
}
