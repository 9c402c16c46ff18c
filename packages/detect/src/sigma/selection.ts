import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { all, any } from "../condition/expression.ts";
import type { Expression, ValueTest } from "../condition/expression.ts";
import { fieldPath } from "../condition/field-path.ts";
import { unknownField } from "./known-fields.ts";
import type { FieldPipeline } from "./field-pipeline.ts";
import { LIMITS } from "./limits.ts";
import { MODIFIERS, readModifiers } from "./modifiers.ts";
import type { ItemMode } from "./modifiers.ts";
import { pointlessTest } from "./pointless-value.ts";
import type { Path, ProblemLog } from "./problem-log.ts";
import { valueTest } from "./value-tests.ts";

/** Compiles the selections of one detection; the number of values is bounded over all of them. */
export interface SelectionCompiler {
  /** Undefined when something in it is wrong; what, has been reported. `from` skips steps of the pipeline. */
  compile(selection: JsonValue, path: Path, from?: number): Expression | undefined;
}

export function selectionCompiler(log: ProblemLog, fields: FieldPipeline): SelectionCompiler {
  let values = 0;
  let items = 0;
  let unknown = 0;
  let firstStep = 0;

  const selection = (value: JsonValue, path: Path, depth: number, inElement: boolean): Expression | undefined => {
    if (depth > LIMITS.selectionDepth) {
      log.error(
        "sigma-depth",
        path,
        `the selection is nested deeper than ${LIMITS.selectionDepth} levels`,
        "Flatten it",
      );
      return undefined;
    }
    if (isJsonObject(value)) {
      const entries = Object.entries(value);
      return joined(entries, all, path, ([key, item]) => compileItem(key, item, [...path, key], depth, inElement));
    }
    if (Array.isArray(value)) {
      const list = value as readonly JsonValue[];
      return joined([...list.entries()], any, path, ([index, entry]) =>
        selection(entry, [...path, index], depth + 1, inElement),
      );
    }
    if (value === null) {
      log.error("sigma-selection", path, "the selection is empty", "Give it fields or keywords, or remove it");
      return undefined;
    }
    const test = compileValue(value, KEYWORD, path);
    return test && { kind: "keyword", tests: [test], every: false };
  };

  const joined = <T>(
    parts: readonly T[],
    join: (of: readonly Expression[]) => Expression,
    path: Path,
    compile: (part: T) => Expression | undefined,
  ): Expression | undefined => {
    if (parts.length === 0) {
      log.error("sigma-selection", path, "the selection is empty", "Give it fields or keywords, or remove it");
      return undefined;
    }
    const compiled = parts.map(compile);
    const whole = compiled.filter((part) => part !== undefined);
    return whole.length === compiled.length ? join(whole) : undefined;
  };

  /** Of what was prepared each item is compiled once: half of them stand in several detections. */
  const compileItem = (
    key: string,
    value: JsonValue,
    path: Path,
    depth: number,
    inElement: boolean,
  ): Expression | undefined => {
    const { prepared } = fields;
    if (prepared === undefined || inElement) {
      return compileNew(key, value, path, depth, inElement);
    }
    const text = `${key}|${JSON.stringify(value)}`;
    let compiled = prepared.get(text);
    if (compiled === undefined) {
      compiled = compileNew(key, value, path, depth, inElement);
      if (compiled !== undefined) {
        prepared.set(text, compiled);
      }
    }
    return compiled;
  };

  const compileNew = (
    key: string,
    value: JsonValue,
    path: Path,
    depth: number,
    inElement: boolean,
  ): Expression | undefined => {
    if (++items > LIMITS.items) {
      if (items === LIMITS.items + 1) {
        log.error("sigma-too-many", path, `it has more than ${LIMITS.items} fields`, "Split the detection");
      }
      return undefined;
    }
    const [field = "", ...names] = key.split("|");
    const mode = readModifiers(names);
    if (typeof mode === "string") {
      log.error("sigma-modifier", path, mode, `Modifiers known here: ${MODIFIERS}`);
      return undefined;
    }
    if (field.length > LIMITS.fieldLength || (field === "" && mode.kind !== "pattern" && mode.kind !== "re")) {
      log.error(
        "sigma-field",
        path,
        `the field name of "${key.slice(0, 80)}" is missing or too long`,
        "Name an event field",
      );
      return undefined;
    }
    const compiled =
      field === ""
        ? compileKeywords(value, mode, path)
        : inElement
          ? compileField(field, value, mode, path, depth, true)
          : compileResolved(field, value, mode, path, depth);
    return compiled && compiled !== ALWAYS && mode.negated ? { kind: "not", of: compiled } : compiled;
  };

  /** The fields that the pipeline makes of one: any of them may match, but an absent field is all of them absent. */
  const compileResolved = (
    field: string,
    value: JsonValue,
    mode: ItemMode,
    path: Path,
    depth: number,
  ): Expression | undefined => {
    const items = fields.resolve(field, value, firstStep, log, path);
    if (items === undefined || items.length === 0) {
      return items && ALWAYS;
    }
    items.forEach((item) => warnUnknown(item.field, path));
    const parts = items.map((item) => compileField(item.field, item.value, mode, path, depth));
    const whole = parts.filter((part) => part !== undefined);
    if (whole.length < parts.length) {
      return undefined;
    }
    const asksAbsence = value === null || (value === false && mode.kind === "exists");
    return asksAbsence ? all(whole) : Array.isArray(value) && value.includes(null) ? nullOrAny(whole) : any(whole);
  };

  const compileField = (
    field: string,
    value: JsonValue,
    mode: ItemMode,
    path: Path,
    depth: number,
    inElement = false,
  ): Expression | undefined => {
    if (mode.kind === "same") {
      return compileSame(field, value, path, depth);
    }
    if (mode.kind === "exists") {
      return compileExists(field, value, path);
    }
    const list: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
    if (mode.every && list.length < 2) {
      log.error("sigma-modifier", path, '"all" needs a list of at least two values', 'Remove "all" or add values');
      return undefined;
    }
    if (mode.kind === "fieldref") {
      const of = list.map((other, index) => compileFieldref(field, other, mode, [...path, index]));
      const whole = of.filter((part) => part !== undefined);
      return whole.length < of.length || whole.length === 0 ? undefined : mode.every ? all(whole) : any(whole);
    }
    const place = Array.isArray(value) ? (index: number) => [...path, index] : () => path;
    return compileList(field, list, mode, place, path, inElement);
  };

  const compileList = (
    field: string,
    list: readonly JsonValue[],
    mode: ItemMode,
    place: (index: number) => Path,
    path: Path,
    inElement: boolean,
  ): Expression | undefined => {
    if (list.length === 0) {
      log.error("sigma-value", path, "the list of values is empty", "Give values, or null for an absent field");
      return undefined;
    }
    const target = fieldPath(field);
    const nulls = list.includes(null);
    if (nulls && (mode.kind !== "pattern" || mode.comparison !== "equal" || mode.every)) {
      log.error("sigma-value", path, "null means an absent field and takes no modifier but neq", "Remove the modifier");
      return undefined;
    }
    const results = list.map((entry, index) => (entry === null ? null : compileValue(entry, mode, place(index))));
    if (results.includes(undefined)) {
      return undefined;
    }
    // Names inside an element are none of the event's.
    if (fields.prepared === undefined && !inElement) {
      list.forEach((entry, index) => warnPointless(field, entry, mode, results[index], place(index)));
    }
    const tests = results.filter((test): test is ValueTest => test !== null && test !== undefined);
    const parts: Expression[] = nulls ? [{ kind: "null", field: target }] : [];
    if (tests.length > 0) {
      parts.push({ kind: "match", field: target, tests, every: mode.every });
    }
    return any(parts);
  };

  const compileKeywords = (value: JsonValue, mode: ItemMode, path: Path): Expression | undefined => {
    const list: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
    const keywordMode =
      mode.kind === "pattern" && mode.comparison === "equal" ? { ...mode, comparison: CONTAINS } : mode;
    const tests = list.map((entry, index) => compileValue(entry, keywordMode, [...path, index]));
    const whole = tests.filter((test) => test !== undefined);
    return whole.length === 0 || whole.length < tests.length
      ? undefined
      : { kind: "keyword", tests: whole, every: mode.every };
  };

  const compileSame = (field: string, value: JsonValue, path: Path, depth: number): Expression | undefined => {
    if (!isJsonObject(value) && !(Array.isArray(value) && value.every(isJsonObject))) {
      log.error(
        "sigma-value",
        path,
        '"same" binds a map of items to one array element',
        "Give a map, or a list of maps as alternatives",
      );
      return undefined;
    }
    const of = selection(value, path, depth + 1, true);
    return of && { kind: "same", field: fieldPath(field), of };
  };

  const compileExists = (field: string, value: JsonValue, path: Path): Expression | undefined => {
    if (typeof value !== "boolean") {
      log.error("sigma-value", path, '"exists" takes true or false', "Write true or false");
      return undefined;
    }
    const exists: Expression = { kind: "exists", field: fieldPath(field) };
    return value ? exists : { kind: "not", of: exists };
  };

  const compileFieldref = (field: string, other: JsonValue, mode: ItemMode, path: Path): Expression | undefined => {
    if (typeof other !== "string" || other === "" || other.length > LIMITS.fieldLength) {
      log.error("sigma-value", path, '"fieldref" takes the name of another field', "Name an event field");
      return undefined;
    }
    const others = fields.resolve(other, null, firstStep, log, path);
    if (others === undefined) {
      return undefined;
    }
    others.forEach((item) => warnUnknown(item.field, path));
    const { comparison, cased } = mode;
    const target = fieldPath(field);
    return any(
      others.map((item) => ({ kind: "fieldref", field: target, other: fieldPath(item.field), comparison, cased })),
    );
  };

  const compileValue = (value: JsonValue, mode: ItemMode, path: Path): ValueTest | undefined => {
    if (++values > LIMITS.values) {
      // Said once: the values behind it are all beyond the bound too.
      if (values === LIMITS.values + 1) {
        log.error("sigma-too-many", path, `it has more than ${LIMITS.values} values`, "Split the detection");
      }
      return undefined;
    }
    if (typeof value === "object") {
      log.error(
        "sigma-value",
        path,
        "a value must be a text, a number or a boolean",
        "Write nested fields with dots: a.b.c",
      );
      return undefined;
    }
    const result = valueTest(value, mode, fields);
    if ("wrong" in result) {
      log.error(result.isLast ? "sigma-too-many" : "sigma-value", path, result.wrong, result.hint);
      values = result.isLast ? Math.max(values, LIMITS.values + 1) : values;
      return undefined;
    }
    return result;
  };

  const warnPointless = (
    field: string,
    value: JsonValue,
    mode: ItemMode,
    test: ValueTest | null | undefined,
    path: Path,
  ): void => {
    const pointless = test && typeof value !== "object" ? pointlessTest(field, value, mode, test) : undefined;
    if (pointless !== undefined) {
      log.warning("sigma-pointless-value", path, pointless.wrong, pointless.hint);
    }
  };

  const warnUnknown = (field: string, path: Path): void => {
    // What is meant by each of very many strange names costs time, and nobody is told; and of what was prepared all are known.
    const meant = fields.prepared !== undefined || unknown > LIMITS.problems ? undefined : unknownField(field);
    if (meant !== undefined) {
      unknown++;
      const hint = meant === "" ? "See the audit.k8s.io/v1 Event for its fields" : `Did you mean "${meant}"?`;
      log.warning(
        "sigma-unknown-field",
        path,
        `no audit event has a field "${field.slice(0, 120)}", so it is always absent`,
        hint,
      );
    }
  };

  return {
    compile(value, path, from = 0) {
      firstStep = from;
      return selection(value, path, 0, false);
    },
  };
}

/** Of alternatives that each are a null or values: all the nulls, or any of the others. */
function nullOrAny(parts: readonly Expression[]): Expression {
  const alternatives = parts.flatMap((part) => (part.kind === "or" ? part.of : [part]));
  const nulls = alternatives.filter(({ kind }) => kind === "null");
  return any([all(nulls), ...alternatives.filter(({ kind }) => kind !== "null")]);
}

/** What is left of an item that a pipeline drops. */
const ALWAYS: Expression = { kind: "and", of: [] };
const CONTAINS = "contains" as const;
const KEYWORD: ItemMode = {
  kind: "pattern",
  comparison: CONTAINS,
  every: false,
  cased: false,
  negated: false,
  flags: { ignoreCase: false, multiline: false, dotAll: false },
  transforms: [],
  expands: false,
};
