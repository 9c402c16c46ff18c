import type { RequestAttributes } from "@auditsieve/audit";
import { pathMatches, resourceMatches } from "../evaluate.ts";
import { words } from "../lint/describe-rule.ts";
import type { GroupResources, PolicyRule } from "../policy.ts";

/** Why a rule does not match a request: the first field that fails, in the order in which the apiserver looks. */
export interface RuleMismatch {
  readonly field: "users" | "userGroups" | "verbs" | "namespaces" | "resources" | "nonResourceURLs";
  /** What it asks for, and what the request has. */
  readonly reason: string;
}

/** The first field of a rule that a request does not meet, or undefined if the rule matches. */
export function ruleMismatch(rule: PolicyRule, request: RequestAttributes): RuleMismatch | undefined {
  const { users = [], userGroups = [], verbs = [], resources = [], namespaces = [], nonResourceURLs = [] } = rule;
  const { user, verb } = request;
  if (users.length > 0 && (user === undefined || !users.includes(user.name))) {
    const who = user === undefined ? "a failed login has no user" : `the user is ${user.name || "nameless"}`;
    return { field: "users", reason: `wants the user ${words(users, "or")}; ${who}` };
  }
  if (userGroups.length > 0 && (user === undefined || !userGroups.some((group) => user.groups.includes(group)))) {
    const has = user === undefined ? "a failed login has no groups" : `the user is in ${words(user.groups) || "none"}`;
    return { field: "userGroups", reason: `wants the group ${words(userGroups, "or")}; ${has}` };
  }
  if (verbs.length > 0 && !verbs.includes(verb)) {
    return { field: "verbs", reason: `wants the verb ${words(verbs, "or")}; the verb is ${verb || "empty"}` };
  }
  if (namespaces.length > 0 || resources.length > 0) {
    return resourceMismatch(namespaces, resources, request);
  }
  if (nonResourceURLs.length === 0) {
    return undefined;
  }
  if (request.isResourceRequest) {
    return { field: "nonResourceURLs", reason: "is for URLs; the request is for a resource" };
  }
  return nonResourceURLs.some((url) => pathMatches(request.path, url))
    ? undefined
    : { field: "nonResourceURLs", reason: `wants ${words(nonResourceURLs, "or")}; the path is ${request.path}` };
}

function resourceMismatch(
  namespaces: readonly string[],
  resources: readonly GroupResources[],
  request: RequestAttributes,
): RuleMismatch | undefined {
  const { namespace, isResourceRequest } = request;
  if (!isResourceRequest) {
    const field = namespaces.length > 0 ? "namespaces" : "resources";
    return { field, reason: `is for resources; the request is for the URL ${request.path}` };
  }
  if (namespaces.length > 0 && !namespaces.includes(namespace)) {
    const where = namespace === "" ? "the request is for none, or for all at once" : `the namespace is ${namespace}`;
    return { field: "namespaces", reason: `wants the namespace ${words(namespaces.map(quoteEmpty), "or")}; ${where}` };
  }
  if (resources.length === 0) {
    return undefined;
  }
  const reasons = resources.map((entry) => entryMismatch(entry, request));
  if (reasons.includes(undefined)) {
    return undefined;
  }
  const nearest = reasons.toSorted((a, b) => b!.nearness - a!.nearness)[0]!;
  return { field: "resources", reason: nearest.reason };
}

interface EntryMismatch {
  /** How far the request got: the entry that it got through furthest says most. */
  readonly nearness: number;
  readonly reason: string;
}

function entryMismatch(entry: GroupResources, request: RequestAttributes): EntryMismatch | undefined {
  const { group = "", resources = [], resourceNames = [] } = entry;
  const { apiGroup, resource, subresource, name } = request;
  const asked = subresource === "" ? resource : `${resource}/${subresource}`;
  if (group !== apiGroup && group !== "*") {
    return { nearness: 0, reason: `has nothing for ${asked} of ${groupText(apiGroup)}` };
  }
  if (resources.length === 0) {
    return undefined;
  }
  const isNamed = resources.some((pattern) => resourceMatches(pattern, resource, subresource));
  if (!isNamed) {
    const without =
      subresource !== "" && resources.includes(resource) ? `: ${resource} does not cover its subresources` : "";
    return { nearness: 1, reason: `wants ${words(resources, "or")} of ${groupText(apiGroup)}, not ${asked}${without}` };
  }
  if (resourceNames.length > 0 && !resourceNames.includes(name)) {
    const has = name === "" ? "the request names no object in its path" : `the name is ${name}`;
    return { nearness: 2, reason: `wants the object ${words(resourceNames.map(quoteEmpty), "or")}; ${has}` };
  }
  return undefined;
}

function groupText(group: string): string {
  return group === "" ? "the core group" : `the group ${group}`;
}

function quoteEmpty(text: string): string {
  return text === "" ? '""' : text;
}
