import type { TokenUser } from "../../../test/engines/apiserver/configuration.ts";

/** One request of the script. Its name is its Audit-ID. */
export interface Step {
  readonly name: string;
  /** A user of {@link USERS}, `nobody`, `bad-token`, or `minted`: whoever the token is for that the script had made. */
  readonly as: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const NODE = "system:node:node-1";
const MANAGER = "system:kube-controller-manager";
const SCHEDULER = "system:kube-scheduler";
const DEPLOYER = "system:serviceaccount:kube-system:deployment-controller";
const COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector";
const AUTHENTICATED = "system:authenticated";
const SERVICE_ACCOUNTS = ["system:serviceaccounts", "system:serviceaccounts:kube-system", AUTHENTICATED];

/** Who takes part besides `admin`: a person without rights, and those whose noise policies drop. */
export const USERS: readonly TokenUser[] = [
  { name: "alice", groups: ["dev-team"] },
  { name: NODE, groups: ["system:nodes"] },
  { name: MANAGER, groups: [] },
  { name: SCHEDULER, groups: [] },
  { name: DEPLOYER, groups: SERVICE_ACCOUNTS },
  { name: COLLECTOR, groups: SERVICE_ACCOUNTS },
];

const MERGE = { "Content-Type": "application/merge-patch+json" };
const JSON_PATCH = { "Content-Type": "application/json-patch+json" };
const APPLY = { "Content-Type": "application/apply-patch+yaml" };
const STRATEGIC = { "Content-Type": "application/strategic-merge-patch+json" };
const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol": "v5.channel.k8s.io",
};
const SHOP = "/api/v1/namespaces/shop";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

function step(name: string, request: string, more: Partial<Step> = {}): Step {
  const [method = "", path = ""] = request.split(" ");
  return { name, as: "admin", method, path, ...more };
}

function object(apiVersion: string, kind: string, name: string, rest: object = {}): object {
  return { apiVersion, kind, metadata: { name }, ...rest };
}

/** Create, read, change, list, watch and delete things that hold data. */
function dataSteps(kind: "Secret" | "ConfigMap", namespace: string): readonly Step[] {
  const plural = `${kind.toLowerCase()}s`;
  const all = `/api/v1/namespaces/${namespace}/${plural}`;
  const data = kind === "Secret" ? { password: "bm90LXJlYWw=" } : { mode: "fast" };
  const thing = (name: string): object => object("v1", kind, name, { data });
  const id = (what: string): string => `${namespace}-${plural}-${what}`;
  return [
    step(id("create"), `POST ${all}`, { body: thing("one") }),
    step(id("create-again"), `POST ${all}`, { body: thing("one") }),
    step(id("generate"), `POST ${all}`, {
      body: { apiVersion: "v1", kind, metadata: { generateName: "some-" }, data },
    }),
    step(id("dry-run"), `POST ${all}?dryRun=All`, { body: thing("two") }),
    step(id("get"), `GET ${all}/one`),
    step(id("get-missing"), `GET ${all}/none`),
    step(id("get-as-table"), `GET ${all}/one`, {
      headers: { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
    }),
    step(id("list"), `GET ${all}`),
    step(id("list-one"), `GET ${all}?fieldSelector=metadata.name%3Done`),
    step(id("list-all-namespaces"), `GET /api/v1/${plural}?labelSelector=none%3Dsuch`),
    step(id("head"), `HEAD ${all}/one`),
    step(id("watch"), `GET ${all}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Done`),
    step(id("update"), `PUT ${all}/one`, { body: thing("one") }),
    step(id("merge-patch"), `PATCH ${all}/one`, { headers: MERGE, body: { metadata: { labels: { a: "b" } } } }),
    step(id("json-patch"), `PATCH ${all}/one`, {
      headers: JSON_PATCH,
      body: [{ op: "add", path: "/metadata/labels/c", value: "d" }],
    }),
    step(id("apply"), `PATCH ${all}/one?fieldManager=script&force=true`, { headers: APPLY, body: thing("one") }),
    step(id("malformed"), `POST ${all}`, { body: '{"kind":' }),
    step(id("refused-get"), `GET ${all}/one`, { as: "alice" }),
    step(id("refused-create"), `POST ${all}`, { as: "alice", body: thing("three") }),
    step(id("delete"), `DELETE ${all}/one`, { body: { propagationPolicy: "Background" } }),
    step(id("delete-collection"), `DELETE ${all}?labelSelector=none%3Dsuch`),
  ];
}

const SERVICE_ACCOUNT_STEPS: readonly Step[] = [
  step("account-default", `POST ${SHOP}/serviceaccounts`, { body: object("v1", "ServiceAccount", "default") }),
  step("account-runner", `POST ${SHOP}/serviceaccounts`, { body: object("v1", "ServiceAccount", "runner") }),
  step("mint-token", `POST ${SHOP}/serviceaccounts/runner/token`, {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 600 } },
  }),
  step("minted-get", `GET ${SHOP}/secrets`, { as: "minted" }),
  step("minted-review", "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    as: "minted",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { namespace: "shop", verb: "get", resource: "secrets" } },
    },
  }),
  step("token-review", "POST /apis/authentication.k8s.io/v1/tokenreviews", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "no-such-token" } },
  }),
  step("self-review", "POST /apis/authentication.k8s.io/v1/selfsubjectreviews", {
    as: "alice",
    body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
  }),
  step("rules-review", "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
    as: "alice",
    body: { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace: "shop" } },
  }),
];

const RBAC_STEPS: readonly Step[] = [
  step("role-create", `POST ${RBAC}/namespaces/shop/roles`, {
    body: object("rbac.authorization.k8s.io/v1", "Role", "reader", {
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }],
    }),
  }),
  step("role-bind", `POST ${RBAC}/namespaces/shop/rolebindings`, {
    body: object("rbac.authorization.k8s.io/v1", "RoleBinding", "readers", {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
      subjects: [{ kind: "ServiceAccount", name: "runner", namespace: "shop" }],
    }),
  }),
  step("cluster-role-bind", `POST ${RBAC}/clusterrolebindings`, {
    body: object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "viewers", {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "viewers" }],
    }),
  }),
  step("cluster-role-bind-refused", `POST ${RBAC}/clusterrolebindings`, {
    as: "alice",
    body: object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "mine", {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "alice" }],
    }),
  }),
  step("cluster-role-get", `GET ${RBAC}/clusterroles/view`),
  step("role-patch", `PATCH ${RBAC}/namespaces/shop/roles/reader`, {
    headers: MERGE,
    body: { rules: [{ apiGroups: [""], resources: ["configmaps", "secrets"], verbs: ["get", "list"] }] },
  }),
  step("role-binding-delete", `DELETE ${RBAC}/namespaces/shop/rolebindings/readers`),
  step("role-delete-collection", `DELETE ${RBAC}/namespaces/shop/roles`),
  step("webhook-create", `POST ${ADMISSION}`, {
    body: object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "nothing", {
      webhooks: [
        {
          name: "nothing.shop.test",
          clientConfig: { url: "https://127.0.0.1:1/never" },
          rules: [{ apiGroups: ["shop.test"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["nothing"] }],
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    }),
  }),
  step("webhook-delete", `DELETE ${ADMISSION}/nothing`),
  step("csr-invalid", "POST /apis/certificates.k8s.io/v1/certificatesigningrequests", {
    body: object("certificates.k8s.io/v1", "CertificateSigningRequest", "mine", {
      spec: { request: "bm9uZQ==", signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] },
    }),
  }),
];

const POD = { containers: [{ name: "web", image: "registry.invalid/web:1" }] };
const TEMPLATE = { metadata: { labels: { app: "web" } }, spec: POD };

const WORKLOAD_STEPS: readonly Step[] = [
  step("pod-create", `POST ${SHOP}/pods`, { body: object("v1", "Pod", "web", { spec: POD }) }),
  step("pod-refused-by-admission", `POST ${SHOP}/pods`, {
    body: object("v1", "Pod", "lost", { spec: { ...POD, serviceAccountName: "none" } }),
  }),
  step("pod-get", `GET ${SHOP}/pods/web`),
  step("pods-list", `GET ${SHOP}/pods?limit=5`, { as: SCHEDULER }),
  step("pods-watch-old", `GET /api/v1/watch/namespaces/shop/pods?timeoutSeconds=1`),
  step("pod-ephemeral", `PATCH ${SHOP}/pods/web/ephemeralcontainers`, {
    headers: STRATEGIC,
    body: { spec: { ephemeralContainers: [{ name: "debug", image: "registry.invalid/debug:1" }] } },
  }),
  step("pod-status-by-node", `PATCH ${SHOP}/pods/web/status`, {
    as: NODE,
    headers: STRATEGIC,
    body: { status: { phase: "Pending" } },
  }),
  step("pod-eviction", `POST ${SHOP}/pods/none/eviction`, { body: object("policy/v1", "Eviction", "none") }),
  // The commands are comments and the pods do not exist: there is nothing that could run.
  step("exec-get", `GET ${SHOP}/pods/none/exec?command=sh&command=-c&command=%23+id&stdout=true`, { headers: UPGRADE }),
  step("exec-post", `POST ${SHOP}/pods/none/exec?command=sh&command=-c&command=%23+id&stdout=true`),
  step("exec-refused", `GET ${SHOP}/pods/none/exec?command=sh&stdout=true`, { as: "alice", headers: UPGRADE }),
  step("attach", `POST ${SHOP}/pods/none/attach?stdout=true`),
  step("port-forward", `GET ${SHOP}/pods/none/portforward?ports=80`, { headers: UPGRADE }),
  step("pod-log", `GET ${SHOP}/pods/none/log`),
  step("pod-proxy", `GET ${SHOP}/pods/none/proxy/metrics`),
  step("service-proxy", `GET ${SHOP}/services/none/proxy/`),
  step("node-proxy", `GET /api/v1/nodes/none/proxy/pods`),
  step("pod-delete", `DELETE ${SHOP}/pods/web?gracePeriodSeconds=0`),
  step("pods-delete-collection", `DELETE ${SHOP}/pods`),
  step("deployment-create", "POST /apis/apps/v1/namespaces/shop/deployments", {
    body: object("apps/v1", "Deployment", "web", {
      spec: { selector: { matchLabels: { app: "web" } }, template: TEMPLATE },
    }),
  }),
  step("deployment-scale", "PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale", {
    headers: MERGE,
    body: { spec: { replicas: 3 } },
  }),
  step("deployment-status", "PATCH /apis/apps/v1/namespaces/shop/deployments/web/status", {
    as: DEPLOYER,
    headers: MERGE,
    body: { status: { observedGeneration: 1 } },
  }),
  step("deployment-list", "GET /apis/apps/v1/deployments", { as: COLLECTOR }),
  step("deployment-delete", "DELETE /apis/apps/v1/namespaces/shop/deployments/web"),
  step("cron-job-create", "POST /apis/batch/v1/namespaces/shop/cronjobs", {
    body: object("batch/v1", "CronJob", "nightly", {
      spec: {
        schedule: "0 3 * * *",
        jobTemplate: { spec: { template: { ...TEMPLATE, spec: { ...POD, restartPolicy: "Never" } } } },
      },
    }),
  }),
];

function lease(name: string, holder: string): object {
  return object("coordination.k8s.io/v1", "Lease", name, {
    spec: { holderIdentity: holder, leaseDurationSeconds: 15 },
  });
}

const LEASES = "/apis/coordination.k8s.io/v1/namespaces";

const NOISE_STEPS: readonly Step[] = [
  step("lease-create", `POST ${LEASES}/kube-system/leases`, { as: SCHEDULER, body: lease("kube-scheduler", "a") }),
  step("lease-update", `PUT ${LEASES}/kube-system/leases/kube-scheduler`, {
    as: SCHEDULER,
    body: lease("kube-scheduler", "b"),
  }),
  step("lease-get", `GET ${LEASES}/kube-system/leases/kube-controller-manager`, { as: MANAGER }),
  step("lease-update-by-admin", `PUT ${LEASES}/kube-system/leases/kube-scheduler`, {
    body: lease("kube-scheduler", "c"),
  }),
  step("node-create", "POST /api/v1/nodes", { as: NODE, body: object("v1", "Node", "node-1") }),
  step("node-status", "PATCH /api/v1/nodes/node-1/status", {
    as: NODE,
    headers: STRATEGIC,
    body: { status: { phase: "Running" } },
  }),
  step("node-lease-create", `POST ${LEASES}/kube-node-lease/leases`, { as: NODE, body: lease("node-1", "node-1") }),
  step("node-lease-update", `PUT ${LEASES}/kube-node-lease/leases/node-1`, {
    as: NODE,
    body: lease("node-1", "node-1"),
  }),
  step("node-reads-other-secret", `GET ${SHOP}/secrets/one`, { as: NODE }),
  step("event-by-controller", `POST ${SHOP}/events`, {
    as: DEPLOYER,
    body: object("v1", "Event", "scaled.1", {
      involvedObject: { kind: "Deployment", namespace: "shop", name: "web" },
      reason: "Scaled",
      message: "scaled up",
      type: "Normal",
    }),
  }),
  step("discovery-by-collector", "GET /apis", { as: COLLECTOR }),
  step("list-by-collector", "GET /api/v1/services", { as: COLLECTOR }),
];

const URL_STEPS: readonly Step[] = [
  ...[
    "/healthz",
    "/healthz/ping",
    "/livez",
    "/readyz",
    "/version",
    "/api",
    "/apis",
    "/apis/apps/v1",
    "/openapi/v3",
  ].map((path) => step(`url${path.replaceAll("/", "-")}`, `GET ${path}`)),
  step("url-metrics", "HEAD /metrics"),
  step("url-missing", "GET /no/such/thing"),
  step("url-refused", "GET /metrics", { as: "alice" }),
  step("url-post", "POST /version", { body: {} }),
  step("anonymous-health", "GET /healthz", { as: "nobody" }),
  step("anonymous-ready-with-query", "GET /readyz?exclude=etcd", { as: "nobody" }),
  step("anonymous-version", "GET /version", { as: "nobody" }),
  step("anonymous-secrets", "GET /api/v1/secrets", { as: "nobody" }),
  step("anonymous-create", `POST ${SHOP}/pods`, { as: "nobody", body: object("v1", "Pod", "x", { spec: POD }) }),
  step("bad-token-pods", "GET /api/v1/pods", { as: "bad-token" }),
  step("bad-token-secret", `POST ${SHOP}/secrets`, { as: "bad-token", body: object("v1", "Secret", "x") }),
  step("bad-token-health", "GET /healthz", { as: "bad-token" }),
  step("bad-timeout", "GET /api/v1/pods?timeout=x"),
  step("impersonated-get", `GET ${SHOP}/configmaps`, { headers: { "Impersonate-User": "alice" } }),
  step("impersonated-noise", `PUT ${LEASES}/kube-system/leases/kube-scheduler`, {
    headers: { "Impersonate-User": SCHEDULER },
    body: lease("kube-scheduler", "d"),
  }),
  step("impersonation-refused", `GET ${SHOP}/secrets`, { as: "alice", headers: { "Impersonate-User": "admin" } }),
  step("unknown-resource", `GET ${SHOP}/widgets`),
  step("unknown-group", "GET /apis/shop.test/v1/namespaces/shop/orders"),
  step("options", `OPTIONS ${SHOP}/pods`),
];

/** What is asked of each apiserver, in order: from a fresh start the answers are the same each time. */
export const SCRIPT: readonly Step[] = [
  step("namespace-create", "POST /api/v1/namespaces", { body: object("v1", "Namespace", "shop") }),
  step("namespace-get", "GET /api/v1/namespaces/shop"),
  step("namespace-patch", "PATCH /api/v1/namespaces/shop", {
    headers: MERGE,
    body: { metadata: { labels: { a: "b" } } },
  }),
  ...dataSteps("Secret", "shop"),
  ...dataSteps("ConfigMap", "shop"),
  ...dataSteps("ConfigMap", "kube-system"),
  ...SERVICE_ACCOUNT_STEPS,
  ...RBAC_STEPS,
  ...WORKLOAD_STEPS,
  ...NOISE_STEPS,
  ...URL_STEPS,
  step("namespace-delete", "DELETE /api/v1/namespaces/shop"),
];
