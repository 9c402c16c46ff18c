import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readYaml } from "../../packages/audit/src/index.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiserver } from "../engines/apiserver/apiserver.ts";
import type { RunningApiserver } from "../engines/apiserver/apiserver.ts";
import { buildGoProgram } from "../engines/policy-oracle/go-program.ts";
import { buildKubectl } from "../recording/control-plane.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUILD_TIMEOUT_MS = 45 * 60_000;
const NAMESPACE = "auditsieve";
const CHART = join(ROOT, "deploy/helm/auditsieve");
const STREAM = "role: stream, config: { sources: [{ type: stdin }], sinks: [{ type: stdout }] }";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: {
    readonly template?: { readonly metadata: object; readonly spec: { readonly volumes?: readonly object[] } };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

interface Monitor {
  readonly spec: { readonly selector: { readonly matchLabels: object } };
}

const folder = mkdtempSync(join(tmpdir(), "auditsieve-deploy-"));
let kubectl: string;
let helm: string;
let server: RunningApiserver;

beforeAll(async () => {
  kubectl = await buildKubectl();
  helm = await buildGoProgram({ name: "helm", folder: join(ROOT, "test/engines/helm") });
  server = await startApiserver({
    policyText: "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None }]\n",
    // No controller manager makes the service accounts that pods run as.
    flags: ["--disable-admission-plugins=ServiceAccount", "--allow-privileged=true"],
  });
  const namespace = readFileSync(join(ROOT, "deploy/kustomize/base/namespace.yaml"), "utf8");
  const made = await admin().request("POST", "/api/v1/namespaces", {
    body: manifestsOf(namespace)[0],
  });
  expect(made.status).toBe(201);
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

function admin(): ReturnType<RunningApiserver["client"]> {
  return server.client({ user: "admin" });
}

describe("an apiserver accepts, by a dry run on its side with strict fields,", () => {
  test("the Kustomize base", async () => {
    const rendered = kustomize(join(ROOT, "deploy/kustomize/base"));
    expect(rendered.map(({ kind }) => kind).toSorted()).toEqual([
      "ConfigMap",
      "ConfigMap",
      "DaemonSet",
      "Namespace",
      "NetworkPolicy",
      "ServiceAccount",
    ]);
    await expectAccepted(rendered);
  });

  test("an overlay as docs/deploy.md shows it", async () => {
    const [, overlay = ""] = /```yaml\n(# kustomization\.yaml\n[^`]+)```/.exec(read("docs/deploy.md")) ?? [];
    const place = join(folder, "overlay");
    mkdirSync(place);
    const base = relative(realpathSync(place), join(ROOT, "deploy/kustomize/base"));
    writeFileSync(join(place, "kustomization.yaml"), overlay.replace("../auditsieve/deploy/kustomize/base", base));
    writeFileSync(join(place, "auditsieve.yaml"), read("deploy/auditsieve.yaml").replace("10000000000", "20000000000"));
    writeFileSync(join(place, "es-key"), "secret");
    const rendered = kustomize(place);
    const text = JSON.stringify(rendered);
    expect(text).toContain("maxStoreBytes: 20000000000");
    expect(text).not.toContain("maxStoreBytes: 10000000000");
    expect(text).toContain('"CLUSTER":"prod"');
    expect(text).toContain('"image":"registry.example/team/auditsieve:0.1.0"');
    const [secret] = rendered.filter(({ kind }) => kind === "Secret");
    expect(text).toContain(`"secretRef":{"name":"${secret?.metadata.name}","optional":true}`);
    await expectAccepted(rendered);
  });

  test("the Helm chart as a daemon set on the nodes", async () => {
    const rendered = template("");
    expect(rendered.map(({ kind }) => kind)).toContain("DaemonSet");
    await expectAccepted(rendered);
  });

  test("the Helm chart as a deployment that takes a stream, with everything set", async () => {
    const rendered = template(
      [
        "role: stream",
        "replicas: 1",
        "secret: sinks",
        "secretFiles: certificates",
        "stateClaim: auditsieve",
        "service: { enabled: true, clusterIP: 10.96.0.77 }",
        "priorityClassName: system-cluster-critical",
        "imagePullSecrets: [{ name: registry }]",
        "ports: [{ name: metrics, containerPort: 9464 }, { name: webhook, containerPort: 8443 }]",
        "readinessProbe: { httpGet: { path: /readyz, port: metrics } }",
        "livenessProbe: { httpGet: { path: /healthz, port: metrics } }",
        'podAnnotations: { prometheus.io/scrape: "true" }',
        "config: { sources: [{ type: stdin }], sinks: [{ type: stdout }] }",
      ].join("\n"),
    );
    expect(rendered.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["Deployment", "Service"]));
    expect(JSON.stringify(rendered)).toContain('"--watch-files","60"');
    await expectAccepted(rendered);
  });

  test("the Helm chart as replicas behind one address with a state each", async () => {
    const rendered = template(
      [
        "role: stream",
        "replicas: 2",
        "stateStorage: { size: 10Gi, storageClassName: fast }",
        "service: { enabled: true, clusterIP: 10.96.0.78 }",
        "ports: [{ name: metrics, containerPort: 9598 }, { name: webhook, containerPort: 8443 }]",
        "config: { sources: [{ type: stdin }], sinks: [{ type: stdout }] }",
      ].join("\n"),
    );
    const kinds = rendered.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(["StatefulSet", "PodDisruptionBudget", "Service"]));
    const text = JSON.stringify(rendered);
    expect(text).toContain('"volumeClaimTemplates":[{"metadata":{"name":"state"}');
    expect(text).toContain('"preStop":{"sleep":{"seconds":5}}');
    expect(text).toContain('"topologyKey":"kubernetes.io/hostname"');
    expect(text).not.toContain("emptyDir");
    await expectAccepted(rendered);
  });

  test("the static pod", async () => {
    await expectAccepted(manifestsOf(readFileSync(join(ROOT, "deploy/static-pod/auditsieve.yaml"), "utf8")));
  });
});

describe("the Helm chart", () => {
  test.each(["{}", `{ podMonitor: { enabled: true }, ${STREAM} }`])(
    "has nothing to mend for Helm's linter: %s",
    (values) => {
      const { status, stdout } = spawnSync(helm, [CHART, "demo", NAMESPACE, "lint"], {
        input: values,
        encoding: "utf8",
      });
      expect([status, stdout]).toEqual([0, "[INFO] Chart.yaml: icon is recommended\n"]);
    },
  );

  test("runs on every control-plane node whatever its label's value and its taints are, and elsewhere where that is said", () => {
    const placed = (values: string): unknown =>
      template(values).find(({ spec }) => spec?.template !== undefined)?.spec?.template?.spec;
    const exists = (key: string): object => ({ key, operator: "Exists" });
    const nodes = (key: string): object => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [exists(key)] }] },
      },
    });
    const controlPlane = {
      affinity: nodes("node-role.kubernetes.io/control-plane"),
      tolerations: expect.arrayContaining([exists("node-role.kubernetes.io/control-plane")]) as unknown,
    };
    const [base] = kustomize(join(ROOT, "deploy/kustomize/base")).filter(({ kind }) => kind === "DaemonSet");
    expect(base?.spec?.template?.spec).toMatchObject(controlPlane);
    expect(placed("")).toMatchObject(controlPlane);
    expect(placed("")).not.toHaveProperty("nodeSelector");
    const chosen = placed("{ nodeSelector: { log: here }, tolerations: [{ operator: Exists }] }");
    expect(chosen).toMatchObject({ nodeSelector: { log: "here" }, tolerations: [{ operator: "Exists" }] });
    expect(chosen).not.toHaveProperty("affinity");
    expect(placed(`{ ${STREAM} }`)).not.toHaveProperty("affinity");
    expect(placed(`{ nodeSelector: { log: here }, ${STREAM} }`)).toMatchObject({ nodeSelector: { log: "here" } });
  });

  test("lets a Prometheus operator scrape what a pod names metrics, under the labels that its Prometheus selects", () => {
    const kinds = (values: string): readonly string[] => template(values).map(({ kind }) => kind);
    expect(kinds("")).not.toContain("PodMonitor");
    const rendered = template("podMonitor: { enabled: true, labels: { release: prometheus } }");
    const [monitor] = rendered.filter(({ kind }) => kind === "PodMonitor");
    const workload = rendered.find(({ spec }) => spec?.template !== undefined)?.spec?.template;
    expect(monitor).toMatchObject({
      metadata: { labels: { release: "prometheus" } },
      spec: { podMetricsEndpoints: [{ port: "metrics" }] },
    });
    const { matchLabels } = (monitor as unknown as Monitor).spec.selector;
    expect(workload).toMatchObject({ metadata: { labels: matchLabels } });
    expect(workload).toMatchObject({ spec: { containers: [{ ports: [{ name: "metrics" }] }] } });
  });

  test.each([
    ["an unknown value", "sinks: []", /additional properties 'sinks' not allowed/],
    ["a role that there is not", "role: sidecar", /value must be one of 'node', 'stream'/],
    ["a stream that reads a file", "role: stream", /a file is read by role node/],
    [
      "several replicas with one state",
      "{ role: stream, stateClaim: a, config: { sources: [{ type: stdin }], sinks: [{ type: stdout }] } }",
      /several replicas would write one state/,
    ],
    [
      "a claim for all and one for each",
      "{ role: stream, replicas: 1, stateClaim: a, stateStorage: { size: 1Gi }, config: { sources: [{ type: stdin }], sinks: [{ type: stdout }] } }",
      /give one of them/,
    ],
    ["a claim for each pod on the nodes", "stateStorage: { size: 1Gi }", /keeps its state on the node/],
    ["a relative folder", "auditLogFolder: logs", /does not match pattern/],
    [
      "a log in another folder than the one that is mounted",
      "auditLogFolder: /srv",
      /audit\.log is not in auditLogFolder, \/srv\//,
    ],
    [
      "one of several logs there",
      "config: { sources: [{ type: file, paths: [/var/log/kubernetes/audit/*.log, /srv/b.log] }] }",
      /\/srv\/b\.log is not in auditLogFolder/,
    ],
    ["a state where nothing can be written", "stateFolder: /srv", /state is not in stateFolder, \/srv\//],
    [
      "a sink there",
      "config: { sinks: [{ type: file, folder: /tmp/kept }] }",
      /\/tmp\/kept is not in stateFolder, \/var\/lib\/auditsieve\//,
    ],
  ])("refuses %s", (_what, values, said) => {
    const { status, stderr } = spawnSync(helm, [CHART, "demo", NAMESPACE], {
      input: values,
      encoding: "utf8",
    });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(said);
  });
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function kustomize(base: string): readonly Manifest[] {
  const { status, stdout, stderr } = spawnSync(kubectl, ["kustomize", base], {
    encoding: "utf8",
    env: { HOME: folder, PATH: process.env["PATH"] ?? "" },
  });
  expect([status, stderr]).toEqual([0, ""]);
  return manifestsOf(stdout);
}

function template(values: string): readonly Manifest[] {
  const { status, stdout, stderr } = spawnSync(helm, [CHART, "demo", NAMESPACE], {
    input: values,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  return manifestsOf(stdout);
}

function manifestsOf(text: string): readonly Manifest[] {
  const { documents, problems } = readYaml(text);
  expect(problems).toEqual([]);
  return documents.map(({ value }) => value as unknown as Manifest).filter((value) => value !== null);
}

/** Each object by itself, with kubectl's own mapping from kinds to paths; and what a workload makes, as a pod. */
async function expectAccepted(manifests: readonly Manifest[]): Promise<void> {
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: server.url, "certificate-authority": server.certificate } }],
      users: [{ name: "u", user: { token: server.tokens.get("admin") } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
  const list = { apiVersion: "v1", kind: "List", items: [...manifests] };
  const flags = ["--dry-run=server", "--validate=strict", "--server-side", "-f", "-"];
  const { status, stderr } = spawnSync(kubectl, ["--kubeconfig", kubeconfig, "apply", ...flags], {
    input: JSON.stringify(list),
    encoding: "utf8",
    env: { HOME: folder, PATH: "" },
  });
  expect([status, stderr]).toEqual([0, ""]);
  for (const { spec, metadata } of manifests) {
    if (spec?.template !== undefined) {
      const name = metadata.name;
      const { template, volumeClaimTemplates = [] } = spec;
      // As the controller of stateful sets adds them.
      const claims = volumeClaimTemplates.map((claim) => ({
        name: claim.metadata.name,
        persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}-0` },
      }));
      const podSpec = { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] };
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { ...template.metadata, name }, spec: podSpec };
      const path = `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All&fieldValidation=Strict`;
      const answer = await admin().request("POST", path, { body: pod });
      expect([answer.status, answer.status === 201 ? "" : answer.text]).toEqual([201, ""]);
    }
  }
}
