import type { Access } from "./access.ts";

/** A rule of a Role or ClusterRole. */
export interface RbacRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

/**
 * Whether a rule allows an access, wherever it is bound.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/rbac/v1/evaluation_helpers.go
 * @example
 * const rule = { apiGroups: [""], resources: ["pods", "pods/log"], verbs: ["get"] };
 * const access = { verb: "get", group: "", resource: "pods", namespace: "shop", name: "web", path: "" };
 * assert.equal(ruleAllows(rule, access), true);
 * assert.equal(ruleAllows(rule, { ...access, resource: "pods/exec" }), false);
 */
export function ruleAllows(rule: RbacRule, { verb, group, resource, name, path }: Access): boolean {
  if (!rule.verbs.some((each) => each === "*" || each === verb)) {
    return false;
  }
  if (resource === "") {
    return (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, path));
  }
  const slash = resource.indexOf("/");
  const anySubresource = slash === -1 ? undefined : `*${resource.slice(slash)}`;
  const { resourceNames = [] } = rule;
  return (
    (rule.apiGroups ?? []).some((each) => each === "*" || each === group) &&
    (rule.resources ?? []).some((each) => each === "*" || each === resource || each === anySubresource) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  );
}

function urlMatches(url: string, path: string): boolean {
  return url === "*" || url === path || (url.endsWith("*") && path.startsWith(url.replace(/\*+$/, "")));
}

/** A rule where it holds: everywhere, or in one namespace. */
export interface BoundRule {
  readonly rule: RbacRule;
  /** Undefined of a ClusterRoleBinding. */
  readonly namespace: string | undefined;
}

/** Whether a bound rule allows an access: one bound in a namespace says nothing of paths and of other namespaces. */
export function boundRuleAllows({ rule, namespace }: BoundRule, access: Access): boolean {
  return (
    (namespace === undefined || (access.resource !== "" && access.namespace === namespace)) && ruleAllows(rule, access)
  );
}
