import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { fieldPath } from "../condition/field-path.ts";
import { CORRELATION_TYPES, isMeasured, meets } from "../definition/correlation.ts";
import type { Correlation, CorrelationField, CorrelationType, Threshold } from "../definition/correlation.ts";
import type { FieldPipeline } from "./field-pipeline.ts";
import { unknownField } from "./known-fields.ts";
import { LIMITS } from "./limits.ts";
import type { Path, ProblemLog } from "./problem-log.ts";
import { timespanMs } from "./timespan.ts";

const MAX_TIMESPAN_DAYS = 31;
const KEYS: readonly string[] = ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];
const COMPARISONS = ["gt", "gte", "lt", "lte", "eq", "neq"] as const;

type Aliases = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads the `correlation` part of a document; undefined when it has errors, which are reported. */
export function readCorrelation(document: JsonObject, log: ProblemLog, fields: FieldPipeline): Correlation | undefined {
  const value = own(document, "correlation");
  if (!isJsonObject(value)) {
    log.error("sigma-correlation", ["correlation"], "its correlation is not a map", "Give type, rules and timespan");
    return undefined;
  }
  // A misspelled group-by would count everybody together.
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    const words = `Use ${KEYS.join(", ")}`;
    log.error("sigma-correlation", ["correlation", unknown], `its key "${unknown.slice(0, 80)}" is not known`, words);
  }
  const type = CORRELATION_TYPES.find((known) => known === own(value, "type"));
  if (!type) {
    const words = `Use one of ${CORRELATION_TYPES.join(", ")}`;
    log.error("sigma-correlation", ["correlation", "type"], "its type is missing or not one of Sigma's", words);
    return undefined;
  }
  const named = own(value, "rules");
  const rules = readNames(named, ["correlation", "rules"], log);
  if (named === undefined || (Array.isArray(named) && named.length === 0)) {
    log.error("sigma-correlation", ["correlation", "rules"], "it names no detections", "Give rules: ids or names");
  }
  const timespanMs = readTimespan(own(value, "timespan"), log);
  const aliases = readAliases(own(value, "aliases"), log);
  const groupNames = readNames(own(value, "group-by"), ["correlation", "group-by"], log);
  const groupBy = groupNames.map((name) => readField(name, aliases, ["correlation", "group-by"], log, fields));
  const condition = own(value, "condition");
  const isTemporal = type === "temporal" || type === "temporal_ordered";
  if (!isJsonObject(condition) && !(isTemporal && condition === undefined)) {
    log.error(
      "sigma-correlation",
      ["correlation", "condition"],
      "its condition is missing or not a map",
      "Write condition: { gte: 10 }",
    );
    return undefined;
  }
  const map = isJsonObject(condition) ? condition : {};
  const threshold = readThreshold(map, type, rules.length, log);
  const valueFields = readValueFields(map, type, log).map((name) =>
    readField(name, aliases, ["correlation", "condition", "field"], log, fields),
  );
  const generate = own(value, "generate") ?? own(document, "generate") ?? false;
  if (typeof generate !== "boolean") {
    log.error("sigma-correlation", ["correlation", "generate"], "generate is not true or false", "Write true or false");
  }
  return {
    type,
    rules,
    groupBy,
    timespanMs,
    threshold,
    fields: valueFields,
    percentile: readPercentile(map, type, log),
    generate: generate === true,
  };
}

function readNames(value: JsonValue | undefined, path: Path, log: ProblemLog): readonly string[] {
  const list: readonly JsonValue[] = Array.isArray(value) ? (value as JsonValue[]) : value === undefined ? [] : [value];
  const names = list.filter((name): name is string => typeof name === "string" && name !== "");
  const isSound = names.length === list.length && names.every((name) => name.length <= LIMITS.fieldLength);
  if (!isSound || names.length > LIMITS.correlationNames || new Set(names).size < names.length) {
    log.error(
      "sigma-correlation",
      path,
      `its ${String(path.at(-1))} is not a list of at most ${LIMITS.correlationNames} different texts`,
      "Write a list of texts",
    );
    return [];
  }
  return names;
}

function readTimespan(value: JsonValue | undefined, log: ProblemLog): number {
  const timespan = timespanMs(value, MAX_TIMESPAN_DAYS) ?? 0;
  if (timespan === 0) {
    log.error(
      "sigma-correlation",
      ["correlation", "timespan"],
      `its timespan is missing or not between 1s and ${MAX_TIMESPAN_DAYS}d`,
      "Write a number and s, m, h, d or w: 5m",
    );
  }
  return timespan;
}

function readAliases(value: JsonValue | undefined, log: ProblemLog): Aliases {
  const aliases = new Map<string, ReadonlyMap<string, string>>();
  if (value === undefined || value === null) {
    return aliases;
  }
  if (!isJsonObject(value) || Object.keys(value).length > LIMITS.correlationNames) {
    log.error(
      "sigma-correlation",
      ["correlation", "aliases"],
      `its aliases are not a map of at most ${LIMITS.correlationNames}`,
      "Write alias: { rule: field }",
    );
    return aliases;
  }
  for (const [alias, rules] of Object.entries(value)) {
    const entries = isJsonObject(rules) ? Object.entries(rules) : [];
    const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
    if (texts.length === 0 || texts.length < entries.length) {
      const path = ["correlation", "aliases", alias];
      log.error("sigma-correlation", path, "the alias is not a map of detections to fields", "Write rule: field");
    }
    aliases.set(alias, new Map(texts));
  }
  return aliases;
}

function readField(
  name: string,
  aliases: Aliases,
  path: Path,
  log: ProblemLog,
  fields: FieldPipeline,
): CorrelationField {
  const resolve = (field: string): CorrelationField["paths"] =>
    (fields.resolve(field, null, 0, log, path) ?? []).map((item) => {
      const meant = unknownField(item.field);
      if (meant !== undefined) {
        log.warning(
          "sigma-unknown-field",
          path,
          `no audit event has a field "${item.field.slice(0, 120)}", so it is always absent`,
          meant === "" ? "See the audit.k8s.io/v1 Event for its fields" : `Did you mean "${meant}"?`,
        );
      }
      return fieldPath(item.field);
    });
  const alias = aliases.get(name);
  return alias
    ? { name, paths: [], perDetection: new Map([...alias].map(([rule, field]) => [rule, resolve(field)])) }
    : { name, paths: resolve(name), perDetection: new Map() };
}

function readThreshold(map: JsonObject, type: CorrelationType, rules: number, log: ProblemLog): Threshold {
  const path = ["correlation", "condition"];
  const known = new Set<string>([...COMPARISONS, "field", "percentile"]);
  const given = COMPARISONS.filter((key) => Object.hasOwn(map, key));
  const numbers = given.filter((key) => typeof map[key] === "number" && Number.isFinite(map[key]));
  if (numbers.length < given.length || Object.keys(map).some((key) => !known.has(key))) {
    const words = `Use ${COMPARISONS.join(", ")} with numbers; field and percentile for values`;
    log.error("sigma-correlation", path, "its condition has a key or a value that is not known", words);
  }
  if (given.length === 0) {
    if (type === "temporal" || type === "temporal_ordered") {
      return { gte: rules };
    }
    log.error("sigma-correlation", path, "its condition compares with nothing", "Write condition: { gte: 10 }");
  }
  const threshold: Threshold = Object.fromEntries(numbers.map((key) => [key, map[key]]));
  if (given.length > 0 && numbers.length === given.length && isNeverMet(threshold, type)) {
    log.warning("sigma-pointless-value", path, "no window can meet its condition, so it never fires", "See its bounds");
  }
  return threshold;
}

/** Of counts whole numbers are asked from 1 on: there is no window without an event. */
function isNeverMet(threshold: Threshold, type: CorrelationType): boolean {
  const bounds: readonly number[] = Object.values(threshold);
  const around = bounds.flatMap((bound) => [
    bound - 1,
    bound,
    bound + 1,
    ...bounds.map((other) => (bound + other) / 2),
  ]);
  const isCount = !isMeasured(type);
  const tried = isCount ? [1, ...around.flatMap((value) => [Math.floor(value), Math.ceil(value)])] : around;
  return !tried.some((value) => (!isCount || value >= 1) && meets(value, threshold));
}

function readValueFields(map: JsonObject, type: CorrelationType, log: ProblemLog): readonly string[] {
  const path = ["correlation", "condition", "field"];
  const names = readNames(own(map, "field"), path, log);
  if (type.startsWith("value_") && (names.length === 0 || (names.length > 1 && type !== "value_count"))) {
    const one = type === "value_count" ? "a field, or a list of them" : "one field";
    log.error("sigma-correlation", path, `"${type}" needs ${one}`, "Name an event field");
  }
  return names;
}

function readPercentile(map: JsonObject, type: CorrelationType, log: ProblemLog): number {
  const percentile = own(map, "percentile") ?? 50;
  if (type === "value_percentile" && !(typeof percentile === "number" && percentile >= 0 && percentile <= 100)) {
    const path = ["correlation", "condition", "percentile"];
    log.error("sigma-correlation", path, "its percentile is not a number from 0 to 100", "Write percentile: 95");
  }
  return typeof percentile === "number" ? percentile : 50;
}
