import { LIMITS } from "./limits.ts";

/** A Sigma condition as written: names of selections under and, or, not and quantifiers. */
export type ConditionNode =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "of"; readonly every: boolean; readonly pattern: string }
  | { readonly kind: "not"; readonly of: ConditionNode }
  | { readonly kind: "and" | "or"; readonly of: readonly ConditionNode[] };

/** A parsed condition, or what is wrong with it and what to do. */
export type ParsedCondition =
  | { readonly node: ConditionNode; readonly wrong?: never }
  | { readonly node?: never; readonly wrong: string; readonly hint: string };

class Wrong extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const TOKEN = /\s*(?:([()])|([\p{L}\p{N}_*.?-]+)|(\|)|(\S))/uy;

/** Parses a condition: `not` binds strongest, then `and`, then `or`. */
export function parseCondition(text: string): ParsedCondition {
  try {
    return { node: parse(tokenize(text)) };
  } catch (error) {
    if (error instanceof Wrong) {
      return { wrong: error.message, hint: error.hint };
    }
    throw error;
  }
}

function tokenize(text: string): string[] {
  if (text.length > LIMITS.conditionLength) {
    throw new Wrong(
      `it has ${text.length} characters, at most ${LIMITS.conditionLength} are allowed`,
      'Group selections by a name pattern and write "1 of name*"',
    );
  }
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const at = TOKEN.lastIndex;
    const [, paren, word, pipe, other] = TOKEN.exec(trimmed) ?? [];
    if (pipe) {
      throw new Wrong("aggregations after | are no longer part of Sigma", "Write a correlation document instead");
    }
    if (other !== undefined) {
      throw new Wrong(
        `unexpected "${other}" at character ${at + 1}`,
        "Use selection names, and, or, not, parentheses, 1 of, all of",
      );
    }
    tokens.push(paren ?? word ?? "");
  }
  return tokens;
}

function parse(tokens: readonly string[]): ConditionNode {
  let at = 0;
  const keyword = (offset = 0): string => (tokens[at + offset] ?? "").toLowerCase();

  const disjunction = (depth: number): ConditionNode => {
    if (depth > LIMITS.conditionDepth) {
      throw new Wrong(`it is nested deeper than ${LIMITS.conditionDepth} levels`, "Name the inner parts as selections");
    }
    return chain("or", () => chain("and", () => negation(depth)));
  };

  const chain = (operator: "and" | "or", operand: () => ConditionNode): ConditionNode => {
    const first = operand();
    const of = [first];
    while (keyword() === operator) {
      at++;
      of.push(operand());
    }
    return of.length === 1 ? first : { kind: operator, of };
  };

  const negation = (depth: number): ConditionNode => {
    let negated = false;
    while (keyword() === "not") {
      at++;
      negated = !negated;
    }
    const inner = primary(depth);
    return negated ? { kind: "not", of: inner } : inner;
  };

  const primary = (depth: number): ConditionNode => {
    const token = tokens[at++];
    if (token === "(") {
      const inner = disjunction(depth + 1);
      if (tokens[at++] !== ")") {
        throw new Wrong("a parenthesis is not closed", 'Add the missing ")"');
      }
      return inner;
    }
    if (token === undefined || token === ")" || ["and", "or", "of"].includes(token.toLowerCase())) {
      throw new Wrong(
        `a selection name is missing before ${token === undefined ? "the end" : `"${token}"`}`,
        "Name a selection",
      );
    }
    return keyword() === "of" ? quantified(token.toLowerCase()) : { kind: "name", name: token };
  };

  const quantified = (count: string): ConditionNode => {
    if (count !== "1" && count !== "any" && count !== "all") {
      throw new Wrong(`"${count} of" is not a quantifier`, 'Use "1 of", "any of" or "all of"');
    }
    at++;
    const pattern = tokens[at++];
    if (pattern === undefined || pattern === "(" || pattern === ")") {
      throw new Wrong(`"${count} of" names nothing`, 'Write "them" or a name pattern such as "selection_*"');
    }
    return { kind: "of", every: count === "all", pattern };
  };

  const node = disjunction(0);
  const rest = tokens[at];
  if (rest !== undefined) {
    throw new Wrong(`unexpected "${rest}" after a complete condition`, "Join the parts with and or or");
  }
  return node;
}
