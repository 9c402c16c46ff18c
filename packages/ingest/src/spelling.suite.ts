import type { Dice } from "./filter/line-mutator.suite.ts";

/** A value as JSON in one of its many spellings: white space, escapes, keys repeated and in any order. */
export function spelling(value: unknown, dice: Dice): string {
  if (typeof value === "string") {
    const letters = Array.from(value, (letter) =>
      dice.below(8) === 0 && letter.length === 1
        ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`
        : JSON.stringify(letter).slice(1, -1),
    );
    return dice.below(3) === 0 ? `"${letters.join("")}"` : JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map((each) => spelling(each, dice)).join(dice.of([",", " , "]))}]`;
  }
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value);
  }
  const members = Object.entries(value).map(([key, each]): readonly [string, string] => [
    spelling(key, dice),
    `${dice.of(["", " "])}${spelling(each, dice)}`,
  ]);
  const repeated = dice.below(4) === 0 ? members.map(([key]) => [key, "null"] as const) : [];
  const all = [...repeated, ...(dice.below(3) === 0 ? members.toReversed() : members)];
  return `{${all.map(([key, each]) => `${key}:${each}`).join(",")}}`;
}
