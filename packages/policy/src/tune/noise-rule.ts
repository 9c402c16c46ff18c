import type { GroupResources, PolicyRule } from "../policy.ts";
import type { Candidate } from "./candidates.ts";

/** The rule that drops exactly these: all are of one identity and one rule that decides now. */
export function noiseRule(candidates: readonly Candidate[]): PolicyRule {
  const [first] = candidates;
  const verbs = unique(candidates.map(({ verb }) => verb));
  const identities = unique(candidates.map(({ identity }) => identity.name));
  const who = first?.identity.kind === "nodes" ? { userGroups: identities } : { users: identities };
  const urls = unique(candidates.flatMap(({ request }) => (request.isResourceRequest ? [] : [request.path])));
  return urls.length > 0
    ? { level: "None", ...who, verbs, nonResourceURLs: urls }
    : { level: "None", ...who, verbs, resources: resourcesOf(candidates) };
}

function resourcesOf(candidates: readonly Candidate[]): readonly GroupResources[] {
  const groups = new Map<string, string[]>();
  for (const { request } of candidates) {
    const { apiGroup, resource, subresource } = request;
    groups.set(apiGroup, [
      ...(groups.get(apiGroup) ?? []),
      subresource === "" ? resource : `${resource}/${subresource}`,
    ]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, resources]) => ({ group, resources: unique(resources) }));
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}
