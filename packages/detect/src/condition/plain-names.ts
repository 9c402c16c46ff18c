import type { Expression, ValueTest } from "./expression.ts";
import { NEVER } from "./simplify.ts";

/** What plain names of objects are made of. */
const PLAIN = /[A-Za-z0-9.:-]/;

/** A character of which a text that holds `literal` holds one, but no plain name does; undefined where it may be in a name as a whole. */
export function specialIn(literal: string): string | undefined {
  return Array.from(literal).find((char) => char < "\x7f" && char >= " " && !PLAIN.test(char));
}

/**
 * The condition with all taken for false that no requestURI without special characters can meet: what looks for one. For such URIs the
 * condition comes out as this does, or as unknown as this is. Those characters are added to `missed`: it is the same for every URI without them.
 */
export function withoutSpecials(condition: Expression, missed: Set<string>): Expression {
  return without(
    condition,
    ({ special }) => special !== undefined,
    ({ special }) => special !== undefined && missed.add(special),
  );
}

/**
 * The condition with all taken for false that `uri` cannot meet, nor any other requestURI that differs from it in plain names of its path: what
 * looks for a character that is not in it, or for texts that only its query could hold and does not.
 */
export function forPlainNames(condition: Expression, uri: string): Expression {
  const question = uri.indexOf("?");
  const path = question === -1 ? uri : uri.slice(0, question);
  const query = uri.slice(path.length + 1).toLowerCase();
  // Where such a text begins is where the query does at the earliest: a part of it stands in no path like this one, and it holds no question mark.
  const isInQuery = (text: string): boolean =>
    !text.includes("?") &&
    Array.from(text).some((char) => char < "\x7f" && char >= " " && !PLAIN.test(char) && !path.includes(char));
  return without(condition, (test) => {
    if (test.special !== undefined && !uri.includes(test.special)) {
      return true;
    }
    const texts = test.holds?.();
    return texts?.every((text) => isInQuery(text) && !query.includes(text.toLowerCase())) ?? false;
  });
}

function without(
  condition: Expression,
  isMissed: (test: ValueTest) => boolean,
  note?: (test: ValueTest) => void,
): Expression {
  switch (condition.kind) {
    case "and":
    case "or":
      return { kind: condition.kind, of: condition.of.map((part) => without(part, isMissed, note)) };
    case "not":
      return { kind: "not", of: without(condition.of, isMissed, note) };
    case "match": {
      const { every, field, tests } = condition;
      const isNever = field.text === "requestURI" && (every ? tests.some(isMissed) : tests.every(isMissed));
      if (isNever && note !== undefined) {
        tests.filter(isMissed).forEach(note);
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
