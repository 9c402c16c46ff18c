import type { PolicyRule } from "../policy.ts";

/** One way in which a rule matches resources: a product, undefined where anything will do. */
export interface ResourceTerm {
  readonly rule: number;
  readonly group: string | undefined;
  readonly resource: string | undefined;
  readonly subresource: string | undefined;
  readonly names: readonly string[] | undefined;
}

/**
 * The ways in which a rule matches resources; none if it names no resources. A pattern such as `pods/*` is more than
 * one: it is a name, and it covers what is below.
 */
export function resourceTerms(rule: PolicyRule, number: number): readonly ResourceTerm[] {
  return (rule.resources ?? []).flatMap(({ group = "", resources = [], resourceNames = [] }) => {
    const of = { rule: number, group: group === "*" ? undefined : group };
    if (resources.length === 0) {
      return [{ ...of, resource: undefined, subresource: undefined, names: undefined }];
    }
    const names = resourceNames.length > 0 ? resourceNames : undefined;
    return resources.flatMap((pattern) => patternTerms(pattern).map((term) => ({ ...of, ...term, names })));
  });
}

type PatternTerm = Pick<ResourceTerm, "resource" | "subresource">;

/** What `resourceMatches` of the evaluator says yes to; a resource's own name has no slash. */
function patternTerms(pattern: string): readonly PatternTerm[] {
  if (pattern === "*") {
    return [{ resource: undefined, subresource: undefined }];
  }
  const slash = pattern.indexOf("/");
  if (slash === -1) {
    return [{ resource: pattern, subresource: "" }];
  }
  const [resource, subresource] = [pattern.slice(0, slash), pattern.slice(slash + 1)];
  const terms: PatternTerm[] = [];
  if (subresource !== "") {
    terms.push({ resource: resource === "*" ? undefined : resource, subresource });
  }
  if (subresource === "*") {
    terms.push({ resource, subresource: undefined });
  }
  return terms;
}
