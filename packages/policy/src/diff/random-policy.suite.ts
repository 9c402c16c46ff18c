import type { RequestAttributes, Stage } from "@auditsieve/audit";
import * as fc from "fast-check";
import type { GroupResources, Policy, PolicyRule } from "../policy.ts";

/** Few literals, so that rules meet; every form that a pattern can have. */
const USERS = ["ann", "bob", "system:anonymous", ""];
const GROUPS = ["system:authenticated", "system:unauthenticated", "dev", "ops"];
const VERBS = ["get", "list", "watch", "create", "deletecollection", "*"];
const NAMESPACES = ["", "prod", "kube-system"];
const NAMES = ["", "web", "prod"];
const API_GROUPS = ["", "apps", "*", "example.com"];
const PATTERNS = ["pods", "secrets", "namespaces", "*", "pods/*", "*/status", "pods/exec", "*/*", "widgets", "pods/"];
const URLS = ["*", "/api*", "/api", "/healthz", "/healthz/*", "/api/v1/", "/api-*"];
const STAGES: readonly Stage[] = ["RequestReceived", "ResponseStarted"];

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values], { minLength: 1, maxLength: 2 });

const resources: fc.Arbitrary<GroupResources> = fc.record(
  { group: fc.constantFrom(...API_GROUPS), resources: some(PATTERNS), resourceNames: some(NAMES) },
  { requiredKeys: [] },
);

const rule: fc.Arbitrary<PolicyRule> = fc
  .record(
    {
      level: fc.constantFrom("None", "Metadata", "RequestResponse"),
      users: some(USERS),
      userGroups: some(GROUPS),
      verbs: some(VERBS),
      resources: fc.array(resources, { minLength: 1, maxLength: 2 }),
      namespaces: some(NAMESPACES),
      nonResourceURLs: some(URLS),
      omitStages: some(STAGES),
      omitManagedFields: fc.boolean(),
    },
    { requiredKeys: ["level"] },
  )
  .map(({ nonResourceURLs, ...rest }) =>
    nonResourceURLs === undefined || rest.resources !== undefined || rest.namespaces !== undefined
      ? rest
      : { ...rest, nonResourceURLs },
  ) as fc.Arbitrary<PolicyRule>;

/** Policies of up to seven rules. */
export const randomPolicy: fc.Arbitrary<Policy> = fc.record(
  {
    rules: fc.array(rule, { minLength: 1, maxLength: 7 }),
    omitStages: some(STAGES),
    omitManagedFields: fc.boolean(),
  },
  { requiredKeys: ["rules"] },
) as fc.Arbitrary<Policy>;

const user = fc.option(
  fc.record({ name: fc.constantFrom(...USERS, "eve"), groups: fc.subarray([...GROUPS, "others"]) }),
  { nil: undefined, freq: 6 },
);

/** Requests with any attributes, also such as no apiserver reads from a request. */
export const randomRequest: fc.Arbitrary<RequestAttributes> = fc.oneof(
  fc.record({
    user,
    verb: fc.constantFrom(...VERBS, "delete", "use"),
    isResourceRequest: fc.constant(true),
    apiGroup: fc.constantFrom("", "apps", "example.com", "batch"),
    apiVersion: fc.constant("v1"),
    resource: fc.constantFrom("pods", "secrets", "namespaces", "widgets", "*", "gadgets"),
    subresource: fc.constantFrom("", "status", "exec", "*", "scale"),
    namespace: fc.constantFrom(...NAMESPACES, "test"),
    name: fc.constantFrom(...NAMES, "db"),
    path: fc.constant(""),
  }),
  fc.record({
    user,
    verb: fc.constantFrom("get", "post", "create", "list", "*"),
    isResourceRequest: fc.constant(false),
    apiGroup: fc.constant(""),
    apiVersion: fc.constant(""),
    resource: fc.constant(""),
    subresource: fc.constant(""),
    namespace: fc.constant(""),
    name: fc.constant(""),
    path: fc.constantFrom(
      "/api",
      "/apis",
      "/api-x",
      "/healthz",
      "/healthz/etcd",
      "/healthzz",
      "/version",
      "",
      "/api/v1/",
    ),
  }),
);
