import { KNOWN_RESOURCES } from "../known-resources.ts";
import type { PolicyRule } from "../policy.ts";
import { freshName } from "./fresh-name.ts";
import { isServed, scopeOf } from "./resource-scope.ts";
import type { Scope } from "./resource-scope.ts";
import { resourceTerms } from "./resource-term.ts";
import type { ResourceTerm } from "./resource-term.ts";
import { keyOf, ruleSet } from "./rule-set.ts";
import type { RuleSet } from "./rule-set.ts";

/** Objects that the same rules match, by one of them. */
export interface ResourceClass {
  readonly rules: RuleSet;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
}

/** A part of the objects: those of one resource. */
export interface ResourceSelection {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
}

/** A name that stands for all that no rule gives. */
const OTHER_NAMES = ["example", "other"];

/**
 * All objects, or those of one resource, in classes that no rule tells apart. Of a class there may be several
 * representatives: what a request for one may be, depends on its scope and on whether it has a name.
 */
export function resourceClasses(rules: readonly PolicyRule[], only?: ResourceSelection): readonly ResourceClass[] {
  const terms = rules.flatMap(resourceTerms);
  const isOfAll = rules.map(
    (rule) => !rule.resources?.length && (rule.namespaces?.length || !rule.nonResourceURLs?.length),
  );
  const classes = new Map<string, ResourceClass>();
  const add = (group: string, resource: string, subresource: string, left: readonly ResourceTerm[]): void => {
    for (const name of namesOf(left)) {
      const matching = new Set(left.filter(({ names }) => names?.includes(name) ?? true).map(({ rule }) => rule));
      const set = ruleSet(rules.length, (rule) => Boolean(isOfAll[rule]) || matching.has(rule));
      const key = [
        keyOf(set),
        scopeOf(group, resource),
        resource === "namespaces" ? `namespace ${name}` : name === "",
        SPECIAL.test(resource),
        subresource === "" ? "" : "/",
        isServed(group, resource, subresource),
      ].join("\n");
      if (!classes.has(key)) {
        classes.set(key, { rules: set, group, resource, subresource, name });
      }
    }
  };
  for (const group of only ? [only.group] : groupsOf(terms)) {
    const ofGroup = terms.filter((term) => term.group === undefined || term.group === group);
    for (const resource of only ? [only.resource] : resourcesOf(ofGroup, group)) {
      const ofResource = ofGroup.filter((term) => term.resource === undefined || term.resource === resource);
      for (const subresource of only ? [only.subresource] : subresourcesOf(ofResource, resource)) {
        add(
          group,
          resource,
          subresource,
          ofResource.filter((term) => term.subresource === undefined || term.subresource === subresource),
        );
      }
    }
  }
  return [...classes.values()];
}

/** Names that a path gives another meaning, or that begin with one that does. */
const SPECIAL = /^(?:|namespaces|proxy|watch|status|finalize)$|[/%]/;

function groupsOf(terms: readonly ResourceTerm[]): readonly string[] {
  const given = new Set(terms.flatMap(({ group }) => (group === undefined ? [] : [group])));
  const other = freshName(["apps", "batch", "example.com"], (group) => given.has(group));
  const custom = freshName(["example.com", "other.example.com"], (group) => given.has(group));
  return [...new Set(["", ...given, other, custom])];
}

function resourcesOf(terms: readonly ResourceTerm[], group: string): readonly string[] {
  const given = new Set(terms.flatMap(({ resource }) => (resource === undefined ? [] : [resource])));
  const known = (KNOWN_RESOURCES.get(group) ?? []).filter((resource) => !given.has(resource));
  const firstOf = (scope: Scope): string | undefined =>
    ["pods", "services", "nodes", "persistentvolumes", ...known].find(
      (resource) => known.includes(resource) && resource !== "bindings" && scopeOf(group, resource) === scope,
    );
  const [namespaced, cluster] = [firstOf("namespace"), firstOf("cluster")];
  const other = freshName(["widgets"], (resource) => given.has(resource));
  // A Namespace is in itself: which of its names and namespaces go together is a matter of its own.
  return [
    ...new Set([
      ...(namespaced === undefined ? [] : [namespaced]),
      ...given,
      ...(cluster === undefined ? [] : [cluster]),
      "namespaces",
      other,
    ]),
  ];
}

function subresourcesOf(terms: readonly ResourceTerm[], resource: string): readonly string[] {
  const given = new Set(terms.flatMap(({ subresource }) => (subresource === undefined ? [] : [subresource])));
  const usual = resource === "pods" ? ["status", "log", "resize"] : ["status", "scale"];
  const other = freshName([...usual, "other"], (subresource) => given.has(subresource));
  return [...new Set(["", ...given, other])];
}

function namesOf(terms: readonly ResourceTerm[]): readonly string[] {
  const given = new Set(terms.flatMap(({ names }) => names ?? []));
  return [...new Set([freshName(OTHER_NAMES, (name) => given.has(name)), "", ...given])];
}
