import type { GroupResources, PolicyRule } from "../policy.ts";

/** What a rule matches, in words: `get and list of pods by alice`. */
export function describeRule(rule: PolicyRule): string {
  const verbs = rule.verbs?.length ? `${words(rule.verbs)} of` : "";
  const who = [
    ...(rule.users?.length ? [`by ${words(rule.users, "or")}`] : []),
    ...(rule.userGroups?.length ? [`by the group ${words(rule.userGroups, "or")}`] : []),
  ];
  return [verbs, describeObjects(rule), ...who].filter((part) => part !== "").join(" ");
}

function describeObjects({ resources = [], namespaces = [], nonResourceURLs = [] }: PolicyRule): string {
  if (resources.length > 0 || namespaces.length > 0) {
    const what = resources.length > 0 ? resources.map(describeResources).join("; ") : "every resource";
    return namespaces.length > 0 ? `${what} in the namespace ${words(namespaces.map(orNone), "or")}` : what;
  }
  return nonResourceURLs.length > 0 ? words(nonResourceURLs) : "every request, resources and URLs alike";
}

function describeResources({ group = "", resources = [], resourceNames = [] }: GroupResources): string {
  const of = group === "" ? "the core group" : `the group ${group}`;
  const what = resources.length > 0 && !resources.includes("*") ? `${words(resources)} of ${of}` : `all of ${of}`;
  return resourceNames.length > 0 ? `${what} named ${words(resourceNames, "or")}` : what;
}

function orNone(namespace: string): string {
  return namespace === "" ? '""' : namespace;
}

/** `a, b and c`; long lists are cut. */
export function words(items: readonly string[], last = "and"): string {
  const shown = items.length > 5 ? [...items.slice(0, 4), `${items.length - 4} more`] : items;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} ${last} ${shown.at(-1)}` : (shown[0] ?? "");
}
