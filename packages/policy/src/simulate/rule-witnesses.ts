import type { RequestAttributes } from "@auditsieve/audit";
import { BLANK_REQUEST } from "../blank-request.ts";
import type { GroupResources, Policy, PolicyRule } from "../policy.ts";

const MOST_PER_RULE = 256;
const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/** Requests made of the words of each rule, some of each kind that the rule names, and some that few rules name. */
export function ruleWitnesses(policy: Policy): readonly RequestAttributes[] {
  return [...policy.rules, { level: "Metadata" } as const].flatMap((rule) => witnessesOf(rule).slice(0, MOST_PER_RULE));
}

function witnessesOf(rule: PolicyRule): readonly RequestAttributes[] {
  const user = { name: rule.users?.[0] ?? "jane", groups: [rule.userGroups?.[0] ?? "system:authenticated"] };
  const verbs = rule.verbs?.length ? rule.verbs : undefined;
  const namespace = rule.namespaces?.[0] ?? "default";
  const ofResources = objectsOf(rule).flatMap((object) =>
    (verbs ?? VERBS).map((verb) => ({
      ...object,
      user,
      verb,
      isResourceRequest: true,
      apiVersion: "v1",
      namespace,
      path: "",
    })),
  );
  const urls = rule.nonResourceURLs?.length ? rule.nonResourceURLs : rule.resources?.length ? [] : ["/livez", "/apis"];
  const ofUrls = urls.flatMap((url) =>
    (verbs ?? ["get"]).map((verb) => ({ ...BLANK_REQUEST, user, verb, path: url.replace(/\*+$/, "") || "/" })),
  );
  return [...ofUrls, ...ofResources];
}

function objectsOf(
  rule: PolicyRule,
): readonly Pick<RequestAttributes, "apiGroup" | "resource" | "subresource" | "name">[] {
  const entries: readonly GroupResources[] = rule.resources?.length
    ? rule.resources
    : rule.nonResourceURLs?.length
      ? []
      : [{ group: "", resources: ["pods", "secrets", "configmaps", "pods/exec"] }];
  return entries.flatMap(({ group = "", resources = [], resourceNames = [] }) =>
    (resources.length > 0 ? resources : [group === "" ? "pods" : "things"]).map((pattern) => {
      const [resource = "", subresource = ""] = pattern.split("/");
      return {
        apiGroup: group === "*" ? "" : group,
        resource: resource === "*" ? "pods" : resource,
        subresource: subresource === "*" ? "status" : subresource,
        name: resourceNames[0] ?? "x",
      };
    }),
  );
}
