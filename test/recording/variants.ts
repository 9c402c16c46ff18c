import { AGENTS, forwarded } from "./actors.ts";
import { NODES } from "./control-plane.ts";
import { DANA, ERIN, MALLORY } from "./people.ts";
import { binding, clusterRole, named, pod, podSpec, rule, workload } from "./setting.ts";
import { account, person, sent } from "./sent.ts";
import type { Call } from "./sent.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";
import { EVENT_VARIANTS } from "./variants-of-events.ts";
import { NEWER_KINDS_VARIANTS } from "./variants-of-newer-kinds.ts";
import { RIGHTS_VARIANTS } from "./variants-of-rights.ts";
import { TRAFFIC_VARIANTS } from "./variants-of-traffic.ts";
import { TRICK_VARIANTS } from "./variants-of-tricks.ts";

const create = createdBy(ERIN);
const IMAGE = "ghcr.example/acme/toolbox:8";
const INFORMERS = "kube-controller-manager/v1.37.2 (linux/amd64) kubernetes/0000000/shared-informers";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ARC = "azure-arc-kube-aad-proxy-sa";
/** Of tokens that the apiserver itself takes, where nothing else is configured. */
const OWN_AUDIENCE = "https://kubernetes.default.svc.cluster.local";

/** What the steps need that the scene has not. */
const SCENE: readonly Step[] = [
  create(
    "scene",
    "none",
    "namespaces",
    named("Namespace", "v1", "azure-arc"),
    named("ServiceAccount", "v1", ARC, "azure-arc"),
    binding("arc", "cluster-admin", { kind: "ServiceAccount", name: ARC, namespace: "azure-arc" }),
    // Somebody who may write roles, and only those that grant no more than their own: what RBAC is for.
    clusterRole("role-writer", [
      rule("rbac.authorization.k8s.io", "roles,rolebindings,clusterroles", "get,create,update,patch"),
      rule("", "configmaps", "get"),
    ]),
    binding("role-writer", "role-writer", { kind: "ServiceAccount", name: "ci-bot", namespace: "ci" }),
    pod("kube-system", "maintenance", podSpec(IMAGE)),
  ),
];

const paths = (count: number, prefix: string): readonly Call[] =>
  Array.from({ length: count }, (_, n) => ["GET", `${prefix}/group-${n}/v1`] as const);
const secretsOf = (namespace: string, count: number): readonly Call[] =>
  Array.from({ length: count }, (_, n) => ["GET", `/api/v1/namespaces/${namespace}/secrets/guess-${n}`] as const);
const rulesOf = (kind: string, name: string, ...rules: readonly unknown[]): object => ({
  ...named(kind, "rbac.authorization.k8s.io/v1", name, kind === "Role" ? "sandbox" : undefined),
  rules,
});
const webhook = (name: string, more: object): object => ({
  ...named("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", name),
  webhooks: [
    {
      name: `${name}.acme.example`,
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      timeoutSeconds: 1,
      rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] }],
      ...more,
    },
  ],
});

const ACCESS: readonly Step[] = [
  sent(["administrator-as-developer", "T1078", ERIN], person(ERIN), [
    "GET",
    "/api/v1/namespaces/team-a/pods",
    { headers: { "Impersonate-User": DANA } },
  ]),
  sent(["developer-from-elsewhere", "T1078", DANA], person(DANA), [
    "GET",
    "/api/v1/namespaces/shop/pods",
    { headers: forwarded("198.51.100.24") },
  ]),
  sent(
    ["arc-agent-for-somebody", "T1552.007", `system:serviceaccount:azure-arc:${ARC}`],
    account("azure-arc", ARC),
    ["GET", "/api/v1/namespaces/shop/secrets/db-credentials", { headers: { "Impersonate-User": DANA } }],
    ["GET", "/api/v1/namespaces/payments/configmaps", { headers: { "Impersonate-User": "ops-erin" } }],
    ["GET", "/api/v1/namespaces/azure-arc/secrets"],
    ["GET", "/api/v1/namespaces/shop/pods", { headers: { "Impersonate-User": DANA } }],
  ),
  sent(["api-crawled", "T1613", MALLORY], person(MALLORY), ...paths(18, "/apis")),
  sent(
    ["api-crawled-by-account", "T1613", "system:serviceaccount:ci:ci-bot"],
    account("ci", "ci-bot"),
    ...paths(16, "/openapi/v3/apis"),
  ),
  sent(["api-looked-at", "T1613", DANA], person(DANA), ...paths(9, "/apis")),
  byKubectl(
    ["exec-in-system", "T1609", ERIN],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "kube-system", "exec", "maintenance", "--", "sh", "-c", "# id"],
  ),
  byKubectl(
    ["attach-in-system", "T1609", ERIN],
    ["get:pods/attach", "create:pods/attach"],
    "-n kube-system attach maintenance",
  ),
  byKubectl(
    ["tunnel-in-system", "T1090", ERIN],
    ["get:pods/portforward", "create:pods/portforward"],
    "-n kube-system port-forward maintenance 18081:80 --pod-running-timeout=2s",
  ),
  byKubectl(
    ["files-put-in", "T1105", DANA],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "shop", "exec", "deploy/web", "--", "tar", "xmf", "-", "-C", "/srv"],
  ),
  byKubectl(
    ["files-taken-out", "T1005", DANA],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "shop", "exec", "deploy/web", "--", "tar", "cf", "-", "/srv/data"],
  ),
  byKubectl(
    ["archive-listed", "none", DANA],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "shop", "exec", "deploy/web", "--", "tar", "tvf", "/srv/a.tar"],
  ),
  create("anonymous-may-edit", "T1098.006", "rolebindings", {
    ...named("RoleBinding", "rbac.authorization.k8s.io/v1", "everyone", "sandbox"),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "system:anonymous" }],
  }),
  sent(
    ["anonymous-writes", "T1190", "system:anonymous"],
    () => undefined,
    ["GET", "/api/v1/namespaces/sandbox/configmaps/experiment-1"],
    [
      "POST",
      "/api/v1/namespaces/sandbox/configmaps",
      { body: { ...named("ConfigMap", "v1", "left"), data: { a: "1" } } },
    ],
    ["DELETE", "/api/v1/namespaces/sandbox/configmaps/experiment-2"],
    ["DELETE", "/api/v1/namespaces/payments/configmaps/experiment-2"],
  ),
  sent(
    ["grants-beyond-own-rights", "T1098.006", "system:serviceaccount:ci:ci-bot"],
    account("ci", "ci-bot"),
    ["POST", `${RBAC}/namespaces/sandbox/roles`, { body: rulesOf("Role", "more", rule("", "secrets", "get")) }],
    ["POST", `${RBAC}/clusterroles`, { body: rulesOf("ClusterRole", "most", rule("*", "*", "*")) }],
    ["POST", `${RBAC}/namespaces/sandbox/roles`, { body: rulesOf("Role", "same", rule("", "configmaps", "get")) }],
    ["POST", `${RBAC}/clusterrolebindings`, { body: binding("x", "view", { kind: "User", name: "x" }) }],
  ),
  sent(
    ["certificate-of-an-account", "T1550", "system:serviceaccount:shop:web"],
    (actors) => actors.freshCertificate("system:serviceaccount:shop:web", []),
    ["GET", "/api/v1/namespaces/shop/pods"],
  ),
  sent(
    ["node-reads-elsewhere", "T1552.007", "system:node:node-2"],
    person("system:node:node-2"),
    ["GET", "/api/v1/namespaces/shop/secrets/db-credentials", { headers: { "User-Agent": AGENTS.kubelet } }],
    [
      "PATCH",
      "/api/v1/nodes/node-3",
      {
        headers: { "User-Agent": AGENTS.kubelet },
        body: { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } } },
      },
    ],
    [
      "PATCH",
      "/api/v1/nodes/node-2",
      {
        headers: { "User-Agent": AGENTS.kubelet },
        body: { metadata: { labels: { "node-restriction.kubernetes.io/zone": "a" } } },
      },
    ],
  ),
  sent(["secrets-guessed", "T1552.007", MALLORY], person(MALLORY), ...secretsOf("payments", 12)),
  sent(["secrets-watched", "T1552.007", ERIN], person(ERIN), [
    "GET",
    "/api/v1/namespaces/shop/secrets?watch=true&timeoutSeconds=1",
  ]),
  sent(["tool-names-itself", "T1613", DANA], person(DANA), [
    "GET",
    "/api/v1/namespaces/shop/services",
    { headers: { "User-Agent": "kdigger/1.5.1" } },
  ]),
  sent(
    ["writes-refused", "T1613", MALLORY],
    person(MALLORY),
    ["POST", "/api/v1/namespaces/shop/pods", { body: pod("shop", "mine", podSpec(IMAGE)) }],
    ["DELETE", "/api/v1/namespaces/shop/services/inside"],
  ),
  sent(["agent-of-a-component", "T1036", DANA], person(DANA), [
    "GET",
    "/api/v1/namespaces/shop/pods",
    { headers: { "User-Agent": "kube-controller-manager/v1.37.2 (linux/amd64) kubernetes/0000000" } },
  ]),
  sent(["manager-of-a-component", "T1036", ERIN], person(ERIN), [
    "PATCH",
    "/api/v1/namespaces/sandbox/configmaps/experiment-3?fieldManager=kubelet",
    { body: { data: { seed: "other" } } },
  ]),
  sent(["body-hidden-by-size", "T1562.008", ERIN], person(ERIN), [
    "POST",
    `${RBAC}/clusterroles`,
    {
      body: {
        ...clusterRole("padded-role", [rule("*", "*", "*")]),
        metadata: { name: "padded-role", annotations: { pad: "y".repeat(200_000) } },
      },
    },
  ]),
  sent(["kubelet-called", "T1609", "system:node:node-1"], person("system:node:node-1"), [
    "POST",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    {
      headers: { "User-Agent": AGENTS.kubelet },
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user: MALLORY,
          groups: ["contractors", "system:authenticated"],
          resourceAttributes: { verb: "get", version: "v1", resource: "nodes", subresource: "proxy", name: "node-1" },
        },
      },
    },
  ]),
  sent(
    ["controller-manager-by-another", "T1552.007", "system:kube-controller-manager"],
    (actors) => actors.freshCertificate("system:kube-controller-manager", []),
    [
      "GET",
      "/api/v1/secrets?limit=500",
      {
        headers: { "User-Agent": INFORMERS },
      },
    ],
  ),
  sent(
    ["controller-manager-from-elsewhere", "T1552.007", "system:kube-controller-manager"],
    person("system:kube-controller-manager"),
    [
      "GET",
      "/api/v1/secrets?watch=true&timeoutSeconds=1",
      {
        headers: forwarded("203.0.113.77", INFORMERS),
      },
    ],
  ),
  sent(
    ["controller-manager-at-work", "none", "system:kube-controller-manager"],
    person("system:kube-controller-manager"),
    ["GET", "/api/v1/configmaps?limit=1", { headers: forwarded("203.0.113.77") }],
  ),
];

const WORKLOADS: readonly Step[] = [
  create("miner-in-a-job", "T1496", "jobs", {
    ...named("Job", "batch/v1", "bench", "sandbox"),
    spec: { template: { spec: { ...podSpec("docker.example/x/xmrig:6"), restartPolicy: "Never" } } },
  }),
  byKubectl(["second-container", "T1525", ERIN], "patch:deployments", [
    "-n",
    "shop",
    "patch",
    "deployment",
    "web",
    "--type",
    "json",
    "-p",
    '[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"log","image":"docker.example/x/log:1"}}]',
  ]),
  sent(["bound-by-hand", "T1610", ERIN], person(ERIN), [
    "POST",
    "/api/v1/namespaces/sandbox/bindings",
    { body: { ...named("Binding", "v1", "waiting", "sandbox"), target: { kind: "Node", name: "node-1" } } },
  ]),
  create(
    "gpus-in-a-deployment",
    "T1496",
    "deployments",
    workload("Deployment", "sandbox", "train", podSpec(IMAGE, { resources: { limits: { "nvidia.com/gpu": 4 } } }), {
      replicas: 1,
    }),
  ),
  create(
    "root-by-pod",
    "T1611",
    "pods",
    pod("sandbox", "rooted", podSpec(IMAGE, {}, { securityContext: { runAsUser: 0 } })),
  ),
  create(
    "controllers-account",
    "T1078",
    "deployments",
    workload("Deployment", "kube-system", "expander", podSpec(IMAGE, {}, { serviceAccountName: "expand-controller" }), {
      replicas: 1,
    }),
  ),
  byKubectl(["many-replicas", "T1496", ERIN], "patch:deployments", [
    "-n",
    "sandbox",
    "patch",
    "deployment",
    "load",
    "--type",
    "merge",
    "-p",
    '{"spec":{"replicas":34}}',
  ]),
  sent(["static-pod", "T1543.005", "system:node:node-2"], person("system:node:node-2"), [
    "POST",
    "/api/v1/namespaces/sandbox/pods",
    {
      headers: { "User-Agent": AGENTS.kubelet },
      body: {
        ...pod("sandbox", "cache-node-2", {
          ...podSpec(IMAGE),
          nodeName: "node-2",
          tolerations: [{ operator: "Exists", effect: "NoExecute" }],
        }),
        metadata: {
          name: "cache-node-2",
          namespace: "sandbox",
          annotations: {
            "kubernetes.io/config.mirror": "9a1d6c2b8a7e4d3c9b0a1f2e3d4c5b6b",
            "kubernetes.io/config.source": "file",
          },
        },
      },
    },
  ]),
  byKubectl(["node-debugged", "T1610", ERIN], "create:pods", [
    "debug",
    "node/node-2",
    `--image=${IMAGE}`,
    "--",
    "sh",
    "-c",
    "# id",
  ]),
  {
    label: "pods-evicted",
    technique: "T1489",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const { items } = (await actors.look("/api/v1/namespaces/sandbox/pods")) as {
        readonly items: readonly { readonly metadata: { readonly name: string } }[];
      };
      for (const { metadata } of items.slice(0, 14)) {
        await actors.send(
          actors.certificate(ERIN),
          "POST",
          `/api/v1/namespaces/sandbox/pods/${metadata.name}/eviction`,
          {
            body: named("Eviction", "policy/v1", metadata.name, "sandbox"),
          },
        );
      }
      return undefined;
    },
  },
  byKubectl(["nodes-drained", "T1489", ERIN], "patch:nodes", ["cordon", ...NODES]),
];

const CLUSTER: readonly Step[] = [
  create(
    "dashboard-exposed",
    "T1133",
    "services",
    {
      ...named("Service", "v1", "kubernetes-dashboard", "monitoring"),
      spec: { type: "LoadBalancer", ports: [{ port: 443 }] },
    },
    { ...named("Service", "v1", "grafana", "monitoring"), spec: { type: "NodePort", ports: [{ port: 3000 }] } },
    { ...named("Service", "v1", "prometheus", "monitoring"), spec: { type: "ClusterIP", ports: [{ port: 9090 }] } },
  ),
  create("ingress-to-dashboard", "T1133", "ingresses", {
    ...named("Ingress", "networking.k8s.io/v1", "board", "monitoring"),
    spec: {
      rules: [
        {
          host: "board.example",
          http: {
            paths: [
              {
                path: "/",
                pathType: "Prefix",
                backend: { service: { name: "kubernetes-dashboard", port: { number: 443 } } },
              },
            ],
          },
        },
      ],
    },
  }),
  create(
    "roles-for-workloads",
    "T1098.006",
    "clusterroles",
    clusterRole("releaser", [rule("apps", "deployments", "get,create,patch")]),
    clusterRole("looker", [rule("apps", "deployments", "get,list")]),
  ),
  byKubectl(["role-gets-workloads", "T1098.006", ERIN], "patch:clusterroles", [
    "patch",
    "clusterrole",
    "looker",
    "--type",
    "json",
    "-p",
    '[{"op":"add","path":"/rules/0/verbs/-","value":"update"}]',
  ]),
  create(
    "role-for-webhooks",
    "T1098.006",
    "clusterroles",
    clusterRole("hooks", [rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create,update")]),
  ),
  create("own-binding", "T1098.006", "clusterrolebindings", binding("mine", "admin", { kind: "User", name: ERIN })),
  create(
    "webhook-fails-open",
    "T1546",
    "validatingwebhookconfigurations",
    webhook("open", { failurePolicy: "Ignore", clientConfig: { service: { name: "absent", namespace: "sandbox" } } }),
  ),
  {
    label: "written-past-the-webhook",
    technique: "T1562.001",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      // Until the apiserver has read the configuration nothing is asked.
      for (let n = 0; n < 8; n++) {
        await actors.send(actors.certificate(ERIN), "PATCH", "/api/v1/namespaces/sandbox/configmaps/experiment-4", {
          body: { data: { seed: `past-${n}` } },
        });
      }
      return undefined;
    },
  },
  create(
    "webhook-blocks",
    "T1499",
    "validatingwebhookconfigurations",
    webhook("blocks", {
      failurePolicy: "Fail",
      clientConfig: { url: "https://127.0.0.1:9/" },
      rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["leases"] }],
    }),
  ),
  byKubectl(
    ["webhooks-removed", "T1562.001", ERIN],
    "delete:validatingwebhookconfigurations",
    "delete validatingwebhookconfiguration open blocks",
  ),
  create("aggregated-api", "T1546", "apiservices", {
    ...named("APIService", "apiregistration.k8s.io/v1", "v1beta1.metrics.acme.example"),
    spec: {
      group: "metrics.acme.example",
      version: "v1beta1",
      groupPriorityMinimum: 100,
      versionPriority: 10,
      insecureSkipTLSVerify: true,
      service: { name: "absent", namespace: "sandbox" },
    },
  }),
  byKubectl(
    ["aggregated-api-removed", "none", ERIN],
    "delete:apiservices",
    "delete apiservice v1beta1.metrics.acme.example",
  ),
  byKubectl(["conversion-webhook", "T1546", ERIN], "patch:customresourcedefinitions", [
    "patch",
    "crd",
    "backups.velero.io",
    "--type",
    "merge",
    "-p",
    JSON.stringify({
      spec: {
        conversion: {
          strategy: "Webhook",
          webhook: { conversionReviewVersions: ["v1"], clientConfig: { url: "https://127.0.0.1:9/convert" } },
        },
      },
    }),
  ]),
  create("load-balancer", "T1133", "services", {
    ...named("Service", "v1", "api-out", "team-a"),
    spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
  }),
  create("ingress-in-the-clear", "T1190", "ingresses", {
    ...named("Ingress", "networking.k8s.io/v1", "clear", "team-a"),
    spec: {
      rules: [
        {
          host: "api.example",
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "api", port: { number: 80 } } } }],
          },
        },
      ],
    },
  }),
  create("volume-of-the-node", "T1611", "persistentvolumes", {
    ...named("PersistentVolume", "v1", "logs-of-node"),
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/var/log" } },
  }),
  byKubectl(
    ["token-for-elsewhere", "T1528", ERIN],
    "create:serviceaccounts/token",
    "-n shop create token web --audience=https://vault.acme.example",
  ),
  byKubectl(
    ["token-for-here-and-elsewhere", "T1528", ERIN],
    "create:serviceaccounts/token",
    `-n shop create token web --audience=${OWN_AUDIENCE} --audience=https://vault.acme.example`,
  ),
  byKubectl(
    ["token-for-elsewhere-and-here", "T1528", ERIN],
    "create:serviceaccounts/token",
    `-n shop create token deployer --audience=sts.amazonaws.com --audience=${OWN_AUDIENCE}`,
  ),
  byKubectl(
    ["token-for-here", "none", ERIN],
    "create:serviceaccounts/token",
    `-n shop create token web --audience=${OWN_AUDIENCE}`,
  ),
  byKubectl(["token-by-default", "none", ERIN], "create:serviceaccounts/token", "-n shop create token deployer"),
  sent(["token-for-nobody", "T1528", ERIN], person(ERIN), [
    "POST",
    "/api/v1/namespaces/shop/serviceaccounts/web/token",
    { body: { ...named("TokenRequest", "authentication.k8s.io/v1", "web"), spec: { audiences: [""] } } },
  ]),
  sent(["finalizers-removed", "T1485", ERIN], person(ERIN), [
    "PATCH",
    "/api/v1/namespaces/payments/persistentvolumeclaims/ledger",
    { body: { metadata: { finalizers: null } } },
  ]),
  byKubectl(["leader-lease-looked-at", "none", DANA], "get:leases", "-n kube-system get lease kube-scheduler"),
  sent(["lease-of-scheduler-taken", "T1499", ERIN], person(ERIN), [
    "PATCH",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
    { body: { spec: { holderIdentity: "me_1" } } },
  ]),
];

/** What the other recordings have once or not at all, in other words: second hits, and near misses. */
export const VARIANT_DEEDS: readonly Step[] = [
  ...SCENE,
  ...ACCESS,
  ...WORKLOADS,
  ...CLUSTER,
  ...RIGHTS_VARIANTS,
  ...NEWER_KINDS_VARIANTS,
  ...TRAFFIC_VARIANTS,
  ...TRICK_VARIANTS,
  ...EVENT_VARIANTS,
];
