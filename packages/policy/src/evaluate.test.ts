import type { Level, RequestAttributes, Stage } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { BLANK_REQUEST } from "./blank-request.ts";
import { evaluate } from "./evaluate.ts";
import type { PolicyRule } from "./policy.ts";

const empty: RequestAttributes = { ...BLANK_REQUEST, user: { name: "tim@k8s.io", groups: ["humans"] }, verb: "get" };
const resource = (fields: Partial<RequestAttributes>): RequestAttributes => ({
  ...empty,
  isResourceRequest: true,
  apiVersion: "v1",
  ...fields,
});
const url = (path: string, fields: Partial<RequestAttributes> = {}): RequestAttributes => ({
  ...empty,
  path,
  ...fields,
});

const requests = {
  getPod: resource({ resource: "pods", namespace: "default", name: "web" }),
  listPodsEverywhere: resource({ resource: "pods", verb: "list" }),
  createPod: resource({ resource: "pods", namespace: "default", verb: "create" }),
  podStatus: resource({ resource: "pods", subresource: "status", namespace: "default", name: "web", verb: "patch" }),
  execWebSocket: resource({ resource: "pods", subresource: "exec", namespace: "default", name: "web" }),
  getDeployment: resource({ apiGroup: "apps", resource: "deployments", namespace: "default", name: "web" }),
  scaleDeployment: resource({ apiGroup: "apps", resource: "deployments", subresource: "scale", namespace: "default" }),
  getNamespace: resource({ resource: "namespaces", namespace: "kube-system", name: "kube-system" }),
  getNode: resource({ resource: "nodes", name: "n1" }),
  failedLogin: resource({ resource: "pods", namespace: "default", user: undefined }),
  emptyUser: resource({ resource: "pods", namespace: "default", user: { name: "", groups: [] } }),
  healthz: url("/healthz"),
  healthzz: url("/healthzz"),
  discovery: url("/apis/apps/v1"),
  logs: url("/logs/x"),
} as const;

const rules = {
  default: { level: "Metadata" },
  humans: { level: "Metadata", userGroups: ["system:masters", "humans"] },
  tim: { level: "Metadata", users: ["tim@k8s.io"] },
  someoneElse: { level: "Metadata", users: ["Tim@k8s.io"] },
  userAndGroup: { level: "Metadata", users: ["tim@k8s.io"], userGroups: ["robots"] },
  emptyName: { level: "Metadata", users: [""] },
  anyUserStar: { level: "Metadata", users: ["*"] },
  gets: { level: "Metadata", verbs: ["get"] },
  upperGet: { level: "Metadata", verbs: ["GET", "*"] },
  pods: { level: "Metadata", resources: [{ group: "", resources: ["pods"] }] },
  podsAndBelow: { level: "Metadata", resources: [{ resources: ["pods/*"] }] },
  anyStatus: { level: "Metadata", resources: [{ resources: ["*/status"] }] },
  starStar: { level: "Metadata", resources: [{ resources: ["*/*"] }] },
  everyResourceOfCore: { level: "Metadata", resources: [{ group: "", resources: ["*"] }] },
  coreByGroup: { level: "Metadata", resources: [{}] },
  anyGroup: { level: "Metadata", resources: [{ group: "*", resources: ["deployments", "*/scale"] }] },
  deploymentsInCore: { level: "Metadata", resources: [{ resources: ["deployments"] }] },
  podNamedWeb: { level: "Metadata", resources: [{ resources: ["pods"], resourceNames: ["web"] }] },
  podNameless: { level: "Metadata", resources: [{ resources: ["pods"], resourceNames: [""] }] },
  inKubeSystem: { level: "Metadata", namespaces: ["kube-system"] },
  inDefault: { level: "Metadata", namespaces: ["default"] },
  clusterScope: { level: "Metadata", namespaces: [""] },
  namespaceStar: { level: "Metadata", namespaces: ["*", "def*"] },
  emptyLists: { level: "Metadata", users: [], resources: [], nonResourceURLs: [] },
  healthz: { level: "Metadata", nonResourceURLs: ["/healthz"] },
  healthzPrefix: { level: "Metadata", nonResourceURLs: ["/healthz*"] },
  below: { level: "Metadata", nonResourceURLs: ["/healthz/*", "/logs/*"] },
  apiPrefix: { level: "Metadata", nonResourceURLs: ["/api*"] },
  anyUrl: { level: "Metadata", nonResourceURLs: ["*"] },
} as const satisfies Record<string, PolicyRule>;

type Case = readonly [criterion: string, request: keyof typeof requests, level: Level, ...(keyof typeof rules)[]];

const cases: readonly Case[] = [
  ["no rule gives None", "getPod", "None"],
  ["a rule without matchers matches resources", "getPod", "Metadata", "default"],
  ["a rule without matchers matches URLs", "healthz", "Metadata", "default"],
  ["empty lists restrict nothing", "healthz", "Metadata", "emptyLists"],
  ["one group is enough", "getPod", "Metadata", "humans"],
  ["a user by name", "getPod", "Metadata", "tim"],
  ["names are case-sensitive", "getPod", "None", "someoneElse"],
  ["users and groups must both match", "getPod", "None", "userAndGroup"],
  ["a star is a user's name", "getPod", "None", "anyUserStar"],
  ["a failed login matches no rule with users", "failedLogin", "None", "tim", "emptyName", "anyUserStar"],
  ["a failed login matches no rule with groups", "failedLogin", "None", "humans"],
  ["a failed login matches a rule without either", "failedLogin", "Metadata", "pods"],
  ["an empty name is a name", "emptyUser", "Metadata", "emptyName"],
  ["a verb", "getPod", "Metadata", "gets"],
  ["verbs are case-sensitive and have no wildcard", "getPod", "None", "upperGet"],
  ["a resource", "getPod", "Metadata", "pods"],
  ["a resource does not cover its subresources", "execWebSocket", "None", "pods"],
  ["pods/* covers a subresource", "execWebSocket", "Metadata", "podsAndBelow"],
  ["pods/* covers pods too", "getPod", "Metadata", "podsAndBelow"],
  ["*/status covers the status of anything", "podStatus", "Metadata", "anyStatus"],
  ["*/status does not cover the object", "getPod", "None", "anyStatus"],
  ["*/* covers nothing", "podStatus", "None", "starStar"],
  ["* covers subresources", "execWebSocket", "Metadata", "everyResourceOfCore"],
  ["* stays in its group", "getDeployment", "None", "everyResourceOfCore"],
  ["no resources is all of the group", "podStatus", "Metadata", "coreByGroup"],
  ["no group is the core group", "getDeployment", "None", "deploymentsInCore", "coreByGroup"],
  ["group * is any group", "getDeployment", "Metadata", "anyGroup"],
  ["group * with a subresource", "scaleDeployment", "Metadata", "anyGroup"],
  ["a name in the URL", "getPod", "Metadata", "podNamedWeb"],
  ["create has no name", "createPod", "None", "podNamedWeb"],
  ["an empty name matches create and list", "createPod", "Metadata", "podNameless"],
  ["a namespace", "getPod", "Metadata", "inDefault"],
  ["a list over all namespaces has none", "listPodsEverywhere", "None", "inDefault"],
  ["the empty namespace is all-namespace lists", "listPodsEverywhere", "Metadata", "clusterScope"],
  ["the empty namespace is cluster-scoped objects", "getNode", "Metadata", "clusterScope"],
  ["the empty namespace is no URL", "healthz", "None", "clusterScope"],
  ["a Namespace object lies in itself", "getNamespace", "Metadata", "inKubeSystem"],
  ["namespaces have no wildcard", "getPod", "None", "namespaceStar"],
  ["a URL", "healthz", "Metadata", "healthz"],
  ["a URL is no prefix", "healthzz", "None", "healthz"],
  ["a trailing star is a raw prefix", "healthzz", "Metadata", "healthzPrefix"],
  ["a prefix with a slash misses the path itself", "healthz", "None", "below"],
  ["a prefix with a slash covers what is below", "logs", "Metadata", "below"],
  ["/api* covers discovery", "discovery", "Metadata", "apiPrefix"],
  ["URL * is any URL", "logs", "Metadata", "anyUrl"],
  ["URL * is no resource", "getPod", "None", "anyUrl"],
];

for (const [criterion, request, level, ...names] of cases) {
  test(`evaluate(): ${criterion}`, () => {
    expect(evaluate({ rules: names.map((name) => rules[name]) }, requests[request]).level).toBe(level);
  });
}

describe("evaluate()", () => {
  const none: PolicyRule = { level: "None", verbs: ["list"] };
  const stages: readonly Stage[] = ["ResponseStarted", "Panic"];

  test("takes the first rule that matches and names it", () => {
    const policy = { rules: [none, rules.gets, { level: "Request" }] } as const;
    expect(evaluate(policy, requests.getPod)).toMatchObject({ level: "Metadata", rule: 1 });
    expect(evaluate(policy, requests.createPod)).toMatchObject({ level: "Request", rule: 2 });
  });

  test("unites the stages of policy and rule, sorted", () => {
    const policy = {
      rules: [{ ...rules.gets, omitStages: ["Panic", "RequestReceived"] }],
      omitStages: stages,
    } as const;
    expect(evaluate(policy, requests.getPod).omitStages).toEqual(["Panic", "RequestReceived", "ResponseStarted"]);
  });

  test("uses the policy's stages and managed fields where no rule matches", () => {
    const policy = { rules: [none], omitStages: stages, omitManagedFields: true };
    const decision = { level: "None", omitStages: ["Panic", "ResponseStarted"], omitManagedFields: true, rule: null };
    expect(evaluate(policy, requests.getPod)).toEqual(decision);
  });

  test("lets a rule override omitManagedFields both ways", () => {
    const on = { rules: [{ ...rules.gets, omitManagedFields: true }] };
    const off = { rules: [{ ...rules.gets, omitManagedFields: false }], omitManagedFields: true };
    expect(evaluate(on, requests.getPod).omitManagedFields).toBe(true);
    expect(evaluate(off, requests.getPod).omitManagedFields).toBe(false);
  });

  test("does not change a frozen policy", () => {
    const rule = Object.freeze({ ...rules.gets, omitStages: Object.freeze([...stages]) });
    const policy = Object.freeze({
      rules: Object.freeze([rule]),
      omitStages: Object.freeze(["RequestReceived"] as const),
    });
    expect(evaluate(policy, requests.getPod).omitStages).toHaveLength(3);
    expect(rule.omitStages).toEqual(stages);
  });
});
