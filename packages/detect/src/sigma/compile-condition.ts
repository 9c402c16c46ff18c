import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { all, any } from "../condition/expression.ts";
import type { Expression } from "../condition/expression.ts";
import { parseCondition } from "./condition-text.ts";
import type { ConditionNode } from "./condition-text.ts";
import type { FieldPipeline } from "./field-pipeline.ts";
import { LIMITS } from "./limits.ts";
import type { ProblemLog } from "./problem-log.ts";
import { selectionCompiler } from "./selection.ts";

/** A condition, and what it is made of. */
export interface CompiledCondition {
  readonly condition: Expression;
  /** By their names, in the order of the document. */
  readonly selections: ReadonlyMap<string, Expression>;
}

/**
 * Compiles the map of selections and condition that stands under `key`; undefined when it has errors, which are
 * reported. What pipelines add belongs to detections, not to filters.
 */
export function compileCondition(
  detection: JsonValue | undefined,
  log: ProblemLog,
  fields: FieldPipeline,
  key: "detection" | "filter" = "detection",
): CompiledCondition | undefined {
  if (!isJsonObject(detection)) {
    log.error("sigma-detection", [key], `it has no ${key} part`, `Add ${key}: with selections and a condition`);
    return undefined;
  }
  if (Object.hasOwn(detection, "timeframe")) {
    log.error("sigma-timeframe", [key, "timeframe"], "timeframe is not supported", "Remove it");
    return undefined;
  }
  const names = Object.keys(detection).filter(
    (name) => name !== "condition" && !(key === "filter" && name === "rules"),
  );
  if (names.length > LIMITS.selections) {
    log.error(
      "sigma-too-many",
      [key],
      `it has ${names.length} selections, at most ${LIMITS.selections} are allowed`,
      "Split the detection",
    );
    return undefined;
  }
  const compiler = selectionCompiler(log, fields);
  const selections = new Map<string, Expression>();
  for (const name of names) {
    const compiled = compiler.compile(own(detection, name) ?? null, [key, name]);
    if (compiled) {
      selections.set(name, compiled);
    }
  }
  const condition = compileTexts(detection, key, names, selections, log);
  const added = (key === "filter" ? [] : fields.added).map(({ pipeline, selection, negated, from }) => {
    const compiled = compiler.compile(selection, ["pipeline", pipeline], from);
    return compiled && negated ? { kind: "not" as const, of: compiled } : compiled;
  });
  const parts = [condition, ...added].filter((part) => part !== undefined);
  return log.failed || parts.length <= added.length ? undefined : { condition: all(parts), selections };
}

/** A list of conditions is an `or` of them. */
function compileTexts(
  detection: JsonObject,
  key: string,
  names: readonly string[],
  selections: ReadonlyMap<string, Expression>,
  log: ProblemLog,
): Expression | undefined {
  const value = own(detection, "condition");
  const texts: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [value ?? null];
  if (texts.length > LIMITS.selections) {
    const wrong = `it has ${texts.length} conditions, at most ${LIMITS.selections} are allowed`;
    log.error("sigma-too-many", [key, "condition"], wrong, "Split the detection");
    return undefined;
  }
  if (texts.length === 0) {
    log.error("sigma-condition", [key, "condition"], "the list of conditions is empty", "Write condition: selection");
    return undefined;
  }
  const used = new Set<string>();
  const compiled: Expression[] = [];
  for (const [index, text] of texts.entries()) {
    const path = Array.isArray(value) ? [key, "condition", index] : [key, "condition"];
    if (typeof text !== "string") {
      log.error("sigma-condition", path, "the condition is missing or not a text", "Write condition: selection");
      return undefined;
    }
    const parsed = parseCondition(text);
    if (!parsed.node) {
      log.error("sigma-condition", path, `the condition is wrong: ${parsed.wrong}`, parsed.hint);
      continue;
    }
    const expression = link(parsed.node, names, selections, used, (message, hint) =>
      log.error("sigma-condition", path, message, hint),
    );
    if (expression) {
      compiled.push(expression);
    }
  }
  // What a condition that is wrong would use is not known.
  const unused = compiled.length < texts.length ? [] : names.filter((candidate) => !used.has(candidate));
  for (const name of unused) {
    log.warning("sigma-unused-selection", [key, name], `no condition uses the selection "${name}"`, "Use or remove it");
  }
  const tests = testsOf(compiled);
  if (tests > LIMITS.tests) {
    const wrong = `with its selections put in, the condition makes ${tests} tests, at most ${LIMITS.tests} are allowed`;
    log.error("sigma-too-many", [key, "condition"], wrong, "Name each selection once, or split the detection");
    return undefined;
  }
  return compiled.length > 0 ? any(compiled) : undefined;
}

/** How many fields and values are looked at for one event at most: a selection counts as often as it is named. */
function testsOf(expressions: readonly Expression[], known = new Map<Expression, number>()): number {
  return expressions.reduce((sum, expression) => {
    const tests = known.get(expression) ?? testsOfOne(expression, known);
    known.set(expression, tests);
    return sum + tests;
  }, 0);
}

function testsOfOne(expression: Expression, known: Map<Expression, number>): number {
  switch (expression.kind) {
    case "and":
    case "or":
      return testsOf(expression.of, known);
    case "not":
    case "same":
      return testsOf([expression.of], known);
    case "match":
    case "keyword":
      return 1 + expression.tests.length;
    case "null":
    case "exists":
    case "fieldref":
    default:
      return 1;
  }
}

function link(
  node: ConditionNode,
  names: readonly string[],
  selections: ReadonlyMap<string, Expression>,
  used: Set<string>,
  wrong: (message: string, hint: string) => void,
): Expression | undefined {
  const resolve = (wanted: readonly string[]): Expression[] => {
    wanted.forEach((name) => used.add(name));
    return wanted.map((name) => selections.get(name)).filter((selection) => selection !== undefined);
  };
  switch (node.kind) {
    case "name": {
      if (!names.includes(node.name)) {
        wrong(
          `the condition names "${node.name}", which is no selection`,
          `Selections here: ${names.join(", ").slice(0, 400)}`,
        );
        return undefined;
      }
      return resolve([node.name])[0];
    }
    case "of": {
      const found = names.filter((name) => isNamedBy(node.pattern, name));
      if (found.length === 0) {
        wrong(`"${node.pattern}" matches no selection`, `Selections here: ${names.join(", ").slice(0, 400)}`);
        return undefined;
      }
      const parts = resolve(found);
      return node.every ? all(parts) : any(parts);
    }
    case "not": {
      const inner = link(node.of, names, selections, used, wrong);
      return inner && { kind: "not", of: inner };
    }
    case "and":
    case "or":
    default: {
      const parts = node.of.map((part) => link(part, names, selections, used, wrong));
      const whole = parts.filter((part) => part !== undefined);
      return whole.length < parts.length ? undefined : node.kind === "and" ? all(whole) : any(whole);
    }
  }
}

/** Selections whose name begins with _ are meant for others to build on: only a pattern that names the _ takes them. */
function isNamedBy(pattern: string, name: string): boolean {
  if (name.startsWith("_") && !pattern.startsWith("_")) {
    return false;
  }
  if (pattern.toLowerCase() === "them") {
    return true;
  }
  const pieces = pattern.split("*");
  const [first = "", ...rest] = pieces;
  if (rest.length === 0) {
    return name === pattern;
  }
  if (!name.startsWith(first)) {
    return false;
  }
  let at = first.length;
  for (const [index, piece] of rest.entries()) {
    const isLast = index === rest.length - 1;
    const found = isLast ? name.length - piece.length : name.indexOf(piece, at);
    if (found < at || !name.startsWith(piece, found)) {
      return false;
    }
    at = found + piece.length;
  }
  return true;
}
