import { groupsServing, KNOWN_RESOURCES } from "./known-resources.ts";
import { words } from "./describe-rule.ts";
import type { LintFinding, LintRule } from "./lint-rule.ts";
import { nearest } from "./nearest.ts";

export const wrongGroup: LintRule = {
  id: "wrong-group",
  summary:
    "A resource that its API group does not serve is matched by no request; without a group it is the core group.",
  bad: "- level: Request\n  resources:\n  - resources: [deployments]\n- level: Metadata",
  good: "- level: Request\n  resources:\n  - group: apps\n    resources: [deployments]\n- level: Metadata",
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) =>
      (rule.resources ?? []).flatMap(({ group = "", resources = [] }, entry) => {
        const steps = ["rules", index, "resources", entry];
        return KNOWN_RESOURCES.get(group)?.length === 0
          ? [goneGroup(steps, group)]
          : resources.flatMap((resource, at) => complaint([...steps, "resources", at], group, resource));
      }),
    ),
};

function goneGroup(steps: LintFinding["steps"], group: string): LintFinding {
  return {
    severity: "warning",
    steps: [...steps, "group"],
    message: `Cannot match anything by the group "${group}": no supported Kubernetes serves it any more`,
    hint: "Remove the entry, or name the groups that took its resources over",
  };
}

function complaint(steps: LintFinding["steps"], group: string, resource: string): LintFinding[] {
  const served = KNOWN_RESOURCES.get(group);
  const [name = ""] = resource.split("/");
  // Dead patterns have a rule of their own; a wildcard group is served by all.
  if (served === undefined || name === "*" || name === "" || served.includes(name)) {
    return [];
  }
  const of = group === "" ? "the core group" : `the group "${group}"`;
  const others = groupsServing(name);
  if (others.length > 0) {
    const where = words(
      others.map((other) => (other === "" ? 'group: ""' : `group: ${other}`)),
      "or",
    );
    const message = `Cannot match anything by "${resource}" in ${of}: it is served elsewhere`;
    return [{ severity: "error", steps, message, hint: `Use ${where}` }];
  }
  const meant = nearest(name, served) ?? nearest(name, [...KNOWN_RESOURCES.values()].flat());
  return [
    {
      severity: "warning",
      steps,
      message: `Cannot find "${resource}" in ${of}: Kubernetes 1.37 serves no such resource`,
      hint:
        name === "tokenrequests"
          ? 'Use group: "" and resources: ["serviceaccounts/token"]'
          : meant === undefined
            ? "Remove it; kubectl api-resources shows what there is"
            : `Did you mean ${meant}?`,
    },
  ];
}
