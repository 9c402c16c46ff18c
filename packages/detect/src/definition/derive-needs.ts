import { isLevelBelow, LEVELS } from "@auditsieve/audit";
import type { Level, Need, RequestClass, Stage } from "@auditsieve/audit";
import type { Expression, ValueTest } from "../condition/expression.ts";
import { NEEDS_OF_PART, readsOf, rememberedField } from "../condition/remembered-fields.ts";

/**
 * One way to a hit: what is known of the requests and which fields are read. An undefined list means any value; an
 * empty subresource means the resource itself.
 */
interface Way {
  readonly verbs: Values;
  readonly apiGroups: Values;
  readonly resources: Values;
  readonly subresources: Values;
  readonly stages: Values;
  readonly levels: Values;
  readonly fields: ReadonlySet<string>;
}

type Values = ReadonlySet<string> | undefined;

const MAX_WAYS = 256;
const ANYTHING: Way = {
  verbs: undefined,
  apiGroups: undefined,
  resources: undefined,
  subresources: undefined,
  stages: undefined,
  levels: undefined,
  fields: new Set(),
};
/** The class fields: an equality on one of these narrows the requests. */
const NARROWING: Readonly<Record<string, Exclude<keyof Way, "fields">>> = {
  verb: "verbs",
  "objectRef.apiGroup": "apiGroups",
  "objectRef.resource": "resources",
  "objectRef.subresource": "subresources",
  stage: "stages",
  level: "levels",
};
const LISTS = ["verbs", "apiGroups", "resources", "subresources", "stages", "levels"] as const;
/** Built-in resources that have no subresource: for the others `pods` and `pods/*` are different classes. */
const PLAIN: ReadonlySet<string> = new Set([
  "clusterrolebindings",
  "clusterroles",
  "configmaps",
  "controllerrevisions",
  "endpoints",
  "endpointslices",
  "events",
  "leases",
  "mutatingwebhookconfigurations",
  "networkpolicies",
  "rolebindings",
  "roles",
  "secrets",
  "validatingwebhookconfigurations",
]);
/** Whether classes of requests name the resource alone, whatever the subresource. */
export function isWithoutSubresources(resource: string): boolean {
  return PLAIN.has(resource);
}

const STREAMS = /^[^/]+\/(?:exec|attach|portforward|proxy)$/;

/**
 * What a log must hold so that every kind of hit of the condition can be seen. Conservative: where the condition is
 * not plain equality, the class is wider; a way that reads more than another is listed for itself. `others` are fields
 * that are read beside the condition. What must have been seen before comes last.
 */
export function deriveNeeds(condition: Expression, others: readonly string[] = []): readonly Need[] {
  const ways = merge(waysOf(condition)).map((way) => ({ ...way, fields: new Set([...way.fields, ...others]) }));
  const parts = new Set(ways.flatMap(({ fields }) => [...fields].flatMap((one) => rememberedField(one)?.parts ?? [])));
  const needs = [...ways.map(needOf), ...[...parts].flatMap((part) => NEEDS_OF_PART[part])];
  const seen = new Set<string>();
  return needs.filter((need) => {
    const text = JSON.stringify(need);
    return !seen.has(text) && seen.add(text);
  });
}

function waysOf(expression: Expression): readonly Way[] {
  switch (expression.kind) {
    case "or":
      return merge(expression.of.flatMap(waysOf));
    case "and": {
      let ways: readonly Way[] = [ANYTHING];
      for (const part of expression.of) {
        ways = merge(ways.flatMap((way) => waysOf(part).flatMap((other) => intersect(way, other))));
      }
      return ways;
    }
    case "not":
      return [{ ...ANYTHING, fields: fieldsOf(expression.of) }];
    case "match": {
      const key = NARROWING[expression.field.text];
      const literals = key && !expression.every ? literalsOf(expression.tests) : undefined;
      return [{ ...ANYTHING, fields: fieldsOf(expression), ...(key && literals && { [key]: literals }) }];
    }
    case "null": {
      const key = NARROWING[expression.field.text];
      const isEmptyWhenAbsent = key === "subresources" || key === "apiGroups";
      return [{ ...ANYTHING, fields: fieldsOf(expression), ...(isEmptyWhenAbsent && { [key]: new Set([""]) }) }];
    }
    case "exists":
    case "fieldref":
    case "same":
    case "keyword":
    default:
      return [{ ...ANYTHING, fields: fieldsOf(expression) }];
  }
}

/** The texts, when every test is equality with one; undefined when any is more than that. */
function literalsOf(tests: readonly ValueTest[]): Values {
  const literals = tests.map((test) => test.literal);
  return literals.includes(undefined) ? undefined : new Set(literals.filter((literal) => literal !== undefined));
}

function fieldsOf(expression: Expression): ReadonlySet<string> {
  switch (expression.kind) {
    case "and":
    case "or":
      return new Set(expression.of.flatMap((part) => [...fieldsOf(part)]));
    case "not":
      return fieldsOf(expression.of);
    case "fieldref":
      return new Set([expression.field.text, expression.other.text]);
    case "same":
      return new Set([...fieldsOf(expression.of)].map((field) => `${expression.field.text}.${field}`));
    case "keyword":
      return new Set(["requestObject", "responseObject"]);
    case "match":
    case "null":
    case "exists":
    default:
      return new Set([expression.field.text]);
  }
}

/** Both ways at once; none when they name no common request. */
function intersect(a: Way, b: Way): readonly Way[] {
  const result: { -readonly [K in keyof Way]: Way[K] } = { ...a, fields: new Set([...a.fields, ...b.fields]) };
  for (const list of LISTS) {
    const [left, right] = [a[list], b[list]];
    const both = left && right ? new Set([...left].filter((value) => right.has(value))) : (left ?? right);
    if (both?.size === 0) {
      return [];
    }
    result[list] = both;
  }
  return [result];
}

/**
 * Joins ways of the same class into one that reads all their fields (but none that reads no body with one that does: the one shows where
 * bodies are not written), and ways of the same reading that differ in one list only. Too many ways become one that knows no class: wider, never wrong.
 */
function merge(ways: readonly Way[]): readonly Way[] {
  if (ways.length <= 1) {
    return ways;
  }
  const byClass = joinBy(
    ways,
    (way) => [readsBody(way.fields), ...LISTS.map((list) => listText(way[list]))].join("|"),
    (a, b) => ({ ...a, fields: new Set([...a.fields, ...b.fields]) }),
  );
  const joined = LISTS.reduce<readonly Way[]>(
    (rest, list) =>
      joinBy(
        rest,
        (way) =>
          `${[...way.fields].sort().join()}|${LISTS.filter((other) => other !== list)
            .map((other) => listText(way[other]))
            .join("|")}`,
        (a, b) => ({ ...a, [list]: a[list] && b[list] ? new Set([...a[list], ...b[list]]) : undefined }),
      ),
    byClass,
  );
  return joined.length <= MAX_WAYS
    ? joined
    : [{ ...ANYTHING, fields: new Set(joined.flatMap((way) => [...way.fields])) }];
}

/** Whether one of the fields is of a body. */
function readsBody(fields: Iterable<string>): boolean {
  return [...fields].some((field) => /^(?:requestObject|responseObject)(?:\.|$)/.test(field));
}

function joinBy(ways: readonly Way[], key: (way: Way) => string, join: (a: Way, b: Way) => Way): readonly Way[] {
  const groups = new Map<string, Way>();
  for (const way of ways) {
    const text = key(way);
    const before = groups.get(text);
    groups.set(text, before ? join(before, way) : way);
  }
  return [...groups.values()];
}

function listText(values: Values): string {
  return values ? `=${[...values].sort().join()}` : "any";
}

function needOf(way: Way): Need {
  const read = [...way.fields].flatMap(readsOf);
  const fields = [...new Set(read)].sort();
  const request: RequestClass = {
    ...(way.verbs && { verbs: [...way.verbs].sort() }),
    ...(way.apiGroups && { apiGroups: [...way.apiGroups].sort() }),
    ...(way.resources && { resources: resourceNames(way.resources, way.subresources) }),
  };
  return { request, stages: stagesOf(way, request, fields), level: levelOf(way, fields), fields };
}

function resourceNames(resources: ReadonlySet<string>, subresources: Values): string[] {
  return [...resources].sort().flatMap((resource) => {
    if (!subresources) {
      return PLAIN.has(resource) ? [resource] : [resource, `${resource}/*`];
    }
    return [...subresources]
      .sort()
      .map((subresource) => (subresource === "" ? resource : `${resource}/${subresource}`));
  });
}

function levelOf(way: Way, fields: readonly string[]): Level {
  const roots = new Set(fields.map((field) => field.split(".", 1)[0]));
  const read: Level = roots.has("responseObject")
    ? "RequestResponse"
    : roots.has("requestObject")
      ? "Request"
      : "Metadata";
  const asked = LEVELS.find((level) => way.levels?.has(level.toLowerCase()));
  return asked && isLevelBelow(read, asked) ? asked : read;
}

/** Stages each of which is enough: the event of that stage is written and holds every field. */
function stagesOf(way: Way, { verbs, resources }: RequestClass, fields: readonly string[]): readonly Stage[] {
  const isOfBody = readsBody(fields);
  const readsLate =
    fields.some((field) => /^(?:responseStatus|annotations|impersonatedUser)(?:\.|$)/.test(field)) ||
    (fields.includes("objectRef.name") && (verbs?.includes("create") ?? true));
  const isLongRunning =
    (resources?.every((name) => STREAMS.test(name)) || verbs?.every((verb) => verb === "watch")) ?? false;
  const enough: readonly Stage[] = [
    ...(isOfBody || readsLate ? [] : (["RequestReceived"] as const)),
    ...(isOfBody || !isLongRunning ? [] : (["ResponseStarted"] as const)),
    "ResponseComplete",
  ];
  return way.stages ? enough.filter((stage) => way.stages?.has(stage.toLowerCase())) : enough;
}
