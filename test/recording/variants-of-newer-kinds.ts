import { AGENTS, at, until } from "./actors.ts";
import type { Actors } from "./actors.ts";
import { NODES } from "./control-plane.ts";
import { DANA, ERIN, FRANK, GINA } from "./people.ts";
import { person, sent } from "./sent.ts";
import { named, pod, podSpec, workload } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Scene, Step } from "./step.ts";

const create = createdBy(ERIN);
const IMAGE = "ghcr.example/acme/toolbox:8";
/** A value that ends in another setting. */
const CARRIED = "0 1+kernel.core_pattern=|/var/tmp/x #";
const BUNDLES = "/apis/certificates.k8s.io/v1/clustertrustbundles";
const ADMIN_ACCESS = "resource.kubernetes.io/admin-access";

const devices = (adminAccess?: boolean): object => ({
  devices: {
    requests: [
      {
        name: "card",
        exactly: {
          deviceClassName: "gpu.acme.example",
          allocationMode: "All",
          ...(adminAccess === undefined ? {} : { adminAccess }),
        },
      },
    ],
  },
});
const claim = (namespace: string, name: string, adminAccess?: boolean): object => ({
  ...named("ResourceClaim", "resource.k8s.io/v1", name, namespace),
  spec: devices(adminAccess),
});

const DEVICES: readonly Step[] = [
  byKubectl(["namespace-for-administrators-of-devices", "T1611", ERIN], "patch:namespaces", [
    "label",
    "namespace",
    "sandbox",
    `${ADMIN_ACCESS}=true`,
  ]),
  byKubectl(["namespace-of-no-administrators", "none", ERIN], "patch:namespaces", [
    "label",
    "namespace",
    "team-a",
    `${ADMIN_ACCESS}=false`,
  ]),
  create("devices-of-others-claimed", "T1611", "resourceclaims", claim("sandbox", "all-cards", true)),
  create("devices-of-others-in-a-template", "T1611", "resourceclaimtemplates", {
    ...named("ResourceClaimTemplate", "resource.k8s.io/v1", "all-cards", "sandbox"),
    spec: { spec: devices(true) },
  }),
  create(
    "devices-claimed",
    "none",
    "resourceclaims",
    claim("sandbox", "one-card"),
    claim("sandbox", "no-administrator", false),
  ),
  create("devices-in-a-template", "none", "resourceclaimtemplates", {
    ...named("ResourceClaimTemplate", "resource.k8s.io/v1", "one-card", "sandbox"),
    spec: { spec: devices(false) },
  }),
  create("devices-of-others-refused", "T1611", "resourceclaims", claim("shop", "all-cards", true)),
];

const ANCHORS: readonly Step[] = [
  {
    label: "trust-anchor-published",
    technique: "T1553.004",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const trustBundle = await anchor(actors);
      await actors.send(actors.certificate(ERIN), "POST", BUNDLES, {
        body: { ...named("ClusterTrustBundle", "certificates.k8s.io/v1", "mesh"), spec: { trustBundle } },
      });
      await actors.send(actors.certificate(ERIN), "POST", BUNDLES, {
        body: {
          ...named("ClusterTrustBundle", "certificates.k8s.io/v1", "acme.example:mesh:one"),
          spec: { signerName: "acme.example/mesh", trustBundle },
        },
      });
    },
  },
  byKubectl(["trust-anchors-read", "none", ERIN], "list:clustertrustbundles", "get clustertrustbundles"),
  byKubectl(["trust-anchor-labelled", "T1553.004", ERIN], "patch:clustertrustbundles", [
    "label",
    "clustertrustbundle",
    "mesh",
    "tier=all",
  ]),
  byKubectl(["trust-anchor-removed", "T1489", ERIN], "delete:clustertrustbundles", "delete clustertrustbundle mesh"),
];

async function anchor(actors: Actors): Promise<string> {
  const map = await actors.look("/api/v1/namespaces/shop/configmaps/kube-root-ca.crt");
  return String(at(map, "data", "ca.crt"));
}

interface PodOfNode {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string };
}

const MADE_WITH_CERTIFICATE = "with-certificate";

/** What a kubelet sends for a pod that wants a certificate. */
async function podCertificateRequest({ actors, facts }: Scene, name: string): Promise<object> {
  const where = `/api/v1/namespaces/sandbox/pods/${MADE_WITH_CERTIFICATE}`;
  const { metadata, spec } = await until("the pod on a node", async () => {
    const looked = (await actors.look(where)) as PodOfNode;
    return looked.spec.nodeName === undefined ? undefined : looked;
  });
  const node = spec.nodeName ?? "";
  facts.set("node", node);
  const uid = at(await actors.look(`/api/v1/nodes/${node}`), "metadata", "uid");
  const account = await actors.look("/api/v1/namespaces/sandbox/serviceaccounts/default");
  const { request } = await actors.certificateRequest(name, "/CN=ignored");
  return {
    ...named("PodCertificateRequest", "certificates.k8s.io/v1", name, "sandbox"),
    spec: {
      signerName: "acme.example/mesh",
      podName: metadata.name,
      podUID: metadata.uid,
      serviceAccountName: "default",
      serviceAccountUID: at(account, "metadata", "uid"),
      nodeName: node,
      nodeUID: uid,
      // DER, of which PEM is the base64 between two lines.
      stubPKCS10Request: request.replace(/-----[^-]+-----|\s/g, ""),
    },
  };
}

const POD_REQUESTS = "/apis/certificates.k8s.io/v1/namespaces/sandbox/podcertificaterequests";
const asKubelet = { "User-Agent": AGENTS.kubelet };

const POD_CERTIFICATES: readonly Step[] = [
  byKubectl(["nodes-back", "none", ERIN], "patch:nodes", ["uncordon", ...NODES]),
  create("pod-with-certificate", "none", "pods", {
    ...pod("sandbox", MADE_WITH_CERTIFICATE, {
      ...podSpec(IMAGE, { volumeMounts: [{ name: "certificate", mountPath: "/certificate" }] }),
      volumes: [
        {
          name: "certificate",
          projected: {
            sources: [
              {
                podCertificate: {
                  signerName: "acme.example/mesh",
                  keyType: "ECDSAP256",
                  credentialBundlePath: "b.pem",
                },
              },
            ],
          },
        },
      ],
    }),
  }),
  {
    label: "pod-certificate-asked-for-by-kubelet",
    technique: "none",
    principal: "system:node",
    deeds: [],
    note: "played by the recording with the certificate of the node",
    run: async (scene) => {
      const body = await podCertificateRequest(scene, "by-kubelet");
      const who = scene.actors.certificate(`system:node:${scene.facts.get("node")}`);
      await scene.actors.send(who, "POST", POD_REQUESTS, { body, headers: asKubelet });
    },
  },
  {
    label: "pod-certificate-asked-for-by-hand",
    technique: "T1649",
    principal: ERIN,
    deeds: [],
    run: async (scene) => {
      const body = await podCertificateRequest(scene, "by-hand");
      await scene.actors.send(scene.actors.certificate(ERIN), "POST", POD_REQUESTS, { body });
    },
  },
  {
    label: "pod-certificate-refused",
    technique: "T1649",
    principal: GINA,
    deeds: [],
    run: async (scene) => {
      const body = await podCertificateRequest(scene, "by-gina");
      await scene.actors.send(scene.actors.certificate(GINA), "POST", POD_REQUESTS, { body });
    },
  },
  {
    label: "pod-certificate-of-another-node",
    technique: "T1649",
    principal: "system:node",
    deeds: [],
    run: async (scene) => {
      const { facts, actors } = scene;
      await podCertificateRequest(scene, "looked-for");
      const other = facts.get("node") === "node-0" ? "node-1" : "node-0";
      const body = await podCertificateRequest(scene, "by-another");
      await actors.send(actors.certificate(`system:node:${other}`), "POST", POD_REQUESTS, { body, headers: asKubelet });
      facts.set("node", other);
    },
  },
  byKubectl(
    ["pod-certificates-listed", "none", ERIN],
    "list:podcertificaterequests",
    "-n sandbox get podcertificaterequests",
  ),
  byKubectl(
    ["pod-certificate-request-removed", "none", ERIN],
    "delete:podcertificaterequests",
    "-n sandbox delete podcertificaterequest by-hand",
  ),
];

const NODES_BEYOND: readonly Step[] = [
  sent(["node-owned-by-another", "T1489", "system:node:node-1"], person("system:node:node-1"), [
    "PATCH",
    "/api/v1/nodes/node-1",
    {
      headers: asKubelet,
      body: {
        metadata: {
          ownerReferences: [
            { apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "6b1f3f0e-7a53-4f0c-9d2b-3f5b0c6f1a11" },
          ],
        },
      },
    },
  ]),
  {
    label: "node-asks-for-unbound-token",
    technique: "T1528",
    principal: "system:node",
    deeds: [],
    run: async (scene) => {
      await podCertificateRequest(scene, "of-the-account");
      const path = "/api/v1/namespaces/sandbox/serviceaccounts/default/token";
      const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: [] } };
      const who = scene.actors.certificate(`system:node:${scene.facts.get("node")}`);
      await scene.actors.send(who, "POST", path, { body, headers: asKubelet });
    },
  },
];

const autoscaler = (name: string, minReplicas: number, maxReplicas: number): object => ({
  ...named("HorizontalPodAutoscaler", "autoscaling/v2", name, "sandbox"),
  spec: {
    // Of something that is not there: nothing is scaled.
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "absent" },
    minReplicas,
    maxReplicas,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } }],
  },
});
const volume = (name: string, source: object): object => ({
  ...named("PersistentVolume", "v1", name),
  spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], ...source },
});
const clonedByGit = {
  volumes: [{ name: "code", gitRepo: { repository: "https://git.example/a/b.git", directory: "g/.git" } }],
};

const WORKLOADS: readonly Step[] = [
  create(
    "autoscalers-made",
    "T1496",
    "horizontalpodautoscalers",
    autoscaler("far-up", 40, 60),
    autoscaler("far-reaching", 2, 400),
    autoscaler("modest", 3, 12),
  ),
  byKubectl(["autoscaler-raised", "T1496", ERIN], "patch:horizontalpodautoscalers", [
    "-n",
    "sandbox",
    "patch",
    "hpa",
    "modest",
    "--type=merge",
    "-p",
    '{"spec":{"minReplicas":64,"maxReplicas":64}}',
  ]),
  byKubectl(["autoscaler-raised-a-little", "none", ERIN], "patch:horizontalpodautoscalers", [
    "-n",
    "sandbox",
    "patch",
    "hpa",
    "far-reaching",
    "--type=merge",
    "-p",
    '{"spec":{"minReplicas":4,"maxReplicas":20}}',
  ]),
  create("schedule-of-many", "T1496", "cronjobs", {
    ...named("CronJob", "batch/v1", "many", "sandbox"),
    spec: {
      schedule: "0 3 * * *",
      suspend: true,
      jobTemplate: {
        spec: { parallelism: 48, template: { spec: { ...podSpec(IMAGE), restartPolicy: "Never" } } },
      },
    },
  }),
  create(
    "volumes-of-nodes",
    "T1611",
    "persistentvolumes",
    volume("disk-of-node", {
      local: { path: "/var/lib/kubelet" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-1"] }] },
          ],
        },
      },
    }),
    volume("disk-of-network", { csi: { driver: "csi.acme.example", volumeHandle: "one" } }),
  ),
  create(
    "pod-cloned-by-git",
    "T1611",
    "pods",
    pod("sandbox", "cloned", podSpec(IMAGE, {}, clonedByGit)),
    pod("sandbox", "not-cloned", podSpec(IMAGE, {}, { volumes: [{ name: "code", emptyDir: {} }] })),
  ),
  create(
    "deployment-cloned-by-git",
    "T1611",
    "deployments",
    workload("Deployment", "sandbox", "cloner", podSpec(IMAGE, {}, clonedByGit), { replicas: 1 }),
  ),
];

const COMPONENTS: readonly Step[] = [
  byKubectl(["root-certificate-exchanged", "T1557", ERIN], "patch:configmaps", [
    "-n",
    "shop",
    "patch",
    "configmap",
    "kube-root-ca.crt",
    "--type=merge",
    "-p",
    '{"data":{"ca.crt":"SYNTHETIC, not a certificate"}}',
  ]),
  create(
    "kubelet-configuration-made",
    "T1685",
    "configmaps",
    {
      ...named("ConfigMap", "v1", "kubelet-config", "kube-system"),
      data: { kubelet: "authentication: {anonymous: {enabled: true}}" },
    },
    { ...named("ConfigMap", "v1", "kubelet-config", "sandbox"), data: { kubelet: "" } },
    { ...named("ConfigMap", "v1", "cluster-info", "kube-public"), data: { kubeconfig: "" } },
    { ...named("ConfigMap", "v1", "dashboards", "kube-system"), data: { a: "" } },
  ),
  byKubectl(["front-proxy-authority-changed", "T1556", ERIN], "patch:configmaps", [
    "-n",
    "kube-system",
    "patch",
    "configmap",
    "extension-apiserver-authentication",
    "--type=merge",
    "-p",
    '{"data":{"requestheader-allowed-names":"[]"}}',
  ]),
  byKubectl(
    ["component-configuration-read", "none", ERIN],
    "get:configmaps",
    "-n kube-system get configmap kubelet-config -o yaml",
  ),
  byKubectl(
    ["component-configuration-removed", "T1489", ERIN],
    "delete:configmaps",
    "-n kube-system delete configmap kubelet-config",
  ),
];

const scanner = (label: string, technique: string, who: string, agent: string): Step =>
  sent([label, technique, who], person(who), [
    "GET",
    "/api/v1/namespaces/shop/pods",
    { headers: { "User-Agent": agent } },
  ]);

const SETTINGS: readonly Step[] = [
  create(
    "kernel-setting-with-another-in-a-template",
    "T1611",
    "deployments",
    workload(
      "Deployment",
      "sandbox",
      "tuned",
      podSpec(IMAGE, {}, { securityContext: { sysctls: [{ name: "net.ipv4.ping_group_range", value: CARRIED }] } }),
      { replicas: 0 },
    ),
  ),
  create(
    "kernel-setting",
    "none",
    "pods",
    pod(
      "sandbox",
      "ping",
      podSpec(IMAGE, {}, { securityContext: { sysctls: [{ name: "net.ipv4.ping_group_range", value: "0 65535" }] } }),
    ),
  ),
  create("event-that-a-controller-seems-to-write", "T1036", "events", {
    ...named("Event", "v1", "tuned.18", "sandbox"),
    involvedObject: { kind: "Deployment", namespace: "sandbox", name: "tuned" },
    reason: "ScalingReplicaSet",
    message: "Scaled up replica set tuned-1 to 2",
    source: { component: "deployment-controller" },
    type: "Normal",
  }),
];

const SCANNERS: readonly Step[] = [
  scanner("scanned-by-kubescape", "T1613", DANA, "kubescape/v3.0.48 (linux/amd64) kubernetes/$Format"),
  scanner("scanned-by-trivy", "T1613", FRANK, "trivy/v0.0.0 (linux/amd64) kubernetes/$Format"),
  scanner("scanned-by-popeye", "T1613", GINA, "popeye/v0.0.0 (darwin/arm64) kubernetes/$Format"),
  scanner("watched-by-metrics", "none", DANA, "kube-state-metrics/v2.15.0 (linux/amd64) kubernetes/0000000"),
  scanner("watched-by-a-namesake", "none", FRANK, "acme-trivy-dashboard/v1.2.0 (linux/amd64) kubernetes/0000000"),
];

/** Kinds that Kubernetes has had for few versions, and old kinds by another way. */
export const NEWER_KINDS_VARIANTS: readonly Step[] = [
  ...DEVICES,
  ...ANCHORS,
  ...POD_CERTIFICATES,
  ...NODES_BEYOND,
  ...WORKLOADS,
  ...COMPONENTS,
  ...SCANNERS,
  ...SETTINGS,
];
