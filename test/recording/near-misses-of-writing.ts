import { AGENTS } from "./actors.ts";
import { ERIN, FRANK, GINA, HUGO, IDA } from "./people.ts";
import { binding, clusterRole, named, pod, podSpec, rule, workload } from "./setting.ts";
import { account, person, sent } from "./sent.ts";
import type { Call } from "./sent.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Scene, Step } from "./step.ts";

const create = createdBy(ERIN);
const IMAGE = "ghcr.example/acme/toolbox:9";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const ROOTED = "deployment-as-root";

const ingress = (name: string, annotations?: object): object => {
  const made = named("Ingress", "networking.k8s.io/v1", name, "shop");
  return {
    ...made,
    metadata: { ...(made["metadata"] as object), ...(annotations === undefined ? {} : { annotations }) },
    spec: { tls: [{ hosts: ["shop.example"] }], defaultBackend: { service: { name: "inside", port: { number: 80 } } } },
  };
};

const webhook = (
  name: string,
  clientConfig: object = { service: { name: "absent", namespace: "sandbox" } },
): object => ({
  ...named("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", name),
  webhooks: [
    {
      name: `${name}.acme.example`,
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      timeoutSeconds: 1,
      failurePolicy: "Fail",
      clientConfig,
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "nowhere" } },
      rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
    },
  ],
});

const WORKLOADS: readonly Step[] = [
  create(
    "images-with-version",
    "none",
    "pods",
    pod("sandbox", "by-digest", podSpec(`registry.example/acme/toolbox@sha256:${"cd".repeat(32)}`)),
    pod("sandbox", "by-version", podSpec("registry.example:5000/acme/toolbox:9")),
  ),
  byKubectl(
    ["deployment-scaled-to-nothing", "T1489", ERIN],
    "patch:deployments/scale",
    "-n sandbox scale deployment load --replicas=0",
  ),
  byKubectl(
    ["deployment-scaled-to-one", "none", ERIN],
    "patch:deployments/scale",
    "-n sandbox scale deployment load --replicas=1",
  ),
  create(
    ROOTED,
    "T1611",
    "deployments",
    workload("Deployment", "sandbox", "rooted", podSpec(IMAGE, { securityContext: { runAsUser: 0 } }), { replicas: 1 }),
  ),
  {
    label: "replica-set-as-root",
    technique: "none",
    principal: "system:serviceaccount:kube-system:deployment-controller",
    deeds: ["create:replicasets"],
    follows: { label: ROOTED, about: () => "rooted" },
    run: () => new Promise((resolve) => setTimeout(resolve, 2500)),
  },
  {
    label: "pod-as-root",
    technique: "none",
    principal: "system:serviceaccount:kube-system:replicaset-controller",
    deeds: ["create:pods"],
    follows: { label: ROOTED, about: () => "rooted" },
    run: () => Promise.resolve(),
  },
  create(
    "pod-as-somebody",
    "none",
    "pods",
    pod(
      "sandbox",
      "unrooted",
      podSpec(IMAGE, { securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false } }),
    ),
  ),
];

const GUARDED: readonly Step[] = [
  sent(["pod-refused-by-standard", "T1610", GINA], person(GINA), [
    "POST",
    "/api/v1/namespaces/team-a/pods",
    { body: pod("team-a", "refused", podSpec(IMAGE, { securityContext: { privileged: true } })) },
  ]),
  create(
    "pod-meets-the-standard",
    "none",
    "pods",
    pod(
      "payments",
      "modest",
      podSpec(
        IMAGE,
        { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } },
        { securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } } },
      ),
    ),
  ),
  byKubectl(["image-tested", "none", ERIN], "patch:deployments", [
    "-n",
    "sandbox",
    "patch",
    "deployment",
    "load",
    "--type=json",
    "-p",
    '[{"op":"test","path":"/spec/template/spec/containers/0/image","value":"registry.example/load:1"}]',
  ]),
  sent(
    ["application-by-account", "none", "system:serviceaccount:kube-system:backup-operator"],
    account("kube-system", "backup-operator"),
    [
      "PATCH",
      "/apis/argoproj.io/v1/namespaces/shop/applications/shop",
      { body: { spec: { source: { targetRevision: "v1.4.3" } } } },
    ],
  ),
  create("volume-of-the-network", "none", "persistentvolumes", {
    ...named("PersistentVolume", "v1", "of-the-network"),
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteMany"],
      nfs: { server: "192.0.2.9", path: "/exports/a" },
    },
  }),
];

const NETWORK: readonly Step[] = [
  create(
    "ingresses-without-snippet",
    "none",
    "ingresses",
    ingress("rewritten", { "nginx.ingress.kubernetes.io/rewrite-target": "/" }),
    ingress("bare"),
  ),
  create("webhook-fails-closed", "T1546", "validatingwebhookconfigurations", webhook("closed")),
  create(
    "webhook-to-url",
    "T1546",
    "validatingwebhookconfigurations",
    webhook("remote", { url: "https://127.0.0.1:9/check" }),
  ),
  byKubectl(["webhook-url-tested", "none", ERIN], "patch:validatingwebhookconfigurations", [
    "patch",
    "validatingwebhookconfiguration",
    "remote",
    "--type=json",
    "-p",
    '[{"op":"test","path":"/webhooks/0/clientConfig/url","value":"https://127.0.0.1:9/check"}]',
  ]),
  byKubectl(["webhook-made-to-fail-closed", "none", ERIN], "patch:validatingwebhookconfigurations", [
    "patch",
    "validatingwebhookconfiguration",
    "closed",
    "--type=json",
    "-p",
    '[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"}]',
  ]),
];

const IDENTITIES: readonly Step[] = [
  {
    label: "kubelet-renews",
    technique: "none",
    principal: "system:node:node-1",
    deeds: [],
    note: "kwok renews no certificate: the recording sends what a kubelet sends",
    run: (scene) =>
      request(scene, "system:node:node-1", "csr-node-1", {
        subject: "/O=system:nodes/CN=system:node:node-1",
        signerName: "kubernetes.io/kube-apiserver-client-kubelet",
        usages: ["digital signature", "client auth"],
        headers: { "User-Agent": AGENTS.kubelet },
      }),
  },
  {
    label: "serving-certificate-requested",
    technique: "none",
    principal: ERIN,
    deeds: [],
    run: (scene) =>
      request(scene, ERIN, "serving", {
        subject: "/O=system:nodes/CN=system:node:node-1",
        signerName: "kubernetes.io/kubelet-serving",
        usages: ["digital signature", "server auth"],
      }),
  },
  {
    label: "approved-by-a-colleague",
    technique: "none",
    principal: FRANK,
    deeds: [],
    run: async (scene) => {
      await request(scene, ERIN, "of-erin");
      await approve(scene, FRANK, "of-erin");
    },
  },
  sent(["approval-read", "none", ERIN], person(ERIN), ["GET", `${REQUESTS}/of-erin/approval`]),
  {
    label: "approves-that-of-a-colleague",
    technique: "none",
    principal: IDA,
    deeds: [],
    run: async (scene) => {
      await request(scene, IDA, "of-ida");
      await request(scene, FRANK, "of-frank");
      await approve(scene, IDA, "of-frank");
    },
  },
  byKubectl(
    ["account-annotated", "none", ERIN],
    "patch:serviceaccounts",
    "-n shop annotate serviceaccount web owner=shop",
  ),
  byKubectl(["aws-auth-mapped", "T1098", ERIN], "patch:configmaps", [
    "-n",
    "kube-system",
    "patch",
    "configmap",
    "aws-auth",
    "--type=merge",
    "-p",
    JSON.stringify({ data: { mapUsers: "- userarn: arn:aws:iam::000000000000:user/x\n  groups: [viewers]\n" } }),
  ]),
  create("other-map-names-masters", "none", "configmaps", {
    ...named("ConfigMap", "v1", "aws-auth-notes", "kube-system"),
    data: { mapUsers: "- userarn: arn:aws:iam::000000000000:user/x\n  groups: [system:masters]\n" },
  }),
  {
    label: "right-granted-and-used-twice",
    technique: "T1098.006",
    principal: HUGO,
    deeds: [],
    run: async ({ actors }) => {
      const body = binding("hugo-view", "view", { kind: "User", name: HUGO });
      await actors.send(actors.certificate(ERIN), "POST", `${RBAC}/clusterrolebindings`, { body });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      for (let n = 0; n < 2; n++) {
        await actors.send(actors.certificate(HUGO), "GET", "/api/v1/namespaces/shop/configmaps?limit=1");
      }
      return undefined;
    },
  },
];

const role = (name: string): object => clusterRole(name, [rule("", "configmaps", "get")]);
const roleBinding = (name: string): object => ({
  ...named("RoleBinding", "rbac.authorization.k8s.io/v1", name, "sandbox"),
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
  subjects: [{ kind: "ServiceAccount", name: "default", namespace: "sandbox" }],
});
const deployment = (name: string): Call => [
  "POST",
  "/apis/apps/v1/namespaces/sandbox/deployments",
  { body: workload("Deployment", "sandbox", name, podSpec(IMAGE), { replicas: 1 }) },
];
const bound = (name: string): Call => ["POST", `${RBAC}/namespaces/sandbox/rolebindings`, { body: roleBinding(name) }];
const repeated = { "Audit-ID": "22222222-3333-4444-8555-666666666666" };

const ORDER: readonly Step[] = [
  sent(["workload-then-right", "none", FRANK], person(FRANK), deployment("first"), bound("second")),
  sent(["right-by-one", "none", ERIN], person(ERIN), bound("third")),
  sent(["workload-by-another", "none", IDA], person(IDA), deployment("fourth")),
  sent(["right-then-scaled", "none", ERIN], person(ERIN), bound("fifth"), [
    "PATCH",
    "/apis/apps/v1/namespaces/sandbox/deployments/load/scale",
    { body: { spec: { replicas: 2 } } },
  ]),
  sent(
    ["map-twice-under-one-id", "none", FRANK],
    person(FRANK),
    ["GET", "/api/v1/namespaces/sandbox/configmaps/experiment-21", { headers: repeated }],
    ["GET", "/api/v1/namespaces/sandbox/configmaps/experiment-22", { headers: repeated }],
  ),
  sent(["secrets-watched-in-stages", "none", FRANK], person(FRANK), [
    "GET",
    "/api/v1/namespaces/shop/secrets?watch=true&timeoutSeconds=1",
  ]),
  sent(["role-made-by-one", "none", ERIN], person(ERIN), ["POST", `${RBAC}/clusterroles`, { body: role("shared") }]),
  sent(["role-removed-by-another", "none", FRANK], person(FRANK), ["DELETE", `${RBAC}/clusterroles/shared`]),
  sent(["role-of-ida", "none", ERIN], person(ERIN), ["POST", `${RBAC}/clusterroles`, { body: role("renewed") }]),
  sent(
    ["role-removed-then-made", "none", IDA],
    person(IDA),
    ["DELETE", `${RBAC}/clusterroles/renewed`],
    ["POST", `${RBAC}/clusterroles`, { body: role("renewed") }],
  ),
];

/** Objects written that differ by one thing from those that detections ask for, and the order in which they are. */
export const NEAR_MISSES_OF_WRITING: readonly Step[] = [...WORKLOADS, ...GUARDED, ...NETWORK, ...IDENTITIES, ...ORDER];

interface Asked {
  readonly subject: string;
  readonly signerName: string;
  readonly usages: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

async function request({ actors }: Scene, who: string, name: string, asked?: Asked): Promise<void> {
  const {
    subject = `/O=guests/CN=${name}`,
    signerName = "kubernetes.io/kube-apiserver-client",
    usages = ["client auth"],
    headers = {},
  } = asked ?? {};
  const made = await actors.certificateRequest(name, subject);
  await actors.send(actors.certificate(who), "POST", REQUESTS, {
    headers,
    body: {
      ...named("CertificateSigningRequest", "certificates.k8s.io/v1", name),
      spec: { request: Buffer.from(made.request).toString("base64"), signerName, usages },
    },
  });
}

async function approve({ actors }: Scene, who: string, name: string): Promise<void> {
  const conditions = [{ type: "Approved", status: "True", reason: "Checked", message: "checked" }];
  const body = { status: { conditions } };
  await actors.send(actors.certificate(who), "PATCH", `${REQUESTS}/${name}/approval`, { body });
}
