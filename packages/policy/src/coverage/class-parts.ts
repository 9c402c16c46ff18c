import type { RequestClass } from "@auditsieve/audit";
import { pathMatches, resourceMatches } from "../evaluate.ts";
import type { Policy, PolicyRule } from "../policy.ts";
import { cellsOf } from "./cells.ts";
import type { Cell } from "./cells.ts";
import { EVERYONE, matched, matchOf, unmatched } from "./region.ts";
import type { Region, RuleMatch } from "./region.ts";
import { allBut, ANYTHING, only } from "./values.ts";
import type { Values } from "./values.ts";

/** Requests of one cell that one rule decides; null: no rule matches. */
export interface ClassPart {
  readonly cell: Cell;
  readonly region: Region;
  readonly rule: number | null;
}

/** The class, cut into parts that one rule decides each. Exact: the parts do not overlap and leave nothing out. */
export function partsOfClass(policy: Policy, request: RequestClass, kubernetesVersion: string): readonly ClassPart[] {
  return cellsOf(request, policy.rules, kubernetesVersion).flatMap((cell) => partsOfCell(policy, cell));
}

/** The cell, cut into parts that one rule decides each. */
export function partsOfCell(policy: Policy, cell: Cell): readonly ClassPart[] {
  const parts: ClassPart[] = [];
  let left: readonly Region[] = [wholeOf(cell)];
  for (const [rule, each] of policy.rules.entries()) {
    const match = matchInCell(each, cell);
    if (match === undefined || left.length === 0) {
      continue;
    }
    for (const region of left) {
      const decided = matched(region, match);
      if (decided !== undefined) {
        parts.push({ cell, region: decided, rule });
      }
    }
    left = left.flatMap((region) => unmatched(region, match));
  }
  return [...parts, ...left.map((region) => ({ cell, region, rule: null }))];
}

/** What the rule asks beside verb and resource, or undefined where it matches nothing of the cell. */
function matchInCell(rule: PolicyRule, cell: Cell): RuleMatch | undefined {
  if (rule.verbs?.length && !rule.verbs.includes(cell.verb)) {
    return undefined;
  }
  const isOfResources = Boolean(rule.resources?.length) || Boolean(rule.namespaces?.length);
  if (cell.kind === "url") {
    const urls = rule.nonResourceURLs ?? [];
    const isMatching = urls.length === 0 || urls.some((spec) => pathMatches(cell.path, spec));
    return !isOfResources && isMatching ? matchOf(rule, undefined) : undefined;
  }
  if (!isOfResources) {
    return rule.nonResourceURLs?.length ? undefined : matchOf(rule, undefined);
  }
  if (!rule.resources?.length) {
    return matchOf(rule, undefined);
  }
  const entries = rule.resources.filter(
    ({ group = "", resources }) =>
      (group === cell.group || group === "*") &&
      (!resources?.length || resources.some((pattern) => resourceMatches(pattern, cell.resource, cell.subresource))),
  );
  if (entries.length === 0) {
    return undefined;
  }
  const isAnyName = entries.some(({ resources, resourceNames }) => !resources?.length || !resourceNames?.length);
  return matchOf(rule, isAnyName ? undefined : only(entries.flatMap(({ resourceNames = [] }) => resourceNames)));
}

/** All requests of the cell that there can be: what has a namespace, and what has a name. */
function wholeOf(cell: Cell): Region {
  return cell.kind === "url" ? EVERYONE : { ...EVERYONE, namespace: namespacesOf(cell), name: namesOf(cell) };
}

type ResourceCell = Extract<Cell, { readonly kind: "resource" }>;

function namespacesOf({ namespaced, resource, verb, subresource }: ResourceCell): Values {
  const isOfMany = subresource === "" && (verb === "list" || verb === "watch");
  if (namespaced === undefined || (namespaced && isOfMany) || (resource === "namespaces" && !isOfMany)) {
    return ANYTHING;
  }
  return namespaced ? allBut([""]) : only([""]);
}

function namesOf({ subresource, verb }: ResourceCell): Values {
  if (subresource !== "") {
    return allBut([""]);
  }
  switch (verb) {
    case "create":
    case "deletecollection":
      return only([""]);
    case "list":
    case "watch":
      return ANYTHING;
    default:
      return allBut([""]);
  }
}
