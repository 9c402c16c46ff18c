import { readYaml } from "@auditsieve/audit";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../../../../test/engines/apiserver/api-client.ts";
import { startApiserver } from "../../../../test/engines/apiserver/apiserver.ts";
import type { RunningApiserver } from "../../../../test/engines/apiserver/apiserver.ts";
import { logOf, REDACTOR } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { accessKey } from "./access.ts";
import type { Access } from "./access.ts";
import { GrantedAccessVisitor } from "./granted-access.ts";
import { boundRules } from "./least-roles.ts";
import { leastPrivilege } from "./least-privilege.ts";
import type { LeastPrivilege } from "./least-privilege.ts";
import { boundRuleAllows } from "./rbac-rule.ts";
import { UsedAccessVisitor } from "./used-access.ts";
import type { UsedAccess } from "./used-access.ts";
import { writeManifests } from "./write-manifests.ts";

const POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: RequestResponse }]\n";
const WORKER = "worker";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const APPLY = { "Content-Type": "application/apply-patch+yaml" };
const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate"];

/** What the worker does while it is an administrator; some of it fails, after it was allowed. */
const DEEDS: readonly (readonly [
  string,
  string,
  { readonly body?: unknown; readonly headers?: Record<string, string> }?,
])[] = [
  ["POST", "/api/v1/namespaces/shop/configmaps", { body: { metadata: { name: "settings" } } }],
  ["GET", "/api/v1/namespaces/shop/configmaps/settings"],
  [
    "PUT",
    "/api/v1/namespaces/shop/configmaps/settings",
    { body: { metadata: { name: "settings" }, data: { a: "b" } } },
  ],
  [
    "PATCH",
    "/api/v1/namespaces/shop/configmaps/applied?fieldManager=test",
    { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "applied" } }, headers: APPLY },
  ],
  ["DELETE", "/api/v1/namespaces/shop/configmaps/settings"],
  ["GET", "/api/v1/namespaces/shop/pods"],
  ["GET", "/api/v1/namespaces/pay/pods"],
  ["GET", "/api/v1/namespaces/pay/pods/web-0/log"],
  ["GET", "/api/v1/nodes"],
  ["GET", "/api/v1/services?limit=1"],
  ["GET", "/apis/apps/v1/namespaces/shop/deployments?fieldSelector=metadata.name%3Dweb"],
  ["GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale"],
  ["DELETE", "/apis/apps/v1/namespaces/shop/replicasets?labelSelector=a%3Db"],
  ["GET", "/api/v1/namespaces/shop"],
  ["POST", "/api/v1/namespaces", { body: { metadata: { name: "made" } } }],
  ["GET", "/api/v1/namespaces/shop/pods", { headers: { "Impersonate-User": "jane", "Impersonate-Group": "ops" } }],
  ["GET", "/healthz"],
  ["GET", "/openapi/v3"],
  ...Array.from({ length: 21 }, (_, i) => ["GET", `/api/v1/namespaces/pay/secrets/s-${i}`] as const),
  ...Array.from({ length: 20 }, (_, i) => ["GET", `/api/v1/namespaces/pay/endpoints/e-${i}`] as const),
];

describe("leastPrivilege on a real apiserver", () => {
  let server: RunningApiserver;
  let admin: ApiClient;
  let used: UsedAccess;
  let least: LeastPrivilege;

  beforeAll(async () => {
    server = await startApiserver({ policyText: POLICY, users: [{ name: WORKER, groups: [] }] });
    admin = server.client({ user: "admin" });
    await create(admin, "/api/v1/namespaces", { metadata: { name: "shop" } });
    await create(admin, "/api/v1/namespaces", { metadata: { name: "pay" } });
    const binding = {
      metadata: { name: "worker-is-admin" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: WORKER }],
    };
    await create(admin, `${RBAC}/clusterrolebindings`, binding);
    const worker = server.client({ user: WORKER });
    await untilAllowed(worker);
    for (const [method, path, options] of DEEDS) {
      await worker.request(method, path, options ?? {});
    }
    expect((await admin.request("DELETE", `${RBAC}/clusterrolebindings/worker-is-admin`)).status).toBe(200);
    const log = await readFile(server.auditLog);
    const visitors = [new UsedAccessVisitor(WORKER), new GrantedAccessVisitor()] as const;
    await replayLogs({ logs: [logOf("log", log)], detections: [], redactor: REDACTOR, visitors });
    used = visitors[0].result();
    least = leastPrivilege(used, visitors[1]);
  });

  afterAll(() => server?.remove());

  test("leastPrivilege writes manifests that a real apiserver accepts as they are", async () => {
    const { documents, problems } = readYaml(writeManifests(least));
    expect(problems).toEqual([]);
    for (const { value } of documents) {
      const object = value as { kind: string; metadata: { namespace?: string } };
      const { namespace } = object.metadata;
      const place = namespace === undefined ? RBAC : `${RBAC}/namespaces/${namespace}`;
      const answer = await admin.request("POST", `${place}/${object.kind.toLowerCase()}s?fieldValidation=Strict`, {
        body: object,
      });
      expect([answer.status, answer.status === 201 ? "" : answer.text]).toEqual([201, ""]);
    }
    expect(documents.length).toBeGreaterThan(4);
  });

  test("leastPrivilege allows every used access, and none of the neighbours but those that it names", async () => {
    const accesses = used.allowed.map(({ access }) => access);
    expect(accesses.length).toBeGreaterThan(55);
    expect(least.notAllowed).toEqual([]);
    const rules = boundRules(least);
    const asked = new Map([...accesses, ...accesses.flatMap(neighbours)].map((access) => [accessKey(access), access]));
    const wrong: unknown[] = [];
    const tooMuch: Access[] = [];
    await untilReviewed(admin, accesses);
    for (const access of asked.values()) {
      const isUsed = accesses.some((each) => accessKey(each) === accessKey(access));
      const isAllowed = await review(admin, access);
      // Our evaluator and the real one agree about everything that is asked.
      if (isAllowed !== rules.some((rule) => boundRuleAllows(rule, access)) || (isUsed && !isAllowed)) {
        wrong.push({ access, isUsed, isAllowed });
      }
      if (isAllowed && !isUsed && !isNamed(access, accesses)) {
        tooMuch.push(access);
      }
    }
    expect([wrong, tooMuch]).toEqual([[], []]);
    expect(asked.size).toBeGreaterThan(800);
  });

  test("leastPrivilege names what RBAC could not narrow", () => {
    expect(least.cannotNarrow.join("\n")).toMatch(/get secrets in pay: 21 names were used/);
    expect(least.cannotNarrow.join("\n")).toMatch(/create configmaps in shop: it cannot be limited to names/);
    expect(least.cannotNarrow.join("\n")).toMatch(/list services in all namespaces/);
  });
});

/** Used without a name, of more names than are listed, or in all namespaces: the manifest's comments say so. */
function isNamed(access: Access, used: readonly Access[]): boolean {
  const alike = used.filter(
    ({ verb, group, resource, namespace }) =>
      verb === access.verb &&
      group === access.group &&
      resource === access.resource &&
      (namespace === access.namespace || namespace === "" || resource === "namespaces"),
  );
  const names = new Set(alike.map(({ name }) => name));
  return (
    names.has("") ||
    names.size > 20 ||
    (access.resource === "namespaces" && names.has(access.name)) ||
    alike.some(({ namespace, name }) => namespace === "" && name === access.name)
  );
}

function neighbours(access: Access): readonly Access[] {
  if (access.resource === "") {
    return [
      ...["post", "delete", "head"].map((verb) => ({ ...access, verb })),
      ...[`${access.path}/x`, `${access.path}x`, "/metrics", "/"].map((path) => ({ ...access, path })),
    ];
  }
  const [base = "", subresource] = access.resource.split("/");
  const resources = [subresource === undefined ? `${base}/status` : base, `${base}/log`, "roles", "pods", "secrets"];
  return [
    ...VERBS.map((verb) => ({ ...access, verb })),
    ...["", "shop", "pay", "kube-system"].map((namespace) => ({ ...access, namespace })),
    ...["", "other", "web"].map((name) => ({ ...access, name })),
    ...["", "apps", "batch"].map((group) => ({ ...access, group })),
    ...resources.map((resource) => ({ ...access, resource })),
  ].filter((each) => accessKey(each) !== accessKey(access));
}

async function create(client: ApiClient, path: string, body: unknown): Promise<void> {
  const answer = await client.request("POST", path, { body });
  expect([path, answer.status]).toEqual([path, 201]);
}

/** Bindings reach the authorizer through a watch. */
async function untilAllowed(worker: ApiClient): Promise<void> {
  while ((await worker.request("GET", "/apis/batch/v1/cronjobs?limit=1")).status === 403) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Until the last of the roles has come, or a minute has gone: then the test says what is missing. */
async function untilReviewed(admin: ApiClient, accesses: readonly Access[]): Promise<void> {
  const limit = Date.now() + 60_000;
  for (const access of accesses) {
    while (!(await review(admin, access)) && Date.now() < limit) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function review(admin: ApiClient, access: Access): Promise<boolean> {
  const { verb, group, resource: combined, namespace, name, path } = access;
  const [resource, subresource] = combined.split("/");
  const attributes =
    combined === ""
      ? { nonResourceAttributes: { verb, path } }
      : { resourceAttributes: { verb, group, resource, subresource, namespace, name } };
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user: WORKER, ...attributes },
  };
  const answer = await admin.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { body });
  expect(answer.status).toBe(201);
  return (JSON.parse(answer.text) as { readonly status: { readonly allowed: boolean } }).status.allowed;
}
