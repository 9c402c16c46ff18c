import { isLevelBelow, LEVELS } from "@auditsieve/audit";
import type { Level, Need, RequestClass, Stage } from "@auditsieve/audit";
import type { Expression, ValueTest } from "../condition/expression.ts";
import type { FieldPath } from "../condition/field-path.ts";
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
/** Fields and values of ways that are put together for one condition: shipped detections need a hundred at most. */
const MAX_WORK = 100_000;
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
  const search: Search = { known: new Map(), left: MAX_WORK };
  const ways = merge(waysOf(condition, search)).map((way) => ({ ...way, fields: new Set([...way.fields, ...others]) }));
  const parts = new Set(ways.flatMap(({ fields }) => [...fields].flatMap((one) => rememberedField(one)?.parts ?? [])));
  const needs = [...ways.map(needOf), ...[...parts].flatMap((part) => NEEDS_OF_PART[part])];
  const seen = new Set<string>();
  return needs.filter((need) => {
    const text = JSON.stringify(need);
    return !seen.has(text) && seen.add(text);
  });
}

/** What the ways of one condition are found with: what is known of its parts, and how much may still be put together. */
interface Search {
  readonly known: Map<Expression, readonly Way[]>;
  left: number;
}

function waysOf(expression: Expression, search: Search): readonly Way[] {
  let ways = search.known.get(expression);
  if (ways === undefined) {
    ways = findWays(expression, search);
    search.known.set(expression, ways);
  }
  return ways;
}

function findWays(expression: Expression, search: Search): readonly Way[] {
  switch (expression.kind) {
    case "or":
      return merge(expression.of.flatMap((part) => waysOf(part, search)));
    case "and":
      return bothOf(
        expression.of.map((part) => waysOf(part, search)),
        search,
      );
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

/** One way of each part at once. Parts that have one way only are put together first: they are most, and multiply nothing. */
function bothOf(parts: readonly (readonly Way[])[], search: Search): readonly Way[] {
  const single = parts.flatMap((ways) => (ways.length === 1 ? ways : []));
  let ways = intersect(single);
  for (const others of parts.filter(({ length }) => length !== 1)) {
    const cost = ways.length * sizeOf(others) + others.length * sizeOf(ways);
    search.left -= cost;
    ways =
      search.left < 0
        ? [widest([...ways, ...others])]
        : merge(ways.flatMap((way) => others.flatMap((other) => intersect([way, other]))));
  }
  return ways;
}

function sizeOf(ways: readonly Way[]): number {
  return ways.reduce(
    (sum, way) => LISTS.reduce((size, list) => size + (way[list]?.size ?? 0), sum + way.fields.size + 1),
    0,
  );
}

/** One that knows no class and reads all that these read: wider than any of them, never wrong. */
function widest(ways: readonly Way[]): Way {
  return { ...ANYTHING, fields: new Set(ways.flatMap((way) => [...way.fields])) };
}

/** The texts, when every test is equality with one; undefined when any is more than that. */
function literalsOf(tests: readonly ValueTest[]): Values {
  const literals = tests.map((test) => test.literal);
  return literals.includes(undefined) ? undefined : new Set(literals.filter((literal) => literal !== undefined));
}

/** With `element` those of one element of the array at that path. */
function fieldsOf(expression: Expression, element?: string): ReadonlySet<string> {
  const named = ({ text }: FieldPath): string => (element === undefined ? text : `${element}.${text}`);
  switch (expression.kind) {
    case "and":
    case "or":
      return new Set(expression.of.flatMap((part) => [...fieldsOf(part, element)]));
    case "not":
      return fieldsOf(expression.of, element);
    case "fieldref":
      return new Set([named(expression.field), named(expression.other)]);
    case "same":
      return fieldsOf(expression.of, named(expression.field));
    case "keyword":
      return new Set(element === undefined ? ["requestObject", "responseObject"] : [element]);
    case "match":
    case "null":
    case "exists":
    default:
      return new Set([named(expression.field)]);
  }
}

/** All ways at once; none when they name no common request. */
function intersect(ways: readonly Way[]): readonly Way[] {
  const result: { -readonly [K in keyof Way]: Way[K] } = {
    ...ANYTHING,
    fields: new Set(ways.flatMap((way) => [...way.fields])),
  };
  for (const list of LISTS) {
    for (const { [list]: values } of ways) {
      const before: Values = result[list];
      const both = before && values ? new Set([...before].filter((value) => values.has(value))) : (before ?? values);
      if (both?.size === 0) {
        return [];
      }
      result[list] = both;
    }
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
    (same, first) => ({ ...first, fields: new Set(same.flatMap((way) => [...way.fields])) }),
  );
  const joined = LISTS.reduce<readonly Way[]>(
    (rest, list) =>
      joinBy(
        rest,
        (way) =>
          `${[...way.fields].sort().join()}|${LISTS.filter((other) => other !== list)
            .map((other) => listText(way[other]))
            .join("|")}`,
        (same, first) => ({ ...first, [list]: joinedValues(same.map((way) => way[list])) }),
      ),
    byClass,
  );
  return joined.length <= MAX_WAYS ? joined : [widest(joined)];
}

/** What one of them names; undefined where one may be anything. */
function joinedValues(lists: readonly Values[]): Values {
  const named = lists.filter((list) => list !== undefined);
  return named.length < lists.length ? undefined : new Set(named.flatMap((list) => [...list]));
}

/** Whether one of the fields is of a body. */
function readsBody(fields: Iterable<string>): boolean {
  return [...fields].some((field) => /^(?:requestObject|responseObject)(?:\.|$)/.test(field));
}

function joinBy(
  ways: readonly Way[],
  key: (way: Way) => string,
  join: (same: readonly Way[], first: Way) => Way,
): readonly Way[] {
  const groups = new Map<string, Way[]>();
  for (const way of ways) {
    const text = key(way);
    const group = groups.get(text);
    if (group) {
      group.push(way);
    } else {
      groups.set(text, [way]);
    }
  }
  return [...groups.values()].map((same) => (same.length > 1 && same[0] ? join(same, same[0]) : same)).flat();
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
