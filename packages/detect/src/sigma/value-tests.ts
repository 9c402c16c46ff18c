import type { JsonValue } from "@auditsieve/audit";
import { cidrTest } from "../condition/cidr.ts";
import { scalarText } from "../condition/evaluate.ts";
import type { ValueTest } from "../condition/expression.ts";
import type { PatternPart } from "../condition/string-pattern.ts";
import { ANY_RUN, patternParts, patternTest } from "../condition/string-pattern.ts";
import { compileRegex } from "../regex/compile-regex.ts";
import { LIMITS } from "./limits.ts";
import type { ItemMode } from "./modifiers.ts";

/** A test for one value of an item, or what is wrong with the value and what to do. */
export type ValueResult = ValueTest | { readonly wrong: string; readonly hint: string };

/** Makes the test for `value` under the item's modifiers. Null and containers are the caller's matter. */
export function valueTest(value: string | number | boolean, mode: ItemMode): ValueResult {
  if (typeof value === "string" && value.length > LIMITS.valueLength) {
    return {
      wrong: `the value has ${value.length} characters`,
      hint: `Keep values under ${LIMITS.valueLength} characters`,
    };
  }
  switch (mode.kind) {
    case "re":
      return regexTest(value, mode);
    case "cidr":
      return networkTest(value);
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return numberTest(value, mode.kind);
    case "pattern":
    case "exists":
    case "fieldref":
    case "same":
    default:
      return textTest(value, mode);
  }
}

function textTest(value: string | number | boolean, { comparison, cased }: ItemMode): ValueResult {
  if (value === "" && comparison !== "equal") {
    return { wrong: `"${comparison}" with an empty value matches everything`, hint: "Give the text to look for" };
  }
  const parts = typeof value === "string" ? patternParts(value) : [String(value)];
  const before: readonly PatternPart[] = comparison === "contains" || comparison === "endswith" ? [ANY_RUN] : [];
  const after: readonly PatternPart[] = comparison === "contains" || comparison === "startswith" ? [ANY_RUN] : [];
  const open = parts[0] === ANY_RUN ? parts : [...before, ...parts];
  return patternTest(open.at(-1) === ANY_RUN ? open : [...open, ...after], cased);
}

function regexTest(value: string | number | boolean, { flags }: ItemMode): ValueResult {
  const source = String(value);
  const inline = source.startsWith("(?i)");
  const compiled = compileRegex(inline ? source.slice(4) : source, {
    ...flags,
    ignoreCase: flags.ignoreCase || inline,
  });
  if (!compiled.test) {
    return {
      wrong: `the regular expression is refused: ${compiled.refusal}`,
      hint: "Use literals, classes, groups, alternatives, quantifiers and anchors only",
    };
  }
  const { test } = compiled;
  return {
    test: (found) => {
      const text = scalarText(found);
      return text !== undefined && test(text);
    },
  };
}

function networkTest(value: string | number | boolean): ValueResult {
  const inside = typeof value === "string" ? cidrTest(value) : undefined;
  if (!inside) {
    return { wrong: `"${value}" is not a network`, hint: "Write it like 10.0.0.0/8 or fd00::/8" };
  }
  return { test: (found) => typeof found === "string" && inside(found) };
}

function numberTest(value: string | number | boolean, kind: "lt" | "lte" | "gt" | "gte"): ValueResult {
  const bound = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof bound !== "number" || Number.isNaN(bound)) {
    return { wrong: `"${value}" is not a number, which "${kind}" needs`, hint: "Give a number" };
  }
  return {
    test: (found) => {
      const number = numeric(found);
      return number !== undefined && COMPARE[kind](number, bound);
    },
  };
}

function numeric(found: JsonValue): number | undefined {
  const number = typeof found === "string" && found.trim() !== "" ? Number(found) : found;
  return typeof number === "number" && !Number.isNaN(number) ? number : undefined;
}

const COMPARE: Readonly<Record<"lt" | "lte" | "gt" | "gte", (number: number, bound: number) => boolean>> = {
  lt: (number, bound) => number < bound,
  lte: (number, bound) => number <= bound,
  gt: (number, bound) => number > bound,
  gte: (number, bound) => number >= bound,
};
