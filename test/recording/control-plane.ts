import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildApiserver, buildApiserverAhead, KUBERNETES_VARIABLES } from "../engines/apiserver/apiserver.ts";
import { buildGoProgram } from "../engines/policy-oracle/go-program.ts";
import { CertificateMaker, writeKubeconfig } from "./certificates.ts";
import type { KeyPair } from "./certificates.ts";

/** Who can log in with a certificate: the user's name and groups. */
export const PEOPLE: Readonly<Record<string, readonly string[]>> = {
  "kubernetes-admin": ["system:masters"],
  "dev-alice": ["dev-team"],
  "dev-bob": ["dev-team"],
  "dev-dana": ["dev-team"],
  "ops-erin": ["system:masters"],
  mallory: ["contractors"],
  "ops-frank": ["system:masters"],
  "ops-ida": ["system:masters"],
  "dev-gina": ["dev-team"],
  hugo: ["contractors"],
  ivan: ["contractors"],
  administrator: ["contractors"],
};
export const NODES: readonly string[] = ["node-0", "node-1", "node-2", "node-3"];

export interface ControlPlane {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly ca: KeyPair;
  /** By user name; a node's is `system:node:` and the node's name. */
  readonly certificates: ReadonlyMap<string, KeyPair>;
  readonly maker: CertificateMaker;
  readonly kubectl: string;
  readonly auditLog: string;
  /** Path of somebody's kubeconfig. */
  kubeconfig(user: string): string;
  /**
   * Ends every process, and starts the apiserver again on the same data with its clock `DAYS_AHEAD` days further: a
   * cluster that was switched off. Controllers and kubelets, whose clocks go as before, stay switched off.
   */
  restartAhead(): Promise<void>;
  /** Ends every process, the apiserver last. */
  stop(): Promise<void>;
}

/** More than the week for which detections get to know a cluster. */
export const DAYS_AHEAD = 8;

/** Everything at RequestResponse, no stage left out. */
const POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: RequestResponse\n";
const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const READY_TIMEOUT_MS = 240_000;
const run = promisify(execFile);

interface Programs {
  readonly apiserver: string;
  readonly controllers: string;
  readonly scheduler: string;
  readonly kubectl: string;
  readonly kwok: string;
}

function build(name: string, source: string): Promise<string> {
  return buildGoProgram({ name, folder: FOLDER, variables: KUBERNETES_VARIABLES, source });
}

/** Builds kubectl once. */
export function buildKubectl(): Promise<string> {
  return build("kubectl", "k8s.io/kubernetes/cmd/kubectl");
}

/** Builds the whole control plane from Go modules; on an empty cache that takes some twenty minutes on two cores. */
export async function buildPrograms(): Promise<Programs> {
  const apiserver = await buildApiserver();
  const controllers = await build("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager");
  const kubectl = await buildKubectl();
  const kwok = await build("kwok", "sigs.k8s.io/kwok/cmd/kwok");
  const scheduler = await build("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler");
  return { apiserver, controllers, scheduler, kubectl, kwok };
}

/**
 * Starts kube-apiserver with etcd, kube-controller-manager, kube-scheduler and a fake kubelet (kwok) for each of
 * `NODES`, all on the loopback interface. The fake kubelets are given no exec, attach, log or port-forward rule: such a
 * request is audited as it always is, and nothing runs on this machine.
 */
export async function startControlPlane(folder: string): Promise<ControlPlane> {
  const programs = await buildPrograms();
  const at = (name: string): string => join(folder, name);
  await mkdir(folder, { recursive: true });
  const maker = new CertificateMaker(folder);
  const ports = await freePorts(3 + NODES.length);
  const port = ports[0] as number;
  const url = `https://127.0.0.1:${port}`;
  const ca = await maker.authority("kubernetes-ca");
  const files = await writeFiles(folder, maker, ca, url);
  const processes: ChildProcess[] = [];
  const start = (name: string, program: string, flags: readonly string[]): void => {
    processes.push(launch(folder, name, program, flags));
  };
  start("apiserver", programs.apiserver, apiserverFlags(at, port));
  await untilReady(url, programs.kubectl, at);
  start("controllers", programs.controllers, controllerFlags(at, ports[1] as number));
  start("scheduler", programs.scheduler, schedulerFlags(at, ports[2] as number));
  NODES.forEach((node, index) => start(node, programs.kwok, kwokFlags(at, node, index, ports[3 + index] as number)));
  return {
    url,
    port,
    folder,
    ca,
    certificates: files.certificates,
    maker,
    kubectl: programs.kubectl,
    auditLog: at("audit.log"),
    kubeconfig: (user) => at(`${user}.kubeconfig`),
    restartAhead: async () => {
      const ahead = await buildApiserverAhead(DAYS_AHEAD);
      await endAll(processes);
      start("apiserver", ahead, apiserverFlags(at, port));
      await untilReady(url, programs.kubectl, at);
    },
    stop: () => endAll(processes),
  };
}

async function endAll(processes: readonly ChildProcess[]): Promise<void> {
  for (const child of processes.toReversed()) await end(child);
}

async function writeFiles(
  folder: string,
  maker: CertificateMaker,
  ca: KeyPair,
  url: string,
): Promise<{ readonly certificates: ReadonlyMap<string, KeyPair> }> {
  const serviceNames = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"].map((name) => `DNS:${name}`);
  await maker.server("apiserver", ca, "/CN=kube-apiserver", ["IP:10.96.0.1", ...serviceNames]);
  await maker.server("kubelet", ca, "/O=system:nodes/CN=system:node:fake");
  await maker.client("kubelet-client", ca, "kube-apiserver-kubelet-client", ["system:masters"]);
  await run("openssl", ["genrsa", "-out", join(folder, "sa.key"), "2048"]);
  await run("openssl", ["rsa", "-in", join(folder, "sa.key"), "-pubout", "-out", join(folder, "sa.pub")]);
  const users: (readonly [string, readonly string[]])[] = [
    ...Object.entries(PEOPLE),
    ["system:kube-controller-manager", []],
    ["system:kube-scheduler", []],
    ...NODES.map((node) => [`system:node:${node}`, ["system:nodes"]] as const),
  ];
  const certificates = new Map<string, KeyPair>();
  for (const [user, groups] of users) {
    const pair = await maker.client(user, ca, user, groups);
    certificates.set(user, pair);
    await writeKubeconfig(join(folder, `${user}.kubeconfig`), url, ca, pair);
  }
  await writeFile(join(folder, "policy.yaml"), POLICY);
  await writeFile(join(folder, "stages.yaml"), await kwokStages());
  return { certificates };
}

/** The stages of nodes and pods that kwok publishes with its source. */
async function kwokStages(): Promise<string> {
  const module = await run("go", ["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], { cwd: FOLDER });
  const names = [
    "node/fast/node-initialize",
    "node/heartbeat-with-lease/node-heartbeat-with-lease",
    "pod/fast/pod-ready",
    "pod/fast/pod-complete",
    "pod/fast/pod-delete",
  ];
  const path = (name: string): string => join(module.stdout.trim(), "kustomize/stage", `${name}.yaml`);
  return (await Promise.all(names.map((name) => readFile(path(name), "utf8")))).join("\n---\n");
}

function apiserverFlags(at: (name: string) => string, port: number): readonly string[] {
  return [
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    "--advertise-address=192.0.2.10",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    `--client-ca-file=${at("kubernetes-ca.crt")}`,
    `--tls-cert-file=${at("apiserver.crt")}`,
    `--tls-private-key-file=${at("apiserver.key")}`,
    `--kubelet-client-certificate=${at("kubelet-client.crt")}`,
    `--kubelet-client-key=${at("kubelet-client.key")}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${at("sa.pub")}`,
    `--service-account-signing-key-file=${at("sa.key")}`,
    `--audit-policy-file=${at("policy.yaml")}`,
    `--audit-log-path=${at("audit.log")}`,
    "--audit-log-maxsize=100000",
    // Only the body that a step pads on purpose is over it.
    "--audit-log-truncate-enabled",
    "--audit-log-truncate-max-event-size=150000",
    "--audit-log-truncate-max-batch-size=1000000",
    "--allow-privileged=true",
  ];
}

function controllerFlags(at: (name: string) => string, port: number): readonly string[] {
  return [
    ...componentFlags(at, "system:kube-controller-manager", port),
    "--use-service-account-credentials=true",
    `--root-ca-file=${at("kubernetes-ca.crt")}`,
    `--service-account-private-key-file=${at("sa.key")}`,
    `--cluster-signing-cert-file=${at("kubernetes-ca.crt")}`,
    `--cluster-signing-key-file=${at("kubernetes-ca.key")}`,
    "--allocate-node-cidrs=true",
    "--cluster-cidr=10.244.0.0/16",
    "--service-cluster-ip-range=10.96.0.0/16",
  ];
}

function schedulerFlags(at: (name: string) => string, port: number): readonly string[] {
  return componentFlags(at, "system:kube-scheduler", port);
}

function componentFlags(at: (name: string) => string, user: string, port: number): readonly string[] {
  const kubeconfig = at(`${user}.kubeconfig`);
  return [
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    ...["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"].map((flag) => `--${flag}=${kubeconfig}`),
    "--leader-elect=true",
    // A busy machine must not cost a component its lease.
    "--leader-elect-lease-duration=60s",
    "--leader-elect-renew-deadline=45s",
  ];
}

function kwokFlags(at: (name: string) => string, node: string, index: number, port: number): readonly string[] {
  return [
    `--kubeconfig=${at(`system:node:${node}.kubeconfig`)}`,
    `--manage-single-node=${node}`,
    `--node-name=${node}`,
    "--node-ip=127.0.0.1",
    `--node-port=${port}`,
    `--server-address=127.0.0.1:${port}`,
    `--tls-cert-file=${at("kubelet.crt")}`,
    `--tls-private-key-file=${at("kubelet.key")}`,
    "--node-lease-duration-seconds=40",
    `--cidr=10.244.${index}.0/24`,
    `--config=${at("stages.yaml")}`,
  ];
}

/** In a host name space of its own where that can be had, so that no name of this machine gets into the log. */
function launch(folder: string, name: string, program: string, flags: readonly string[]): ChildProcess {
  const script = 'unshare -u true 2>/dev/null && exec unshare -u sh -c \'hostname cp-1; exec "$@"\' sh "$@"; exec "$@"';
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, ETCD_DATA_DIR: join(folder, "etcd") };
  const child = spawn("sh", ["-c", script, "sh", program, ...flags], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(join(folder, `${name}.log`));
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  process.once("exit", () => child.kill("SIGKILL"));
  return child;
}

async function untilReady(url: string, kubectl: string, at: (name: string) => string): Promise<void> {
  const limit = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const args = ["--kubeconfig", at("kubernetes-admin.kubeconfig"), "get", "--raw", "/readyz"];
    const isReady = await run(kubectl, args, { env: { HOME: at("."), PATH: "" } }).then(
      () => true,
      () => false,
    );
    if (isReady) return;
    if (Date.now() > limit) throw new Error(`Cannot start the control plane: no answer of ${url}; see apiserver.log`);
    await sleep(500);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  await ended;
  clearTimeout(timer);
}

async function freePorts(count: number): Promise<readonly number[]> {
  const probes = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const probe = createServer();
          probe.once("error", reject);
          probe.listen(0, "127.0.0.1", () => resolve(probe));
        }),
    ),
  );
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
