import type { RequestAttributes } from "@auditsieve/audit";
import { evaluate, resourceMatches } from "./evaluate.ts";
import type { Policy, PolicyRule } from "./policy.ts";

/** A resource request to look for: what it is, whoever does it and wherever. */
export interface WitnessRequest {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly isNamespaced?: boolean;
}

/**
 * A request of this kind that the rule matches, as whom and where the rule says, if it matches any. Users that the rule
 * does not name are an ordinary person.
 */
export function witnessOf(rule: PolicyRule, request: WitnessRequest): RequestAttributes | undefined {
  const { verb, group, resource, subresource = "", isNamespaced = true } = request;
  const namespaces = rule.namespaces?.length ? rule.namespaces : undefined;
  const namespace = namespaces === undefined ? (isNamespaced ? "default" : "") : namespaces[0];
  const entries = rule.resources?.length ? rule.resources : undefined;
  const entry = entries?.find(
    (one) =>
      ((one.group ?? "") === group || one.group === "*") &&
      (!one.resources?.length || one.resources.some((pattern) => resourceMatches(pattern, resource, subresource))),
  );
  const isExcluded =
    (rule.verbs?.length && !rule.verbs.includes(verb)) ||
    (namespaces && !isNamespaced && !namespaces.includes("")) ||
    (entries && !entry) ||
    (!entries && !namespaces && rule.nonResourceURLs?.length);
  if (isExcluded) {
    return undefined;
  }
  const names = entry?.resources?.length ? (entry.resourceNames ?? []) : [];
  return {
    user: { name: rule.users?.[0] ?? "jane", groups: [rule.userGroups?.[0] ?? "system:authenticated"] },
    verb,
    isResourceRequest: true,
    apiGroup: group,
    apiVersion: "v1",
    resource,
    subresource,
    namespace: isNamespaced ? (namespace ?? "") : "",
    name: names[0] ?? (NAMELESS_VERBS.has(verb) && subresource === "" ? "" : "x"),
    path: "",
  };
}

const NAMELESS_VERBS = new Set(["create", "list", "watch", "deletecollection"]);

/** {@link witnessOf}, only if no earlier rule takes the request. */
export function decidedWitness(policy: Policy, index: number, request: WitnessRequest): RequestAttributes | undefined {
  const rule = policy.rules[index];
  const witness = rule && witnessOf(rule, request);
  return witness && evaluate(policy, witness).rule === index ? witness : undefined;
}
