import type { Level, RequestAttributes, Stage } from "@auditsieve/audit";
import type { Policy, PolicyRule } from "./policy.ts";

/** How the apiserver records a request under a policy. */
export interface Decision {
  readonly level: Level;
  /** Stages that are not written, sorted. */
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
  /** Index of the rule that decides; null where none matches. */
  readonly rule: number | null;
}

/** Used where no rule matches. */
const DEFAULT_AUDIT_LEVEL: Level = "None";

/**
 * Decides as the apiserver does: the first rule that matches. Reads neither clock nor anything but its arguments;
 * the decision objects of one policy are made once and shared.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/audit/policy/checker.go
 * @example
 * const policy = { rules: [{ level: "Metadata", verbs: ["get"] }] } as const;
 * const request = {
 *   user: { name: "ann", groups: [] }, verb: "get", isResourceRequest: false, path: "/healthz",
 *   apiGroup: "", apiVersion: "", resource: "", subresource: "", namespace: "", name: "",
 * };
 * assert.equal(evaluate(policy, request).level, "Metadata");
 */
export function evaluate(policy: Policy, attributes: RequestAttributes): Decision {
  return decisionOf(
    policy,
    policy.rules.findIndex((rule) => ruleMatches(rule, attributes)),
  );
}

/** What a policy decides by the rule with this index; -1 where none matches. */
export function decisionOf(policy: Policy, rule: number): Decision {
  const { byRule, unmatched } = decisionsOf(policy);
  return byRule[rule] ?? unmatched;
}

/**
 * Whether a rule matches a request; which rule decides is a matter of order.
 *
 * @example
 * const anyGet = { level: "None", verbs: ["get"] };
 * const request = {
 *   user: undefined, verb: "get", isResourceRequest: false, path: "/livez",
 *   apiGroup: "", apiVersion: "", resource: "", subresource: "", namespace: "", name: "",
 * };
 * assert.ok(ruleMatches(anyGet, request));
 */
export function ruleMatches(rule: PolicyRule, attributes: RequestAttributes): boolean {
  const { user } = attributes;
  if (isSet(rule.users)) {
    if (user === undefined || !rule.users.includes(user.name)) {
      return false;
    }
  }
  if (isSet(rule.userGroups)) {
    if (user === undefined || !hasAny(rule.userGroups, user.groups)) {
      return false;
    }
  }
  if (isSet(rule.verbs)) {
    if (!rule.verbs.includes(attributes.verb)) {
      return false;
    }
  }
  if (isSet(rule.namespaces) || isSet(rule.resources)) {
    return ruleMatchesResource(rule, attributes);
  }
  if (isSet(rule.nonResourceURLs)) {
    return ruleMatchesNonResource(rule.nonResourceURLs, attributes);
  }
  return true;
}

function ruleMatchesNonResource(urls: readonly string[], attributes: RequestAttributes): boolean {
  if (attributes.isResourceRequest) {
    return false;
  }
  for (const url of urls) {
    if (pathMatches(attributes.path, url)) {
      return true;
    }
  }
  return false;
}

/** Whether a path matches a URL of a rule: `*`, the path itself, or a prefix that ends in `*`. */
export function pathMatches(path: string, spec: string): boolean {
  if (spec === "*" || spec === path) {
    return true;
  }
  return spec.endsWith("*") && path.startsWith(spec.replace(/\*+$/, ""));
}

function ruleMatchesResource(rule: PolicyRule, attributes: RequestAttributes): boolean {
  if (!attributes.isResourceRequest) {
    return false;
  }
  // The namespace of a cluster-scoped object, and of a list over all namespaces, is the empty string.
  if (isSet(rule.namespaces) && !rule.namespaces.includes(attributes.namespace)) {
    return false;
  }
  if (!isSet(rule.resources)) {
    return true;
  }
  for (const { group = "", resources, resourceNames } of rule.resources) {
    if (group !== attributes.apiGroup && group !== "*") {
      continue;
    }
    if (!isSet(resources)) {
      return true;
    }
    if (isSet(resourceNames) && !resourceNames.includes(attributes.name)) {
      continue;
    }
    for (const resource of resources) {
      if (resourceMatches(resource, attributes.resource, attributes.subresource)) {
        return true;
      }
    }
  }
  return false;
}

/** Whether `pattern` of a rule names this resource: itself, everything, one subresource of all, or all of `pods/*`. */
export function resourceMatches(pattern: string, resource: string, subresource: string): boolean {
  if (pattern === "*" || pattern === (subresource === "" ? resource : `${resource}/${subresource}`)) {
    return true;
  }
  if (subresource !== "" && pattern.startsWith("*/") && pattern.slice(2) === subresource) {
    return true;
  }
  return pattern.endsWith("/*") && pattern.slice(0, -2) === resource;
}

interface Decisions {
  readonly byRule: readonly Decision[];
  readonly unmatched: Decision;
}

/** Kept beside the policy, not in it: upstream writes the union of stages back into its input. */
const cache = new WeakMap<Policy, Decisions>();

function decisionsOf(policy: Policy): Decisions {
  const known = cache.get(policy);
  if (known !== undefined) {
    return known;
  }
  const { rules, omitStages = [], omitManagedFields = false } = policy;
  const decisions: Decisions = {
    byRule: rules.map((rule, index) => ({
      level: rule.level,
      omitStages: unionStages(omitStages, rule.omitStages ?? []),
      omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
      rule: index,
    })),
    unmatched: { level: DEFAULT_AUDIT_LEVEL, omitStages: [...omitStages].sort(), omitManagedFields, rule: null },
  };
  cache.set(policy, decisions);
  return decisions;
}

function unionStages(a: readonly Stage[], b: readonly Stage[]): readonly Stage[] {
  return [...new Set([...a, ...b])].sort();
}

function isSet<T>(list: readonly T[] | undefined): list is readonly T[] {
  return list !== undefined && list.length > 0;
}

function hasAny(wanted: readonly string[], groups: readonly string[]): boolean {
  return groups.some((group) => wanted.includes(group));
}
