import type { RegexNode } from "./parse-regex.ts";

const MAX_TEXTS = 8;
const MIN_LENGTH = 3;
type Spelling = "only" | "written";

/**
 * Texts of which whatever the expression finds holds at least one, so that a text without them need not be searched. Undefined where
 * there are none, or too many or too short ones to be worth looking for. `inAnyCase`: what it finds may hold them in another case.
 */
export function neededTexts(tree: RegexNode, inAnyCase = false): readonly string[] | undefined {
  const texts = neededBy(tree, inAnyCase ? "written" : "only");
  return texts !== undefined && shortest(texts) >= MIN_LENGTH ? texts : undefined;
}

function neededBy(node: RegexNode, as: Spelling): readonly string[] | undefined {
  switch (node.kind) {
    case "sequence":
      return neededBySequence(node.of, as);
    case "choice":
      return united(node.of.map((one) => neededBy(one, as)));
    case "repeat":
      return node.min > 0 ? neededBy(node.of, as) : undefined;
    case "set":
    case "assert":
    default:
      return exactly(node, as);
  }
}

/** The longest of what stands together. */
function neededBySequence(of: readonly RegexNode[], as: Spelling): readonly string[] | undefined {
  let best: readonly string[] | undefined;
  let run: readonly string[] = [""];
  const take = (texts: readonly string[] | undefined): void => {
    best = texts !== undefined && shortest(texts) > shortest(best ?? [""]) ? texts : best;
  };
  for (const node of of) {
    const texts = exactly(node, as);
    const longer = texts && joined(run, texts);
    if (longer === undefined) {
      take(run);
      take(neededBy(node, as));
    }
    run = longer ?? texts ?? [""];
  }
  take(run);
  return best;
}

/** All texts that the node finds, where they are few. */
function exactly(node: RegexNode, as: Spelling): readonly string[] | undefined {
  switch (node.kind) {
    case "set":
      return node.set[as] === undefined ? undefined : [node.set[as]];
    case "assert":
      return [""];
    case "sequence":
      return node.of.reduce<readonly string[] | undefined>(
        (texts, part) => {
          const more = texts && exactly(part, as);
          return texts && more && joined(texts, more);
        },
        [""],
      );
    case "choice":
      return united(node.of.map((one) => exactly(one, as)));
    case "repeat":
    default: {
      const texts = node.max === 1 ? exactly(node.of, as) : undefined;
      return node.min === 1 ? texts : texts && united([texts, [""]]);
    }
  }
}

function joined(texts: readonly string[], more: readonly string[]): readonly string[] | undefined {
  return texts.length * more.length > MAX_TEXTS
    ? undefined
    : texts.flatMap((text) => more.map((other) => text + other));
}

function united(sets: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const texts = sets.every((set) => set !== undefined) ? [...new Set(sets.flat())] : undefined;
  return texts !== undefined && texts.length <= MAX_TEXTS ? texts : undefined;
}

function shortest(texts: readonly string[]): number {
  return Math.min(...texts.map(({ length }) => length));
}
