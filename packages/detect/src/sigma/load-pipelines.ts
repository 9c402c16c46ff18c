import { isJsonObject, own, readYaml } from "@auditsieve/audit";
import type { JsonObject, JsonValue, Problem } from "@auditsieve/audit";
import { compileRegex } from "../regex/compile-regex.ts";
import { LIMITS } from "./limits.ts";
import type { ItemFilter, Pipeline, Transformation } from "./pipeline.ts";
import { problemLog } from "./problem-log.ts";
import type { Path, ProblemLog } from "./problem-log.ts";

/** What {@link loadPipelines} gives: every sound pipeline, and every problem with its place. */
export interface LoadedPipelines {
  readonly pipelines: readonly Pipeline[];
  readonly problems: readonly Problem[];
}

const TYPES =
  "field_name_mapping, field_name_prefix_mapping, map_string, drop_detection_item, add_condition, value_placeholders";
const FLAGS = { ignoreCase: false, multiline: false, dotAll: false };

/**
 * Loads Sigma processing pipelines, each a YAML document with name, priority, vars and transformations. Nothing is
 * thrown for bad data: a pipeline with an error is left out.
 *
 * @example
 * const { pipelines, problems } = loadPipelines(`
 * name: ours
 * priority: 10
 * transformations:
 *   - type: field_name_mapping
 *     mapping: { who: user.username }
 * `, "ours.yml");
 * assert.deepEqual(problems, []);
 * assert.equal(pipelines[0]?.name, "ours");
 */
export function loadPipelines(text: string, file: string): LoadedPipelines {
  const { documents, problems: syntax } = readYaml(text);
  const problems: Problem[] = [...syntax];
  const pipelines: Pipeline[] = [];
  for (const document of documents.slice(0, LIMITS.documents)) {
    const log = problemLog(problems, `pipeline ${JSON.stringify(file)}`, (path) => document.locate(path));
    const pipeline = readPipeline(document.value, file, log);
    if (pipeline && !log.failed) {
      pipelines.push(pipeline);
    }
  }
  return { pipelines, problems };
}

function readPipeline(value: JsonValue, file: string, log: ProblemLog): Pipeline | undefined {
  const steps = isJsonObject(value) ? (own(value, "transformations") ?? []) : undefined;
  if (!isJsonObject(value) || !Array.isArray(steps) || steps.length > LIMITS.selections) {
    log.error(
      "pipeline-document",
      ["transformations"],
      "it is not a map with a list of transformations",
      `Give name, priority and at most ${LIMITS.selections} transformations`,
    );
    return undefined;
  }
  if (!Object.hasOwn(value, "transformations") && !Object.hasOwn(value, "vars")) {
    log.error(
      "pipeline-document",
      [],
      "it has neither transformations nor vars: it would change nothing",
      "Is it a Sigma processing pipeline? Give a list of transformations",
    );
    return undefined;
  }
  const name = own(value, "name");
  const priority = own(value, "priority") ?? 0;
  if (typeof priority !== "number") {
    log.error("pipeline-priority", ["priority"], "its priority is not a number", "Pipelines run in ascending order");
    return undefined;
  }
  const vars = readVars(own(value, "vars"), log);
  const transformations = (steps as readonly JsonValue[]).flatMap((step, index) => {
    const path = ["transformations", index];
    // Placeholders of `expand` take the values of `vars` without being asked to.
    const read = isJsonObject(step) && !isOfPlaceholders(step) ? readStep(step, path, log) : undefined;
    if (!isJsonObject(step)) {
      log.error("pipeline-transformation", path, "the transformation is not a map", `Give it a type: ${TYPES}`);
    }
    return read ? [read] : [];
  });
  const added = transformations.reduce(
    (sum, step) => sum + (step.type === "add_condition" ? sizeOf(step.conditions) : 0),
    0,
  );
  if (added > LIMITS.addedTests) {
    log.error(
      "pipeline-too-many",
      ["transformations"],
      `what it adds to every condition has ${added} fields and values, at most ${LIMITS.addedTests} are allowed`,
      "Write it into the detections that it is about",
    );
    return undefined;
  }
  return { name: typeof name === "string" ? name : file, priority, transformations, ...(vars && { vars }) };
}

/** Its fields and values. */
function sizeOf(value: JsonValue): number {
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).reduce<number>((sum, one) => sum + sizeOf(one), 0);
  }
  return isJsonObject(value) ? Object.values(value).reduce<number>((sum, one) => sum + 1 + sizeOf(one), 0) : 1;
}

function isOfPlaceholders(step: JsonObject): boolean {
  return own(step, "type") === "value_placeholders";
}

function readStep(step: JsonObject, path: Path, log: ProblemLog): Transformation | undefined {
  const type = own(step, "type") ?? null;
  const name = typeof type === "string" ? type : "";
  for (const key of ["rule_conditions", "rule_cond_expr", "detection_item_cond_expr", "field_name_cond_expr"]) {
    if (Object.hasOwn(step, key)) {
      log.error("pipeline-condition", [...path, key], `"${key}" is not supported`, "Name fields or values instead");
    }
  }
  const on = readFilter(step, path, log);
  switch (name) {
    case "field_name_mapping":
      return { type: name, mapping: readMapping(step, path, log, true), ...(on && { on }) };
    case "field_name_prefix_mapping":
    case "map_string": {
      const entries = Object.entries(readMapping(step, path, log, false)).map(([from, [to = ""]]) => [from, to]);
      return { type: name, mapping: Object.fromEntries(entries) as Record<string, string>, ...(on && { on }) };
    }
    case "drop_detection_item":
      return { type: name, ...(on && { on }) };
    case "add_condition": {
      const conditions = own(step, "conditions");
      if (isJsonObject(conditions) && Object.keys(conditions).length > 0) {
        return { type: name, conditions, negated: own(step, "negated") === true };
      }
      log.error("pipeline-transformation", path, '"add_condition" has no conditions', "Give a map of fields");
      return undefined;
    }
    default:
      log.error(
        "pipeline-transformation",
        [...path, "type"],
        `its type ${JSON.stringify(type).slice(0, 80)} is not known`,
        `Types known here: ${TYPES}`,
      );
      return undefined;
  }
}

function readMapping(
  step: JsonObject,
  path: Path,
  log: ProblemLog,
  takesLists: boolean,
): Readonly<Record<string, readonly string[]>> {
  const mapping = own(step, "mapping");
  const lists = isJsonObject(mapping) ? Object.entries(mapping).map(([from, to]) => [from, textList(to)] as const) : [];
  const isSound = lists.every(([, to]) => to !== undefined && (takesLists ? to.length > 0 : to.length === 1));
  if (!isSound || lists.length === 0 || lists.length > LIMITS.values) {
    log.error("pipeline-mapping", [...path, "mapping"], "its mapping is no map of texts", "Write from: to");
    return {};
  }
  return Object.fromEntries(lists.map(([from, to]) => [from, to ?? []]));
}

function readFilter(step: JsonObject, path: Path, log: ProblemLog): ItemFilter | undefined {
  const filter: { -readonly [K in keyof ItemFilter]: ItemFilter[K] } = {};
  for (const key of ["field_name_conditions", "detection_item_conditions"] as const) {
    const conditions = own(step, key) ?? [];
    for (const [index, condition] of (Array.isArray(conditions) ? (conditions as JsonValue[]) : [null]).entries()) {
      const type = isJsonObject(condition) ? own(condition, "type") : undefined;
      const fields = isJsonObject(condition) ? textList(own(condition, "fields") ?? null) : undefined;
      const pattern = isJsonObject(condition) ? own(condition, "pattern") : undefined;
      const regex = typeof pattern === "string" ? compileRegex(pattern, FLAGS) : undefined;
      if (type === "include_fields" && fields) {
        filter.fields = fields;
      } else if (type === "exclude_fields" && fields) {
        filter.exceptFields = fields;
      } else if (type === "match_string" && regex?.test) {
        filter.value = regex.test;
      } else {
        log.error(
          "pipeline-condition",
          [...path, key, index],
          `the condition is not one that is known${regex?.refusal === undefined ? "" : `: ${regex.refusal}`}`,
          "Use include_fields or exclude_fields with fields, or match_string with a pattern",
        );
      }
    }
  }
  return Object.keys(filter).length > 0 ? filter : undefined;
}

function readVars(value: JsonValue | undefined, log: ProblemLog): Record<string, readonly string[]> | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  const entries = isJsonObject(value)
    ? Object.entries(value).map(([name, list]) => [name, textList(list)] as const)
    : [];
  if (!isJsonObject(value) || entries.some(([, list]) => list === undefined)) {
    log.error("pipeline-vars", ["vars"], "its vars are no map of texts or lists of texts", "Write name: [value]");
    return undefined;
  }
  return Object.fromEntries(entries.map(([name, list]) => [name, list ?? []]));
}

function textList(value: JsonValue): readonly string[] | undefined {
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  const texts = list.flatMap((one) => (typeof one === "string" || typeof one === "number" ? [String(one)] : []));
  return texts.length === list.length ? texts : undefined;
}
