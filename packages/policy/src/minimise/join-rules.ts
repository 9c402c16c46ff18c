import { joinResources } from "../diff/request-region.ts";
import type { PolicyRule } from "../policy.ts";

const LISTS = ["users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs"] as const;

/** A rule that matches what either of two rules matches, if one differs from the other in one list only. */
export function joinRules(a: PolicyRule, b: PolicyRule): PolicyRule | undefined {
  const isSameRecording =
    a.level === b.level &&
    a.omitManagedFields === b.omitManagedFields &&
    a.omitStages?.toSorted().join() === b.omitStages?.toSorted().join();
  const differing = LISTS.filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
  const [key] = differing;
  if (!isSameRecording || differing.length !== 1 || key === undefined || !a[key] || !b[key]) {
    return undefined;
  }
  return key === "resources"
    ? { ...a, resources: joinResources([...(a.resources ?? []), ...(b.resources ?? [])]) }
    : { ...a, [key]: [...new Set([...(a[key] ?? []), ...(b[key] ?? [])])] };
}
