import type { Expression, ValueTest } from "./condition/expression.ts";
import { NEVER } from "./condition/simplify.ts";

/** What plain names of objects are made of. */
const PLAIN = /[A-Za-z0-9.:-]/;

/** A character of which a text that holds `literal` holds one, but no plain name does; undefined where it may be in a name as a whole. */
export function specialIn(literal: string): string | undefined {
  return Array.from(literal).find((char) => char < "\x7f" && char >= " " && !PLAIN.test(char));
}

/**
 * The condition with all taken for false that `uri` cannot meet, nor any other requestURI that differs from it in plain names: what looks
 * for a character that is not in it. For such URIs the condition comes out as this does, or as unknown as this is. Those characters are added
 * to `missed`: it is the same for every URI without them.
 */
export function withoutSpecials(
  condition: Expression,
  uri: string,
  missed: Set<string> = new Set<string>(),
): Expression {
  const isMissed = ({ special }: ValueTest): boolean => special !== undefined && !uri.includes(special);
  switch (condition.kind) {
    case "and":
    case "or":
      return { kind: condition.kind, of: condition.of.map((part) => withoutSpecials(part, uri, missed)) };
    case "not":
      return { kind: "not", of: withoutSpecials(condition.of, uri, missed) };
    case "match": {
      const { every, field, tests } = condition;
      const isNever = field.text === "requestURI" && (every ? tests.some(isMissed) : tests.every(isMissed));
      if (isNever) {
        tests.filter(isMissed).forEach(({ special }) => special !== undefined && missed.add(special));
      }
      return isNever ? NEVER : condition;
    }
    case "null":
    case "exists":
    case "fieldref":
    case "same":
    case "keyword":
    default:
      return condition;
  }
}
