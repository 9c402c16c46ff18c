import { pathMatches } from "../evaluate.ts";
import type { GroupResources, PolicyRule } from "../policy.ts";

/**
 * Whether every request that `inner` matches is matched by `outer` too. Says yes only where the literals of the two
 * prove it: a no may be wrong, a yes never is.
 */
export function ruleContains(outer: PolicyRule, inner: PolicyRule): boolean {
  return (
    isSubset(outer.users, inner.users) &&
    isSubset(outer.userGroups, inner.userGroups) &&
    isSubset(outer.verbs, inner.verbs) &&
    objectsContain(outer, inner)
  );
}

function objectsContain(outer: PolicyRule, inner: PolicyRule): boolean {
  if (isOfResources(outer)) {
    const { resources = [] } = outer;
    return (
      isOfResources(inner) &&
      isSubset(outer.namespaces, inner.namespaces) &&
      (resources.length === 0 ||
        (Boolean(inner.resources?.length) && (inner.resources ?? []).every((entry) => isCovered(entry, resources))))
    );
  }
  if (outer.nonResourceURLs?.length) {
    const { nonResourceURLs } = outer;
    const isOfUrls = !isOfResources(inner) && Boolean(inner.nonResourceURLs?.length);
    return (
      isOfUrls && (inner.nonResourceURLs ?? []).every((url) => nonResourceURLs.some((spec) => urlContains(spec, url)))
    );
  }
  return true;
}

function isOfResources(rule: PolicyRule): boolean {
  return Boolean(rule.resources?.length) || Boolean(rule.namespaces?.length);
}

function isCovered(
  { group = "", resources = [], resourceNames = [] }: GroupResources,
  by: readonly GroupResources[],
): boolean {
  const entries = by.filter((entry) => entry.group === "*" || (entry.group ?? "") === group);
  // An entry without resources matches all of its group, whatever names it gives.
  const names = resources.length === 0 ? [] : resourceNames;
  return (resources.length === 0 ? ["*"] : resources).every((pattern) =>
    entries.some(
      (entry) =>
        !entry.resources?.length ||
        (isSubset(entry.resourceNames, names) && entry.resources.some((outer) => patternContains(outer, pattern))),
    ),
  );
}

function patternContains(outer: string, inner: string): boolean {
  if (outer === "*" || outer === inner) {
    return true;
  }
  const [name = "", subresource] = inner.split("/");
  const isWhole = name !== "*" && subresource !== "*";
  return (
    (outer.endsWith("/*") && name !== "*" && outer.slice(0, -2) === name) ||
    (outer.startsWith("*/") && isWhole && subresource !== undefined && outer.slice(2) === subresource)
  );
}

/** A prefix contains a longer prefix as it contains a path. */
function urlContains(outer: string, inner: string): boolean {
  return (
    outer === "*" ||
    (inner !== "*" &&
      (inner.endsWith("*") ? outer.endsWith("*") && pathMatches(inner, outer) : pathMatches(inner, outer)))
  );
}

function isSubset(outer: readonly string[] | undefined, inner: readonly string[] | undefined): boolean {
  return !outer?.length || (Boolean(inner?.length) && (inner ?? []).every((value) => outer.includes(value)));
}
