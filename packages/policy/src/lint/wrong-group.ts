import { words } from "./describe-rule.ts";
import { groupsServing, KNOWN_RESOURCES, knownResources } from "../known-resources.ts";
import type { LintContext, LintFinding, LintRule } from "./lint-rule.ts";
import { nearest } from "./nearest.ts";
import { ALL_RESOURCES, resourcesOf } from "../resource-catalogue.ts";

export const wrongGroup: LintRule = {
  id: "wrong-group",
  summary:
    "A resource that its API group does not serve in that version is matched by no request; without a group it is the core group.",
  bad: "- level: Request\n  resources:\n  - resources: [deployments]\n- level: Metadata",
  good: "- level: Request\n  resources:\n  - group: apps\n    resources: [deployments]\n- level: Metadata",
  check: (context) => {
    const known = knownResources(context.kubernetesVersion);
    return context.policy.rules.flatMap((rule, index) =>
      (rule.resources ?? []).flatMap(({ group = "", resources = [] }, entry) => {
        const steps = ["rules", index, "resources", entry];
        const served = known.get(group);
        if (served?.length === 0 || (served === undefined && KNOWN_RESOURCES.has(group))) {
          return [goneGroup(steps, group, context)];
        }
        return resources.flatMap((resource, at) => complaint([...steps, "resources", at], group, resource, context));
      }),
    );
  },
};

function goneGroup(steps: LintFinding["steps"], group: string, { kubernetesVersion }: LintContext): LintFinding {
  return {
    severity: "warning",
    steps: [...steps, "group"],
    message: `Cannot match anything by the group "${group}": Kubernetes ${kubernetesVersion} does not serve it`,
    hint: "Remove the entry, or name the groups that took its resources over",
  };
}

function complaint(
  steps: LintFinding["steps"],
  group: string,
  pattern: string,
  { kubernetesVersion }: LintContext,
): LintFinding[] {
  const known = knownResources(kubernetesVersion);
  const served = known.get(group);
  const [name = "", subresource] = pattern.split("/");
  // Dead patterns have a rule of their own; a wildcard group is served by all.
  if (served === undefined || name === "*" || name === "") {
    return [];
  }
  const of = group === "" ? "the core group" : `the group "${group}"`;
  if (served.includes(name)) {
    return subresourceComplaint(steps, { group, name, subresource, of }, kubernetesVersion);
  }
  const others = groupsServing(name, known);
  if (others.length > 0) {
    const where = words(
      others.map((other) => (other === "" ? 'group: ""' : `group: ${other}`)),
      "or",
    );
    const message = `Cannot match anything by "${pattern}" in ${of}: it is served elsewhere`;
    return [{ severity: "error", steps, message, hint: `Use ${where}` }];
  }
  const meant = nearest(name, served) ?? nearest(name, [...known.values()].flat());
  return [
    {
      severity: "warning",
      steps,
      message: `Cannot find "${pattern}" in ${of}: Kubernetes ${kubernetesVersion} serves no such resource`,
      hint:
        otherVersions(group, name, "") ??
        (name === "tokenrequests"
          ? 'Use group: "" and resources: ["serviceaccounts/token"]'
          : meant === undefined
            ? "Remove it; kubectl api-resources shows what there is"
            : `Did you mean ${meant}?`),
    },
  ];
}

interface Named {
  readonly group: string;
  readonly name: string;
  readonly subresource: string | undefined;
  readonly of: string;
}

function subresourceComplaint(
  steps: LintFinding["steps"],
  { group, name, subresource, of }: Named,
  kubernetesVersion: string,
): LintFinding[] {
  const below = resourcesOf(kubernetesVersion)
    .filter((one) => one.group === group && one.resource === name)
    .map((one) => one.subresource);
  if (subresource === undefined || subresource === "*" || subresource === "" || below.includes(subresource)) {
    return [];
  }
  const meant = nearest(
    subresource,
    below.filter((one) => one !== ""),
  );
  return [
    {
      severity: "warning",
      steps,
      message: `Cannot find "${name}/${subresource}" in ${of}: Kubernetes ${kubernetesVersion} serves no such subresource`,
      hint:
        otherVersions(group, name, subresource) ??
        (meant === undefined ? "Remove it" : `Did you mean ${name}/${meant}?`),
    },
  ];
}

/** When it is or was served, if some known version does. */
function otherVersions(group: string, resource: string, subresource: string): string | undefined {
  const found = ALL_RESOURCES.find(
    (one) => one.group === group && one.resource === resource && one.subresource === subresource,
  );
  if (found === undefined) {
    return undefined;
  }
  const since = found.since === undefined ? "" : ` from ${found.since}`;
  const until = found.until === undefined ? "" : ` up to ${found.until}`;
  return `Kubernetes serves it${since}${until}: keep it only for those`;
}
