import { AGENTS, at, forwarded, until } from "./actors.ts";
import type { Credential, Sent } from "./actors.ts";
import { NEAR_MISSES_OF_NODES } from "./near-misses-of-nodes.ts";
import { NEAR_MISSES_OF_WRITING } from "./near-misses-of-writing.ts";
import { ERIN, FRANK, GINA, HUGO, IDA } from "./people.ts";
import { binding, named, pod, podSpec, workload } from "./setting.ts";
import { account, person, sent } from "./sent.ts";
import type { Call } from "./sent.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Scene, Step } from "./step.ts";

const create = createdBy(ERIN);
const IVAN = "ivan";
const ARC = "azure-arc-kube-aad-proxy-sa";
const IMAGE = "ghcr.example/acme/toolbox:9";
/** Served by every apiserver of that version. */
const GROUPS =
  "apps batch autoscaling policy networking.k8s.io rbac.authorization.k8s.io storage.k8s.io coordination.k8s.io discovery.k8s.io events.k8s.io node.k8s.io scheduling.k8s.io certificates.k8s.io authorization.k8s.io authentication.k8s.io apiextensions.k8s.io".split(
    " ",
  );
const SECRETS = ["card-vault", "bank-gateway", "ledger-db", "mail-relay", "fraud-api"];
/** Namespaces of the scene. */
const NAMESPACES = ["shop", "ci", "team-a", "payments", "sandbox", "monitoring"];

function times<T>(count: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const secret = (namespace: string, name: string): Call => ["GET", `/api/v1/namespaces/${namespace}/secrets/${name}`];
const anonymous = (): Credential => undefined;

/** Requests with tokens that nobody knows, sent one after the other as these say. */
function badTokens(label: string, count: number, ...ways: readonly Sent[]): Step {
  return {
    label,
    technique: "T1110",
    principal: "",
    deeds: [],
    run: async ({ actors }) => {
      for (let n = 0; n < count; n++) {
        await actors.send({ token: `not.a.token-${n}` }, "GET", "/api/v1/namespaces", ways[n % ways.length]);
      }
      return undefined;
    },
  };
}

/** What the steps need that the scene has not: pods to exec into and to evict. */
const SCENE: readonly Step[] = [
  create(
    "scene",
    "none",
    "pods",
    workload("Deployment", "sandbox", "herd", podSpec("registry.example/herd:1"), { replicas: 34 }),
    pod("sandbox", "host-tools", podSpec(IMAGE, { securityContext: { privileged: true } })),
    pod("sandbox", "process-viewer", podSpec(IMAGE, {}, { hostPID: true })),
    pod("sandbox", "plain-tools", podSpec(IMAGE)),
    pod("shop", "ledger-reader", podSpec(IMAGE, {}, { serviceAccountName: "deployer" })),
    named("Namespace", "v1", "azure-arc"),
    named("ServiceAccount", "v1", ARC, "azure-arc"),
    binding("arc", "cluster-admin", { kind: "ServiceAccount", name: ARC, namespace: "azure-arc" }),
    named("Namespace", "v1", "full"),
    { ...named("ResourceQuota", "v1", "nothing", "full"), spec: { hard: { pods: "0" } } },
    // As kubeadm binds it: the controller approves what kubelets ask for themselves.
    binding("renewals", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", {
      kind: "Group",
      name: "system:nodes",
    }),
  ),
  {
    label: "scene-runs",
    technique: "none",
    principal: "system:node",
    deeds: [],
    run: (scene) =>
      until("the pods of the scene", async () => {
        const all = await Promise.all(
          ["sandbox", "shop"].map((name) => scene.actors.look(`/api/v1/namespaces/${name}/pods`)),
        );
        const pods = all.flatMap((list) => (at(list, "items") as readonly unknown[] | undefined) ?? []);
        return pods.length >= 48 && pods.every((one) => at(one, "status", "phase") === "Running") ? true : undefined;
      }),
  },
];

const CREDENTIALS: readonly Step[] = [
  badTokens("nine-bad-tokens", 9, { headers: forwarded("203.0.113.202"), peer: "127.0.0.2" }),
  badTokens("ten-bad-tokens-from-two-addresses", 10, { peer: "127.0.0.3" }, { peer: "127.0.0.4" }),
  // Who invents addresses in front of the own one does not become two.
  badTokens(
    "ten-bad-tokens-under-two-addresses",
    10,
    { headers: forwarded("203.0.113.203"), peer: "127.0.0.5" },
    { headers: forwarded("203.0.113.204"), peer: "127.0.0.5" },
  ),
  sent(
    ["four-secrets-read", "none", FRANK],
    person(FRANK),
    ...SECRETS.slice(0, 4).map((name) => secret("payments", name)),
  ),
  sent(["one-secret-read-often", "none", IDA], person(IDA), ...times(6, () => secret("payments", "card-vault"))),
  sent(["five-absent-secrets", "none", ERIN], person(ERIN), ...times(5, (n) => secret("payments", `absent-${n}`))),
  byKubectl(["secret-labelled", "none", ERIN], "patch:secrets", "-n shop label secret db-credentials tier=data"),
  byKubectl(
    ["account-made", "none", ERIN],
    "create:serviceaccounts",
    "-n sandbox create serviceaccount kubernetes-admin",
  ),
  sent(
    ["four-secrets-refused", "T1552.007", HUGO],
    person(HUGO),
    ...SECRETS.slice(0, 4).map((name) => secret("payments", name)),
  ),
  sent(["five-secrets-refused-to-two", "T1552.007", IVAN], person(IVAN), secret("payments", "fraud-api")),
  sent(
    ["controller-manager-again", "none", "system:kube-controller-manager"],
    person("system:kube-controller-manager"),
    ["GET", "/api/v1/secrets?limit=500"],
  ),
  sent(
    ["controller-manager-in-one-namespace", "none", "system:kube-controller-manager"],
    (actors) => actors.freshCertificate("system:kube-controller-manager", []),
    ["GET", "/api/v1/namespaces/shop/secrets?limit=500"],
  ),
  {
    label: "pods-own-token",
    technique: "none",
    principal: "system:serviceaccount:shop:deployer",
    deeds: [],
    note: "kwok asks for no token: the recording sends what a kubelet sends; the pod's address is in front of its node's",
    run: ownToken,
  },
  {
    label: "token-made-and-used-twice",
    technique: "T1528",
    principal: "system:serviceaccount:shop:web",
    deeds: [],
    run: async ({ actors }) => {
      const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
      const path = "/api/v1/namespaces/shop/serviceaccounts/web/token";
      const { body: answer } = await actors.send(actors.certificate(ERIN), "POST", path, { body });
      const token = String(at(answer, "status", "token"));
      for (let n = 0; n < 2; n++) await actors.send({ token }, "GET", "/apis");
      return undefined;
    },
  },
  sent(["masters-certificate-twice", "none", FRANK], person(FRANK), ["GET", "/version"], ["GET", "/version"]),
  sent(["certificate-of-a-team", "none", GINA], person(GINA), ["GET", "/version"]),
  sent(
    ["account-of-that-name", "none", "system:serviceaccount:sandbox:kubernetes-admin"],
    account("sandbox", "kubernetes-admin"),
    ["GET", "/version"],
  ),
  sent(["person-of-nearly-that-name", "none", "administrator"], person("administrator"), ["GET", "/version"]),
  sent(["node-impersonated-and-refused", "T1078", ERIN], person(ERIN), [
    "GET",
    "/api/v1/namespaces/payments/secrets/card-vault",
    { headers: { "Impersonate-User": "system:node:node-1", "Impersonate-Group": "system:nodes" } },
  ]),
  sent(
    ["arc-agent-for-an-administrator", "T1552.007", `system:serviceaccount:azure-arc:${ARC}`],
    account("azure-arc", ARC),
    [
      "GET",
      "/api/v1/namespaces/payments/secrets/card-vault",
      { headers: { "Impersonate-User": ERIN, "Impersonate-Group": "system:masters" } },
    ],
    [
      "GET",
      "/api/v1/namespaces/payments/services/none",
      { headers: { "Impersonate-User": ERIN, "Impersonate-Group": "system:masters" } },
    ],
  ),
  sent(["curious-object", "none", HUGO], person(HUGO), [
    "GET",
    "/api/v1/namespaces/shop/configmaps/cannot%20impersonate",
  ]),
  sent(
    ["curious-person", "none", "cannot impersonate"],
    (actors) => actors.freshCertificate("cannot impersonate", []),
    ["GET", "/api/v1/namespaces/shop/secrets"],
  ),
  sent(["refused-under-another-name", "T1078", ERIN], person(ERIN), [
    "GET",
    "/api/v1/namespaces/payments/secrets",
    { headers: { "Impersonate-User": HUGO } },
  ]),
];

const LOOKING_AROUND: readonly Step[] = [
  sent(
    ["four-paths-anonymously", "T1613", "system:anonymous"],
    anonymous,
    ...["/", "/api", "/apis", "/metrics"].map((path): Call => ["GET", path, { headers: forwarded("203.0.113.205") }]),
  ),
  sent(
    ["one-path-anonymously", "T1613", "system:anonymous"],
    anonymous,
    ...times(8, (): Call => ["GET", "/version", { headers: forwarded("203.0.113.206") }]),
  ),
  sent(
    ["five-paths-from-two-addresses", "T1613", "system:anonymous"],
    anonymous,
    ...["/", "/api", "/apis", "/metrics", "/.env"].map((path, n): Call => [
      "GET",
      path,
      { peer: `127.0.0.${6 + (n % 2)}` },
    ]),
  ),
  sent(
    ["fourteen-groups-crawled", "T1613", GINA],
    person(GINA),
    ...times(14, (n): Call => ["GET", `/apis/group-${n}/v1`]),
  ),
  sent(
    ["sixteen-groups-crawled", "T1613", IDA],
    person(IDA),
    ...GROUPS.map((group): Call => ["GET", `/apis/${group}/v1`]),
  ),
  sent(["one-document-often", "none", FRANK], person(FRANK), ...times(16, (): Call => ["GET", "/apis"])),
  sent(
    ["five-kinds-listed", "T1613", HUGO],
    person(HUGO),
    ...["pods", "services", "configmaps", "serviceaccounts", "nodes"].map((kind): Call => ["GET", `/api/v1/${kind}`]),
  ),
  sent(
    ["one-kind-in-six-namespaces", "none", FRANK],
    person(FRANK),
    ...NAMESPACES.map((namespace): Call => ["GET", `/api/v1/namespaces/${namespace}/serviceaccounts?limit=1`]),
  ),
  sent(
    ["four-refusals", "T1613", IVAN],
    person(IVAN),
    ...["pods", "services", "configmaps", "nodes"].map((kind): Call => ["GET", `/api/v1/${kind}`]),
  ),
  sent(
    ["one-refusal-often", "none", "administrator"],
    person("administrator"),
    ...times(8, (): Call => ["GET", "/api/v1/namespaces/shop/pods"]),
  ),
];

const DELETED: readonly Step[] = [
  sent(
    ["fourteen-deleted", "T1485", FRANK],
    person(FRANK),
    ...times(14, (n): Call => ["DELETE", `/api/v1/namespaces/sandbox/configmaps/experiment-${n}`]),
  ),
  sent(
    ["one-deleted-often", "none", IDA],
    person(IDA),
    ...times(16, (): Call => ["DELETE", "/api/v1/namespaces/sandbox/configmaps/experiment-20"]),
  ),
];

/** What is just not what a detection asks for, and hits that the other recordings lack. */
export const NEAR_MISS_DEEDS: readonly Step[] = [
  ...SCENE,
  ...CREDENTIALS,
  ...LOOKING_AROUND,
  ...NEAR_MISSES_OF_NODES,
  ...NEAR_MISSES_OF_WRITING,
  ...DELETED,
  // What is eight days old when it is used: see week-later.ts.
  create(
    "binding-of-gina",
    "none",
    "clusterrolebindings",
    binding("gina-secrets", "edit", { kind: "User", name: GINA }),
  ),
  create("binding-of-bot", "none", "rolebindings", {
    ...named("RoleBinding", "rbac.authorization.k8s.io/v1", "bot", "shop"),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
    subjects: [{ kind: "ServiceAccount", name: "ci-bot", namespace: "ci" }],
  }),
];

async function ownToken({ actors }: Scene): Promise<undefined> {
  const found = await actors.look("/api/v1/namespaces/shop/pods/ledger-reader");
  const node = String(at(found, "spec", "nodeName"));
  const spec = {
    expirationSeconds: 3607,
    boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "ledger-reader", uid: at(found, "metadata", "uid") },
  };
  const path = "/api/v1/namespaces/shop/serviceaccounts/deployer/token";
  const { body } = await actors.send(actors.certificate(`system:node:${node}`), "POST", path, {
    headers: { "User-Agent": AGENTS.kubelet },
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
  });
  const who = { token: String(at(body, "status", "token")) };
  const headers = forwarded(String(at(found, "status", "podIP")), "ledger-reader/1.0");
  await actors.send(who, "GET", "/api/v1/namespaces/shop/pods?limit=1", { headers });
  await actors.send(who, "GET", "/api/v1/namespaces/shop/pods?limit=1", {
    headers: { "User-Agent": "ledger-reader/1.0" },
  });
  return undefined;
}
