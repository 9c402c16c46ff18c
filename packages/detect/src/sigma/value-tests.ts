import type { JsonValue } from "@auditsieve/audit";
import { cidrTest } from "../condition/cidr.ts";
import { scalarText } from "../condition/evaluate.ts";
import type { ValueTest } from "../condition/expression.ts";
import type { PatternPart } from "../condition/string-pattern.ts";
import { neededInBytes } from "../condition/needed-in-bytes.ts";
import { ANY_RUN, patternParts, patternTest } from "../condition/string-pattern.ts";
import { specialIn } from "../condition/plain-names.ts";
import { compileRegex } from "../regex/compile-regex.ts";
import { datePartOf } from "./date-part.ts";
import type { DatePart } from "./date-part.ts";
import { encodeValue } from "./encode-value.ts";
import { expandPlaceholders } from "./expand-placeholders.ts";
import type { FieldPipeline } from "./field-pipeline.ts";
import { LIMITS } from "./limits.ts";
import type { ItemMode } from "./modifiers.ts";

/** A test for one value of an item, or what is wrong with the value and what to do. */
export type ValueResult =
  | ValueTest
  | {
      readonly wrong: string;
      readonly hint: string;
      /** Whether the same holds for all values that follow. */
      readonly isLast?: boolean;
    };

/** What the values of one load share. */
export type ValueContext = Pick<FieldPipeline, "prepared" | "placeholders" | "takeRegexSteps" | "takeSpellings">;

/** Makes the test for `value` under the item's modifiers. Null and containers are the caller's matter. */
export function valueTest(value: string | number | boolean, mode: ItemMode, context: ValueContext): ValueResult {
  if (!mode.expands || typeof value !== "string") {
    return testOf(value, mode, context);
  }
  const texts = expandPlaceholders(value, context.placeholders);
  if (typeof texts === "string") {
    return {
      wrong: texts,
      hint: "Give its values in the vars of a processing pipeline, vars: { name: [value] } (docs/sigma.md)",
    };
  }
  if (!context.takeSpellings(texts.length)) {
    return TOO_MANY_SPELLINGS;
  }
  const tests: ValueTest[] = [];
  for (const text of texts) {
    const test = testOf(text, mode, context);
    if ("wrong" in test) {
      return test;
    }
    tests.push(test);
  }
  return anyTest(tests);
}

function testOf(value: string | number | boolean, mode: ItemMode, context: ValueContext): ValueResult {
  if (typeof value === "string" && value.length > LIMITS.valueLength) {
    return {
      wrong: `the value has ${value.length} characters`,
      hint: `Keep values under ${LIMITS.valueLength} characters`,
    };
  }
  if (mode.datePart !== undefined) {
    return datePartTest(value, mode.kind, mode.datePart);
  }
  switch (mode.kind) {
    case "re":
      return regexTest(value, mode, context);
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
      return textTest(value, mode, context);
  }
}

function textTest(
  value: string | number | boolean,
  { comparison, cased, transforms }: ItemMode,
  { takeSpellings }: ValueContext,
): ValueResult {
  if (value === "" && (comparison !== "equal" || transforms.length > 0)) {
    const modifier = comparison === "equal" ? transforms[0] : comparison;
    return { wrong: `"${modifier}" with an empty value matches everything`, hint: "Give the text to look for" };
  }
  const parts = typeof value === "string" ? patternParts(value) : [String(value)];
  const encoded = transforms.length === 0 ? [parts] : encodeValue(parts, transforms);
  if ("wrong" in encoded) {
    return { wrong: encoded.wrong, hint: "Write the text itself" };
  }
  if (encoded.length === 0) {
    return { wrong: `"${String(value)}" is too short for "base64offset"`, hint: "Give at least three bytes" };
  }
  if (!takeSpellings(encoded.length)) {
    return TOO_MANY_SPELLINGS;
  }
  const before: readonly PatternPart[] = comparison === "contains" || comparison === "endswith" ? [ANY_RUN] : [];
  const after: readonly PatternPart[] = comparison === "contains" || comparison === "startswith" ? [ANY_RUN] : [];
  return anyTest(
    encoded.map((variant) => {
      const open = variant[0] === ANY_RUN ? variant : [...before, ...variant];
      return patternTest(open.at(-1) === ANY_RUN ? open : [...open, ...after], cased);
    }),
  );
}

const TOO_MANY_SPELLINGS: ValueResult = {
  wrong: `the values loaded so far have more than ${LIMITS.spellings} spellings together`,
  hint: "Write fewer values, with fewer dashes and placeholders",
  isLast: true,
};

/** One test that holds when any of `tests` does. */
function anyTest(tests: readonly ValueTest[]): ValueTest {
  const [only, ...more] = tests;
  return only && more.length === 0 ? only : { test: (found) => tests.some((test) => test.test(found)) };
}

function datePartTest(value: string | number | boolean, kind: ItemMode["kind"], part: DatePart): ValueResult {
  const result = numberTest(value, kind === "lt" || kind === "lte" || kind === "gt" || kind === "gte" ? kind : "eq");
  if ("wrong" in result) {
    return {
      wrong: `"${value.toString().slice(0, 80)}" is not a number, which "${part}" needs`,
      hint: "Give a number",
    };
  }
  return {
    test: (found) => {
      const number = datePartOf(found, part);
      return number !== undefined && result.test(number);
    },
  };
}

function regexTest(value: string | number | boolean, mode: ItemMode, context: ValueContext): ValueResult {
  if (context.prepared === undefined) {
    return compiledRegexTest(value, mode, context);
  }
  let made: ValueTest | undefined;
  const compiled = (): ValueTest => (made ??= soundTest(compiledRegexTest(value, mode, context)));
  return {
    get special() {
      return compiled().special;
    },
    needs: () => compiled().needs?.(),
    holds: () => compiled().holds?.(),
    test: (found) => compiled().test(found),
  } as ValueTest;
}

function soundTest(result: ValueResult): ValueTest {
  if ("wrong" in result) {
    throw new Error(`Cannot compile a prepared detection: ${result.wrong}`);
  }
  return result;
}

function compiledRegexTest(
  value: string | number | boolean,
  { flags }: ItemMode,
  { takeRegexSteps }: ValueContext,
): ValueResult {
  const source = String(value);
  const compiled = compileRegex(source, flags);
  if (!compiled.test) {
    return {
      wrong: `the regular expression is refused: ${compiled.refusal}`,
      hint: "Use literals, classes, groups, alternatives, quantifiers and anchors only",
    };
  }
  if (!takeRegexSteps(compiled.steps)) {
    return {
      wrong: `the regular expressions loaded so far unfold to more than ${LIMITS.regexSteps} steps`,
      hint: "Use fewer, or contains and startswith, which cost less",
      isLast: true,
    };
  }
  const { test, holds, needs } = compiled;
  const special = specialIn(holds);
  let held: readonly string[] | null | undefined;
  return {
    ...(special !== undefined && { special }),
    needs: neededInBytes(needs),
    holds: () => (held === undefined ? (held = needs() ?? null) : held) ?? undefined,
    test: (found) => {
      const text = scalarText(found);
      return text !== undefined && test(text);
    },
  };
}

function networkTest(value: string | number | boolean): ValueResult {
  const inside = typeof value === "string" ? cidrTest(value) : undefined;
  if (!inside) {
    return {
      wrong: `"${value.toString().slice(0, 80)}" is not a network`,
      hint: "Write it like 10.0.0.0/8 or fd00::/8",
    };
  }
  return { test: (found) => typeof found === "string" && inside(found) };
}

function numberTest(value: string | number | boolean, kind: keyof typeof COMPARE): ValueResult {
  const bound = numeric(value);
  if (bound === undefined) {
    return {
      wrong: `"${value.toString().slice(0, 80)}" is not a number, which "${kind}" needs`,
      hint: "Give a number",
    };
  }
  return {
    test: (found) => {
      const number = numeric(found);
      return number !== undefined && COMPARE[kind](number, bound);
    },
  };
}

/** What JavaScript takes for a number beside these (0x20, Infinity) nobody else does. */
const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,3})?$/i;

function numeric(found: JsonValue): number | undefined {
  const number = typeof found === "string" && DECIMAL.test(found) ? Number(found) : found;
  return typeof number === "number" && !Number.isNaN(number) ? number : undefined;
}

const COMPARE: Readonly<Record<"lt" | "lte" | "gt" | "gte" | "eq", (number: number, bound: number) => boolean>> = {
  eq: (number, bound) => number === bound,
  lt: (number, bound) => number < bound,
  lte: (number, bound) => number <= bound,
  gt: (number, bound) => number > bound,
  gte: (number, bound) => number >= bound,
};
