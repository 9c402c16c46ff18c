import { joinResources } from "../diff/request-region.ts";
import type { GroupResources, Policy, PolicyRule } from "../policy.ts";

/** A rule that says the same in fewer words by itself: nothing twice, nothing that the policy or another pattern says. */
export function tidyRule(rule: PolicyRule, policy: Policy): PolicyRule {
  const { level, users, userGroups, verbs, resources, namespaces, nonResourceURLs, omitStages, omitManagedFields } =
    rule;
  const stages = unique(omitStages).filter((stage) => !policy.omitStages?.includes(stage));
  const entries = joinResources((resources ?? []).map(tidyResources));
  return {
    level,
    ...list("users", unique(users)),
    ...list("userGroups", unique(userGroups)),
    ...list("verbs", unique(verbs)),
    ...list("resources", entries),
    ...list("namespaces", unique(namespaces)),
    ...list("nonResourceURLs", unique(nonResourceURLs)),
    ...list("omitStages", stages),
    ...(omitManagedFields === undefined || omitManagedFields === (policy.omitManagedFields ?? false)
      ? {}
      : { omitManagedFields }),
  };
}

/** Names without resources restrict nothing, and an apiserver would refuse them. */
function tidyResources({ group = "", resources, resourceNames }: GroupResources): GroupResources {
  const patterns = unique(resources);
  return {
    group,
    ...list("resources", patterns.includes("*") ? ["*"] : patterns),
    ...list("resourceNames", patterns.length > 0 ? unique(resourceNames) : []),
  };
}

function unique<T>(values: readonly T[] | undefined): readonly T[] {
  return [...new Set(values)];
}

function list<K extends string, T>(key: K, values: readonly T[]): { readonly [P in K]?: readonly T[] } {
  return values.length > 0 ? ({ [key]: values } as { readonly [P in K]?: readonly T[] }) : {};
}
