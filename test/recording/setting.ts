import { NODES } from "./control-plane.ts";
import { at, until } from "./actors.ts";
import type { Actors } from "./actors.ts";

const NEW_RESOURCES: readonly string[] = [
  "/apis/argoproj.io/v1/applications",
  "/apis/velero.io/v1/backups",
  "/apis/snapshot.storage.k8s.io/v1/volumesnapshots",
];

/** What stands in the cluster before the first step. All names, images and values are made up. */
export async function setScene(actors: Actors): Promise<void> {
  const admin = async (...objects: readonly unknown[]): Promise<void> => {
    const { code, stderr } = await actors.kubectl("kubernetes-admin", ["apply"], ...objects);
    if (code !== 0) throw new Error(`Cannot set the scene: ${stderr}`);
  };
  // kwok lists nodes and pods, which a kubelet does not: one role more for system:nodes.
  await admin(
    clusterRole("kwok-node", [
      rule("", "nodes,nodes/status,pods,pods/status", "get,list,watch,patch,update,delete"),
      rule("coordination.k8s.io", "leases", "get,list,watch,create,update,patch"),
      rule("", "events", "create,patch,update"),
    ]),
    binding("kwok-node", "kwok-node", { kind: "Group", name: "system:nodes" }),
    ...NODES.map((name) => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" } },
    })),
  );
  await admin(...namespaces());
  await admin(...rights(), ...definitions());
  await until("the new resources served", async () => {
    const served = await Promise.all(NEW_RESOURCES.map((path) => actors.look(path)));
    return served.every((answer) => Array.isArray(at(answer, "items"))) ? true : undefined;
  });
  await admin(...belongings(), ...workloads());
}

export function named(kind: string, apiVersion: string, name: string, namespace?: string): Record<string, unknown> {
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

export function rule(group: string, resources: string, verbs: string): Record<string, unknown> {
  return { apiGroups: [group], resources: resources.split(","), verbs: verbs.split(",") };
}

export function clusterRole(name: string, rules: readonly unknown[]): Record<string, unknown> {
  return { ...named("ClusterRole", "rbac.authorization.k8s.io/v1", name), rules };
}

export function binding(name: string, role: string, subject: Record<string, unknown>): Record<string, unknown> {
  const group = subject["kind"] === "ServiceAccount" ? {} : { apiGroup: "rbac.authorization.k8s.io" };
  return {
    ...named("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", name),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ ...group, ...subject }],
  };
}

/** A pod's spec with one container. */
export function podSpec(image: string, container: object = {}, spec: object = {}): Record<string, unknown> {
  return { ...spec, containers: [{ name: "main", image, ...container }] };
}

export function pod(namespace: string, name: string, spec: unknown): Record<string, unknown> {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, labels: { app: name } }, spec };
}

/** A Deployment, StatefulSet or DaemonSet. */
export function workload(
  kind: string,
  namespace: string,
  name: string,
  spec: unknown,
  more: object = {},
): Record<string, unknown> {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      ...more,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec },
    },
  };
}

function namespaces(): readonly unknown[] {
  const labels: Readonly<Record<string, object>> = {
    shop: {},
    ci: { "pod-security.kubernetes.io/enforce": "baseline" },
    "team-a": { "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "restricted" },
    payments: { "pod-security.kubernetes.io/audit": "restricted" },
    sandbox: {},
    monitoring: {},
  };
  return Object.entries(labels).map(([name, shown]) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: shown },
  }));
}

function rights(): readonly unknown[] {
  const account = (namespace: string, name: string): unknown => named("ServiceAccount", "v1", name, namespace);
  const edit = (namespace: string, subject: Record<string, unknown>): unknown => ({
    ...named("RoleBinding", "rbac.authorization.k8s.io/v1", "edit", namespace),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
    subjects: [subject],
  });
  const team = { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "dev-team" };
  return [
    account("shop", "web"),
    account("shop", "deployer"),
    account("ci", "ci-bot"),
    account("kube-system", "backup-operator"),
    account("monitoring", "prometheus"),
    edit("shop", team),
    edit("team-a", team),
    edit("payments", { kind: "ServiceAccount", name: "ci-bot", namespace: "ci" }),
    binding("dev-team-view", "view", { kind: "Group", name: "dev-team" }),
    // What a deployment tool is given too often: tokens of other accounts.
    clusterRole("deployer", [
      rule("", "serviceaccounts/token", "create"),
      rule("", "serviceaccounts,secrets,pods", "get,list"),
    ]),
    binding("deployer", "deployer", { kind: "ServiceAccount", name: "deployer", namespace: "shop" }),
    // And what a backup tool is given too often: everything.
    binding("backup-operator", "cluster-admin", {
      kind: "ServiceAccount",
      name: "backup-operator",
      namespace: "kube-system",
    }),
  ];
}

function definitions(): readonly unknown[] {
  const define = (kind: string, plural: string, group: string): unknown => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    // Without it a group of k8s.io is refused.
    metadata: { name: `${plural}.${group}`, annotations: { "api-approved.kubernetes.io": "unapproved, a recording" } },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  });
  return [
    define("Application", "applications", "argoproj.io"),
    define("Backup", "backups", "velero.io"),
    define("VolumeSnapshot", "volumesnapshots", "snapshot.storage.k8s.io"),
    {
      ...named("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "no-privileged"),
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ci" } },
        },
        validations: [{ expression: "!object.spec.containers.exists(c, c.image.endsWith(':latest'))" }],
      },
    },
    {
      ...named("ValidatingAdmissionPolicyBinding", "admissionregistration.k8s.io/v1", "no-privileged"),
      spec: { policyName: "no-privileged", validationActions: ["Warn", "Audit"] },
    },
  ];
}

function belongings(): readonly unknown[] {
  const secrets = ["card-vault", "bank-gateway", "ledger-db", "mail-relay", "fraud-api", "tls-internal"];
  return [
    ...secrets.map((name, index) => ({
      ...named("Secret", "v1", name, "payments"),
      stringData: { key: `SYNTHETIC-not-a-real-key-${index + 1}` },
    })),
    {
      ...named("Secret", "v1", "db-credentials", "shop"),
      stringData: { password: "SYNTHETIC-not-a-real-password-7" },
    },
    ...Array.from({ length: 24 }, (_, index) => ({
      ...named("ConfigMap", "v1", `experiment-${index}`, "sandbox"),
      data: { seed: String(index) },
    })),
    {
      ...named("ConfigMap", "v1", "coredns", "kube-system"),
      data: { Corefile: ".:53 {\n  kubernetes cluster.local\n}\n" },
    },
    { ...named("ConfigMap", "v1", "aws-auth", "kube-system"), data: { mapRoles: "[]" } },
    {
      ...named("Service", "v1", "inside", "shop"),
      spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
    },
    { ...named("ResourceQuota", "v1", "spare", "sandbox"), spec: { hard: { "count/jobs.batch": "50" } } },
    { ...named("ResourceQuota", "v1", "compute", "team-a"), spec: { hard: { pods: "20", "requests.cpu": "8" } } },
    {
      ...named("LimitRange", "v1", "defaults", "team-a"),
      spec: { limits: [{ type: "Container", default: { cpu: "500m" }, defaultRequest: { cpu: "100m" } }] },
    },
    {
      ...named("NetworkPolicy", "networking.k8s.io/v1", "default-deny", "payments"),
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    },
    {
      ...named("PodDisruptionBudget", "policy/v1", "db", "payments"),
      spec: { minAvailable: 1, selector: { matchLabels: { app: "db" } } },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "ledger", namespace: "payments" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
    { ...named("VolumeSnapshot", "snapshot.storage.k8s.io/v1", "ledger-nightly", "payments"), spec: {} },
    { ...named("Backup", "velero.io/v1", "nightly", "payments"), spec: {} },
    { ...named("Application", "argoproj.io/v1", "shop", "shop"), spec: { source: { targetRevision: "v1.4.2" } } },
    {
      ...named("Lease", "coordination.k8s.io/v1", "cluster-autoscaler", "kube-system"),
      spec: { holderIdentity: "cluster-autoscaler-7d9f", leaseDurationSeconds: 60 },
    },
  ];
}

function workloads(): readonly unknown[] {
  return [
    workload(
      "Deployment",
      "shop",
      "web",
      podSpec("registry.example/shop/web:1.4.2", {}, { serviceAccountName: "web" }),
      {
        replicas: 3,
      },
    ),
    workload("Deployment", "team-a", "api", podSpec("registry.example/team-a/api:2.1"), { replicas: 2 }),
    workload("StatefulSet", "payments", "db", podSpec("registry.example/db:15"), { replicas: 2, serviceName: "db" }),
    workload("DaemonSet", "monitoring", "node-agent", podSpec("registry.example/agent:3")),
    workload("Deployment", "sandbox", "load", podSpec("registry.example/load:1"), { replicas: 8 }),
  ];
}
