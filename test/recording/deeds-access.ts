import { AGENTS, at, forwarded, until } from "./actors.ts";
import { ERIN, MALLORY } from "./people.ts";
import { binding, clusterRole, named, pod, podSpec, rule, workload } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const create = createdBy(ERIN);
const REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/** Who may do what: rights, credentials, and asking about them. */
export const ACCESS_DEEDS: readonly Step[] = [
  ...role("exec", rule("", "pods/exec,pods/attach", "create,get")),
  ...role("nodes-proxy", rule("", "nodes/proxy", "get,create")),
  ...role("secrets", rule("", "secrets", "get,list")),
  ...role("tokens", rule("", "serviceaccounts/token", "create")),
  ...role("escalate", rule("rbac.authorization.k8s.io", "clusterroles", "escalate,bind")),
  ...role("impersonate", rule("", "users,groups,serviceaccounts", "impersonate")),
  ...role("approve", rule("certificates.k8s.io", "certificatesigningrequests/approval", "update")),
  ...role("webhooks", rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create,patch")),
  ...role("volumes", rule("", "persistentvolumes,pods/ephemeralcontainers,nodes/status", "create,patch,update")),
  ...role("wildcard", rule("*", "*", "*")),
  create("harmless-role", "none", "clusterroles", clusterRole("reader", [rule("", "configmaps", "get,list")])),
  byKubectl(["system-role-changed", "T1098.006", ERIN], "patch:clusterroles", [
    "patch",
    "clusterrole",
    "system:node-proxier",
    "--type",
    "json",
    "-p",
    '[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}}]',
  ]),
  create(
    "self-grant",
    "T1098.006",
    "clusterrolebindings",
    binding("erin-extra", "admin", { kind: "User", name: ERIN }),
  ),
  byKubectl(["binding-gets-subject", "T1098.006", ERIN], "patch:clusterrolebindings", [
    "patch",
    "clusterrolebinding",
    "backup-operator",
    "--type",
    "json",
    "-p",
    '[{"op":"add","path":"/subjects/-","value":{"kind":"User","name":"dev-bob","apiGroup":"rbac.authorization.k8s.io"}}]',
  ]),
  create(
    "everybody-bound",
    "T1098.006",
    "clusterrolebindings",
    binding("everybody", "view", { kind: "Group", name: "system:authenticated" }),
  ),
  create(
    "nobody-bound",
    "T1098.006",
    "clusterrolebindings",
    binding("nobody", "system:public-info-viewer", { kind: "Group", name: "system:unauthenticated" }),
  ),
  {
    label: "right-granted-then-first-used",
    technique: "T1098.006",
    principal: MALLORY,
    deeds: [],
    run: async ({ actors }) => {
      const path = "/api/v1/namespaces/payments/configmaps";
      await actors.send(actors.certificate(MALLORY), "GET", path);
      const granted = binding("mallory-view", "view", { kind: "User", name: MALLORY });
      await actors.kubectl(ERIN, ["create"], granted);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await actors.send(actors.certificate(MALLORY), "GET", path);
    },
  },
  {
    label: "rights-then-workload-changed",
    technique: "T1098.006",
    principal: ERIN,
    deeds: ["create:rolebindings", "create:deployments"],
    run: async ({ actors }) => {
      const bound = {
        ...named("RoleBinding", "rbac.authorization.k8s.io/v1", "web-admin", "shop"),
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
        subjects: [{ kind: "ServiceAccount", name: "web", namespace: "shop" }],
      };
      await actors.kubectl(ERIN, ["create"], bound);
      const spec = podSpec("registry.example/shop/web:1.4.2", {}, { serviceAccountName: "web" });
      return actors.kubectl(ERIN, ["create"], workload("Deployment", "shop", "web-admin", spec, { replicas: 1 }));
    },
  },
  {
    label: "right-changed-by-service-account",
    technique: "T1098.006",
    principal: "system:serviceaccount:kube-system:backup-operator",
    deeds: [],
    uses: "operator-token",
    run: ({ actors, credentials }) =>
      actors.send(
        credentials.get("operator-token"),
        "POST",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/ci/rolebindings",
        {
          body: {
            ...named("RoleBinding", "rbac.authorization.k8s.io/v1", "ci-edit", "ci"),
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
            subjects: [{ kind: "ServiceAccount", name: "ci-bot", namespace: "ci" }],
          },
        },
      ),
  },
  byKubectl(["impersonated-admin", "T1078", ERIN], "list:secrets", [
    "-n",
    "kube-system",
    "get",
    "secrets",
    "--as=system:serviceaccount:kube-system:generic-garbage-collector",
    "--as-group=system:masters",
  ]),
  byKubectl(["impersonation-refused", "T1078", MALLORY], "list:secrets", "-n shop get secrets --as=kubernetes-admin"),
  byKubectl(
    ["token-for-a-year", "T1528", ERIN],
    "create:serviceaccounts/token",
    "-n kube-system create token backup-operator --duration=8760h",
  ),
  byKubectl(
    ["token-for-foreign-audience", "T1528", ERIN],
    "create:serviceaccounts/token",
    "-n shop create token web --audience=vault.partner.example",
  ),
  create("token-secret-created", "T1528", "secrets", {
    ...named("Secret", "v1", "web-token", "shop"),
    metadata: { name: "web-token", namespace: "shop", annotations: { "kubernetes.io/service-account.name": "web" } },
    type: "kubernetes.io/service-account-token",
  }),
  create("bootstrap-token-created", "T1098", "secrets", {
    ...named("Secret", "v1", "bootstrap-token-abcdef", "kube-system"),
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      "token-id": "abcdef",
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    },
  }),
  byKubectl(
    ["service-account-created", "T1136", ERIN],
    "create:serviceaccounts",
    "-n kube-system create serviceaccount metrics-agent",
  ),
  {
    label: "certificate-as-service-account",
    technique: "T1550",
    principal: "system:serviceaccount:kube-system:generic-garbage-collector",
    deeds: [],
    note: "ops-erin gets a certificate signed that bears a service account's name; then it is used",
    run: async ({ actors }) => {
      const subject = "/O=system:serviceaccounts/CN=system:serviceaccount:kube-system:generic-garbage-collector";
      const { key, request } = await actors.certificateRequest("posing", subject);
      const erin = actors.certificate(ERIN);
      const path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
      const made = await actors.send(erin, "POST", path, {
        body: {
          ...named("CertificateSigningRequest", "certificates.k8s.io/v1", "collector-renewal"),
          spec: {
            request: Buffer.from(request).toString("base64"),
            signerName: "kubernetes.io/kube-apiserver-client",
            usages: ["client auth"],
          },
        },
      });
      const conditions = [{ type: "Approved", status: "True", reason: "Renewal", message: "renewal" }];
      const approved = { ...(made.body as object), status: { conditions } };
      await actors.send(erin, "PUT", `${path}/collector-renewal/approval`, { body: approved });
      const signed = await until("the certificate", async () => {
        const certificate = at(await actors.look(`${path}/collector-renewal`), "status", "certificate");
        return typeof certificate === "string" ? Buffer.from(certificate, "base64").toString() : undefined;
      });
      const pair = { cert: signed, key, certFile: "", keyFile: "" };
      await actors.send(pair, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=5");
    },
  },
  {
    label: "many-permission-questions",
    technique: "T1613",
    principal: MALLORY,
    deeds: [],
    run: async ({ actors }) => {
      const asked = ["pods", "secrets", "nodes", "configmaps", "serviceaccounts", "deployments", "roles"];
      for (const resource of asked) {
        for (const verb of ["list", "create"]) {
          const spec = { resourceAttributes: { verb, resource, namespace: "kube-system" } };
          const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec };
          await actors.send(actors.certificate(MALLORY), "POST", REVIEWS, { body });
        }
      }
    },
  },
  {
    label: "enumeration",
    technique: "T1613",
    principal: MALLORY,
    deeds: [],
    run: async ({ actors }) => {
      const kinds = [
        ...["nodes", "namespaces", "pods", "services", "endpoints", "configmaps", "secrets", "serviceaccounts"].map(
          (name) => `/api/v1/${name}`,
        ),
        ...["deployments", "daemonsets", "statefulsets"].map((name) => `/apis/apps/v1/${name}`),
        ...["roles", "rolebindings", "clusterroles"].map((name) => `/apis/rbac.authorization.k8s.io/v1/${name}`),
        "/apis/networking.k8s.io/v1/ingresses",
        "/apis/batch/v1/cronjobs",
        "/apis",
        "/openapi/v2",
        "/version",
      ];
      for (const path of kinds) await actors.send(actors.certificate(MALLORY), "GET", path);
    },
  },
  {
    label: "refused-burst",
    technique: "T1613",
    principal: MALLORY,
    deeds: [],
    run: async ({ actors }) => {
      for (let count = 0; count < 15; count++) {
        await actors.send(actors.certificate(MALLORY), "GET", `/api/v1/namespaces/payments/secrets/guess-${count}`);
      }
    },
  },
  {
    label: "bad-token-burst",
    technique: "T1110",
    principal: "",
    deeds: [],
    run: async ({ actors }) => {
      for (let count = 0; count < 12; count++) {
        const who = { token: `not.a.token-${count}` };
        await actors.send(who, "GET", "/api/v1/namespaces", { headers: forwarded("203.0.113.201") });
      }
    },
  },
  {
    label: "anonymous-enumeration",
    technique: "T1613",
    principal: "system:anonymous",
    deeds: [],
    run: async ({ actors }) => {
      const paths = [
        "/",
        "/api",
        "/apis",
        "/version",
        "/metrics",
        "/api/v1/pods",
        "/api/v1/secrets",
        "/.env",
        "/console",
      ];
      for (const path of paths) await actors.send(undefined, "GET", path, { headers: forwarded("203.0.113.201") });
    },
  },
  {
    label: "attack-tool-agent",
    technique: "T1613",
    principal: MALLORY,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(MALLORY), "GET", "/api/v1/pods", {
        headers: { "User-Agent": "kube-hunter/0.6.8" },
      }),
  },
  {
    label: "component-agent-by-person",
    technique: "T1036",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(ERIN), "GET", "/api/v1/namespaces/payments/pods", {
        headers: { "User-Agent": AGENTS.kubelet },
      }),
  },
  {
    label: "new-agent",
    technique: "T1078",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(ERIN), "GET", "/api/v1/namespaces/payments/secrets/card-vault", {
        headers: { "User-Agent": AGENTS.python },
      }),
  },
  {
    label: "secrets-watched",
    technique: "T1552.007",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(ERIN), "GET", "/api/v1/secrets?watch=true", { closeAfterMs: 1500 }),
  },
  byKubectl(["secrets-listed-everywhere", "T1552.007", ERIN], "list:secrets", "get secrets -A"),
  {
    label: "service-account-reads-foreign-secret",
    technique: "T1552.007",
    principal: "system:serviceaccount:shop:deployer",
    deeds: [],
    note: "a fresh token of the account; the secret is in another namespace and no pod of the account mounts it",
    run: async ({ actors }) => {
      const who = { token: await actors.freshToken("shop", "deployer") };
      return actors.send(who, "GET", "/api/v1/namespaces/payments/secrets/card-vault");
    },
  },
  {
    label: "kubelet-reached-directly",
    technique: "T1609",
    principal: "system:node:node-2",
    deeds: [],
    note: "the recording sends the question that a kubelet asks when somebody calls it directly",
    run: ({ actors }) =>
      actors.send(
        actors.certificate("system:node:node-2"),
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {
          headers: { "User-Agent": AGENTS.kubelet },
          body: {
            apiVersion: "authorization.k8s.io/v1",
            kind: "SubjectAccessReview",
            spec: {
              user: "dev-dana",
              groups: ["dev-team", "system:authenticated"],
              resourceAttributes: {
                verb: "create",
                version: "v1",
                resource: "nodes",
                subresource: "proxy",
                name: "node-2",
              },
            },
          },
        },
      ),
  },
  {
    label: "unknown-node-joins",
    technique: "T1098",
    principal: "system:node:node-9",
    deeds: [],
    run: async ({ actors }) => {
      const pair = await actors.freshCertificate("system:node:node-9", ["system:nodes"]);
      return actors.send(pair, "POST", "/api/v1/nodes", {
        headers: { "User-Agent": AGENTS.kubelet },
        body: {
          apiVersion: "v1",
          kind: "Node",
          metadata: { name: "node-9", labels: { "kubernetes.io/hostname": "node-9" } },
        },
      });
    },
  },
  {
    label: "dry-run-probing",
    technique: "T1613",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const probe = pod(
        "sandbox",
        "probe",
        podSpec("docker.io/library/alpine:3", { securityContext: { privileged: true } }),
      );
      await actors.send(actors.certificate(ERIN), "POST", "/api/v1/namespaces/sandbox/pods?dryRun=All", {
        body: probe,
      });
    },
  },
  {
    label: "field-manager-forged",
    technique: "T1036",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(
        actors.certificate(ERIN),
        "PATCH",
        "/api/v1/namespaces/sandbox/configmaps/experiment-0?fieldManager=kube-controller-manager",
        { body: { data: { seed: "changed" } } },
      ),
  },
  {
    label: "body-hidden-by-size",
    technique: "T1562.008",
    principal: ERIN,
    deeds: [],
    note: "an annotation of 200,000 letters: the apiserver truncates events over 150,000 bytes here",
    run: ({ actors }) => {
      const made = binding("padded", "cluster-admin", { kind: "User", name: "dev-bob" });
      const metadata = { name: "padded", annotations: { pad: "x".repeat(200_000) } };
      return actors.send(actors.certificate(ERIN), "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        body: { ...made, metadata },
      });
    },
  },
];

/** A role with one dangerous rule. */
function role(name: string, granted: Record<string, unknown>): readonly Step[] {
  return [create(`role-grants-${name}`, "T1098.006", "clusterroles", clusterRole(`helper-${name}`, [granted]))];
}
