import { intersectSpecs } from "../request-class/path-classes.ts";
import type { GroupResources, PolicyRule } from "../policy.ts";

/** The requests that two rules match, as a rule would say it. An absent list restricts nothing. */
export interface RequestRegion {
  readonly users?: readonly string[];
  /** The user is in a group of each list. */
  readonly userGroups?: readonly (readonly string[])[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** What a rule matches. */
export function regionOf(rule: PolicyRule): RequestRegion {
  const { users, userGroups, verbs, resources, namespaces, nonResourceURLs } = rule;
  const isOfResources = Boolean(resources?.length) || Boolean(namespaces?.length);
  return {
    ...(users?.length && { users }),
    ...(userGroups?.length && { userGroups: [userGroups] }),
    ...(verbs?.length && { verbs }),
    ...(resources?.length && { resources }),
    ...(namespaces?.length && { namespaces }),
    ...(!isOfResources && nonResourceURLs?.length && { nonResourceURLs }),
  };
}

/** What both regions hold; undefined if their literals alone exclude each other. */
export function intersectRegions(a: RequestRegion, b: RequestRegion): RequestRegion | undefined {
  const users = both(a.users, b.users, common);
  const verbs = both(a.verbs, b.verbs, common);
  const namespaces = both(a.namespaces, b.namespaces, common);
  const resources = both(a.resources, b.resources, (one, other) =>
    joinResources(one.flatMap((x) => other.flatMap((y) => intersectResources(x, y)))),
  );
  const nonResourceURLs = both(a.nonResourceURLs, b.nonResourceURLs, (one, other) => [
    ...new Set(one.flatMap((x) => other.flatMap((y) => intersectSpecs(x, y) ?? []))),
  ]);
  const isOfResources = resources !== undefined || namespaces !== undefined;
  const lists = [users, verbs, namespaces, resources, nonResourceURLs];
  if (lists.some((list) => list?.length === 0) || (isOfResources && nonResourceURLs !== undefined)) {
    return undefined;
  }
  const groups = new Map([...(a.userGroups ?? []), ...(b.userGroups ?? [])].map((list) => [list.join("\n"), list]));
  return {
    ...(users && { users }),
    ...(groups.size > 0 && { userGroups: [...groups.values()] }),
    ...(verbs && { verbs }),
    ...(resources && { resources }),
    ...(namespaces && { namespaces }),
    ...(nonResourceURLs && { nonResourceURLs }),
  };
}

function both<T>(
  a: readonly T[] | undefined,
  b: readonly T[] | undefined,
  intersect: (a: readonly T[], b: readonly T[]) => readonly T[],
): readonly T[] | undefined {
  return a === undefined ? b : b === undefined ? a : intersect(a, b);
}

function common(a: readonly string[], b: readonly string[]): readonly string[] {
  return a.filter((value) => b.includes(value));
}

function intersectResources(a: GroupResources, b: GroupResources): readonly GroupResources[] {
  const [of, and] = [a.group ?? "", b.group ?? ""];
  if (of !== and && of !== "*" && and !== "*") {
    return [];
  }
  const group = of === "*" ? and : of;
  if (!a.resources?.length || !b.resources?.length) {
    const one = a.resources?.length ? a : b;
    return [one.resources?.length ? { ...one, group } : { group }];
  }
  const resources = a.resources.flatMap((x) => b.resources!.flatMap((y) => intersectPatterns(x, y) ?? []));
  const resourceNames = both(unlessEmpty(a.resourceNames), unlessEmpty(b.resourceNames), common);
  if (resources.length === 0 || resourceNames?.length === 0) {
    return [];
  }
  return [{ group, resources: [...new Set(resources)], ...(resourceNames && { resourceNames }) }];
}

function unlessEmpty(list: readonly string[] | undefined): readonly string[] | undefined {
  return list?.length ? list : undefined;
}

function intersectPatterns(a: string, b: string): string | undefined {
  if (a === "*" || a === b) {
    return b;
  }
  if (b === "*") {
    return a;
  }
  const [x, y] = [parsePattern(a), parsePattern(b)];
  const resource =
    x.resource === "*" ? y.resource : y.resource === "*" || x.resource === y.resource ? x.resource : undefined;
  const subresource =
    x.subresource === "*"
      ? y.subresource
      : y.subresource === "*" || x.subresource === y.subresource
        ? x.subresource
        : undefined;
  if (resource === undefined || subresource === undefined) {
    return undefined;
  }
  return subresource === "" ? resource : `${resource}/${subresource}`;
}

/** `pods/*` is pods too; so nothing stands for any subresource or none. */
function parsePattern(pattern: string): { readonly resource: string; readonly subresource: string } {
  const slash = pattern.indexOf("/");
  return slash === -1
    ? { resource: pattern, subresource: "" }
    : { resource: pattern.slice(0, slash), subresource: pattern.slice(slash + 1) };
}

/** The same with entries of one group and the same names as one. */
export function joinResources(entries: readonly GroupResources[]): readonly GroupResources[] {
  const found = new Map<string, GroupResources>();
  for (const entry of entries) {
    const { group, resources, resourceNames } = entry;
    const key = JSON.stringify([group, resourceNames, resources === undefined]);
    const known = found.get(key);
    found.set(
      key,
      known?.resources && resources ? { ...known, resources: [...new Set([...known.resources, ...resources])] } : entry,
    );
  }
  return [...found.values()];
}
