import { DANA, ERIN, MALLORY } from "./people.ts";
import { named, workload, podSpec } from "./setting.ts";
import { person, sent } from "./sent.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const create = createdBy(ERIN);
const createAsDana = createdBy(DANA);
const MERGE_PATCH = ["--type", "merge", "-p"] as const;
const IMAGE = "ghcr.example/acme/toolbox:8";

const policy = (name: string, spec: object): object => ({
  ...named("NetworkPolicy", "networking.k8s.io/v1", name, "shop"),
  spec: { podSelector: {}, ...spec },
});
const boundInShop = (name: string, role: string, subject: object): object => ({
  ...named("RoleBinding", "rbac.authorization.k8s.io/v1", name, "shop"),
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects: [{ apiGroup: "rbac.authorization.k8s.io", ...subject }],
});
const labelled = (label: string, words: string): Step =>
  byKubectl([label, "T1685", ERIN], "patch:namespaces", `label namespace sandbox ${words} --overwrite`);
const daemonSet = (label: string, change: object): Step =>
  byKubectl([label, "T1685", ERIN], "patch:daemonsets", [
    ..."-n monitoring patch daemonset node-agent".split(" "),
    ...MERGE_PATCH,
    JSON.stringify(change),
  ]);

/** What the tricks have once, and what is nearly one of them. */
export const TRICK_VARIANTS: readonly Step[] = [
  createAsDana("policy-lets-all-in", "T1686", "networkpolicies", policy("all-in", { ingress: [{}] })),
  createAsDana(
    "policy-lets-the-web-in",
    "none",
    "networkpolicies",
    policy("web-in", { ingress: [{ from: [{ podSelector: { matchLabels: { app: "web" } } }] }] }),
  ),
  createAsDana(
    "policy-opens-a-port",
    "none",
    "networkpolicies",
    policy("port-in", { ingress: [{ ports: [{ port: 8080 }] }] }),
  ),
  createAsDana(
    "policy-lets-https-out",
    "none",
    "networkpolicies",
    policy("https-out", {
      egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ port: 443 }] }],
      policyTypes: ["Egress"],
    }),
  ),
  createAsDana(
    "policy-lets-a-network-out",
    "none",
    "networkpolicies",
    policy("lan-out", { egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }], policyTypes: ["Egress"] }),
  ),
  createAsDana(
    "policy-lets-all-out",
    "T1686",
    "networkpolicies",
    policy("all-out", { egress: [{}], policyTypes: ["Egress"] }),
  ),
  byKubectl(
    ["policy-removed-that-lets-all-in", "none", DANA],
    "delete:networkpolicies",
    "-n shop delete netpol all-in",
  ),
  create(
    "role-of-nodes-for-a-person",
    "T1098.006",
    "rolebindings",
    boundInShop("reads-as-a-node", "system:node", { kind: "User", name: MALLORY }),
  ),
  create(
    "role-of-a-controller-for-a-group",
    "T1098.006",
    "rolebindings",
    boundInShop("cleans-up", "system:controller:namespace-controller", { kind: "Group", name: "contractors" }),
  ),
  create(
    "role-for-looking-bound",
    "none",
    "rolebindings",
    boundInShop("looks", "view", { kind: "User", name: MALLORY }),
  ),
  create(
    "role-of-the-system-for-asking",
    "none",
    "rolebindings",
    boundInShop("delegates", "system:auth-delegator", { kind: "User", name: MALLORY }),
  ),
  byKubectl(
    ["role-of-nodes-taken-back", "none", ERIN],
    "delete:rolebindings",
    "-n shop delete rolebinding reads-as-a-node",
  ),
  byKubectl(
    ["map-to-be-lost", "none", DANA],
    "create:configmaps",
    "-n shop create configmap orphan --from-literal=a=b",
  ),
  byKubectl(["owner-that-is-gone", "T1485", DANA], "patch:configmaps", [
    ..."-n shop patch configmap orphan".split(" "),
    "--type",
    "json",
    "-p",
    '[{"op":"add","path":"/metadata/ownerReferences","value":[{"apiVersion":"v1","kind":"Pod","name":"gone","uid":"00000000-0000-4000-8000-000000000002"}]}]',
  ]),
  create("scheduled-for-jobs", "none", "cronjobs", {
    ...named("CronJob", "batch/v1", "nightly", "sandbox"),
    spec: {
      schedule: "0 3 * * *",
      jobTemplate: { spec: { template: { spec: podSpec(IMAGE, {}, { restartPolicy: "Never" }) } } },
    },
  }),
  byKubectl(
    ["job-owned-by-its-schedule", "none", ERIN],
    "create:jobs",
    "-n sandbox create job now --from=cronjob/nightly",
  ),
  byKubectl(["map-labelled", "none", DANA], "patch:configmaps", "-n shop label configmap kube-root-ca.crt seen=yes"),
  labelled("mesh-switched-off", "config.linkerd.io/admission-webhooks=disabled"),
  labelled("engine-told-to-ignore", "openpolicyagent.org/webhook=ignore"),
  labelled("namespace-has-a-team", "team=platform"),
  labelled("engine-looks-again", "openpolicyagent.org/webhook-"),
  labelled("mesh-switched-on", "config.linkerd.io/admission-webhooks=enabled"),
  daemonSet("agents-on-no-node", { spec: { template: { spec: { nodeSelector: { "kubernetes.io/os": "none" } } } } }),
  daemonSet("agents-get-an-environment", {
    spec: { template: { metadata: { annotations: { "example.com/restarted": "1" } } } },
  }),
  byKubectl(["deployment-on-other-nodes", "none", DANA], "patch:deployments", [
    ..."-n shop patch deployment web".split(" "),
    ...MERGE_PATCH,
    '{"spec":{"template":{"spec":{"nodeSelector":{"kubernetes.io/os":"linux"}}}}}',
  ]),
  create(
    "daemon-set-on-chosen-nodes",
    "none",
    "daemonsets",
    workload("DaemonSet", "monitoring", "ssd-agent", podSpec(IMAGE, {}, { nodeSelector: { disk: "ssd" } })),
  ),
  byKubectl(["pod-labelled-by-hand", "none", DANA], "patch:pods", "-n shop label pod --all checked=yes"),
  sent(
    ["profile-of-what-runs", "T1005", ERIN],
    person(ERIN),
    ["GET", "/debug/pprof/goroutine?debug=1"],
    ["GET", "/logs/"],
  ),
  sent(["metrics-and-health-by-hand", "none", ERIN], person(ERIN), ["GET", "/metrics"], ["GET", "/readyz?verbose"]),
  byKubectl(
    ["asks-what-oneself-may", "none", DANA],
    "create:selfsubjectaccessreviews",
    "auth can-i list secrets -n shop",
  ),
];
