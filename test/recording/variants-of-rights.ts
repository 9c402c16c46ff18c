import { at } from "./actors.ts";
import { ERIN, FRANK, IDA } from "./people.ts";
import { clusterRole, rule } from "./setting.ts";
import type { Scene, Step } from "./step.ts";
import { byKubectl, createdBy } from "./step.ts";

const create = createdBy(ERIN);
const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const SUMMED_UP = "rbac.authorization.k8s.io/aggregate-to-";
const VIEWERS = "secrets-for-viewers";

/** A role that the roles with such a label are summed up in. */
const labelled = (name: string, into: string, value: string, ...rules: readonly unknown[]): object => ({
  ...clusterRole(name, rules),
  metadata: { name, labels: { [`${SUMMED_UP}${into}`]: value } },
});
const added = (role: string, ...operations: readonly object[]): readonly string[] => [
  "patch",
  "clusterrole",
  role,
  "--type",
  "json",
  "-p",
  JSON.stringify(operations),
];

const SUMMED: readonly Step[] = [
  create(
    "roles-summed-up",
    "T1098.006",
    "clusterroles",
    labelled(VIEWERS, "view", "true", rule("", "secrets", "get,list")),
    labelled("nodes-for-editors", "edit", "true", rule("", "nodes", "patch")),
    labelled("backups-for-admins", "admin", "true", rule("velero.io", "backups", "get,create")),
    labelled("not-summed-up", "view", "false", rule("", "secrets", "get")),
    clusterRole("summed-up-later", [rule("", "pods/exec", "create")]),
  ),
  byKubectl(["role-labelled", "T1098.006", ERIN], "patch:clusterroles", [
    "label",
    "clusterrole",
    "summed-up-later",
    `${SUMMED_UP}edit=true`,
  ]),
  byKubectl(
    ["rule-added-to-summed-up", "T1098.006", ERIN],
    "patch:clusterroles",
    added(VIEWERS, { op: "add", path: "/rules/-", value: rule("", "nodes/proxy", "get") }),
  ),
  byKubectl(
    ["summed-up-replaced", "T1098.006", ERIN],
    "update:clusterroles",
    "replace",
    labelled(VIEWERS, "view", "true", rule("", "secrets", "get,list,watch")),
  ),
  byKubectl(["summed-up-read", "none", ERIN], "get:clusterroles", `get clusterrole ${VIEWERS} -o json`),
  byKubectl(["map-labelled", "none", ERIN], "patch:configmaps", [
    "-n",
    "sandbox",
    "label",
    "configmap",
    "experiment-5",
    `${SUMMED_UP}view=true`,
  ]),
  byKubectl(["label-taken-off", "none", ERIN], "patch:clusterroles", [
    "label",
    "clusterrole",
    "summed-up-later",
    `${SUMMED_UP}edit-`,
  ]),
];

const ROLES: readonly Step[] = [
  create(
    "roles-on-everything",
    "T1098.006",
    "clusterroles",
    clusterRole("edits-everything", [rule("*", "*", "get,list,watch,create,update,patch,delete")]),
    clusterRole("makes-of-core", [rule("", "*", "create")]),
    clusterRole("reads-everything", [rule("*", "*", "get,list,watch")]),
    clusterRole("deletes-everything", [rule("*", "*", "delete")]),
    clusterRole("lists-everything", [rule("*", "*", "list,watch")]),
    clusterRole("edits-workloads", [rule("apps", "*", "get,create,update,patch")]),
  ),
  byKubectl(
    ["verb-added-on-everything", "T1098.006", ERIN],
    "patch:clusterroles",
    added("reads-everything", { op: "add", path: "/rules/0/verbs/-", value: "patch" }),
  ),
  create(
    "roles-of-other-words",
    "T1098.006",
    "clusterroles",
    clusterRole("places-pods", [rule("", "pods/binding", "create")]),
    clusterRole("places-pods-too", [rule("", "bindings", "create")]),
    clusterRole("owns-accounts", [rule("", "serviceaccounts", "*")]),
    clusterRole("makes-sets", [rule("apps", "replicasets", "create,get")]),
    clusterRole("makes-old-sets", [rule("", "replicationcontrollers", "update,get")]),
    clusterRole("asks-for-pods", [rule("certificates.k8s.io", "podcertificaterequests", "create")]),
    clusterRole("attests", [rule("certificates.k8s.io", "signers", "attest")]),
  ),
];

async function requested({ actors }: Scene, who: string, prefix: string): Promise<string> {
  const made = await actors.certificateRequest(`made-by-${who}`, `/CN=${prefix}robot`);
  const { body } = await actors.send(actors.certificate(who), "POST", REQUESTS, {
    body: {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { generateName: prefix },
      spec: {
        request: Buffer.from(made.request).toString("base64"),
        signerName: "kubernetes.io/kube-apiserver-client",
        usages: ["client auth"],
      },
    },
  });
  return String(at(body, "metadata", "name"));
}

const APPROVED = [{ type: "Approved", status: "True", reason: "Checked", message: "checked" }];

/** Whose name the apiserver makes: it stands in the answer to the request alone. */
const NAMED_BY_THE_SERVER: readonly Step[] = [
  {
    label: "own-request-of-made-name-approved",
    technique: "T1098",
    principal: FRANK,
    deeds: [],
    run: async (scene) => {
      const { actors } = scene;
      const path = `${REQUESTS}/${await requested(scene, FRANK, "release-")}`;
      const { body } = await actors.send(actors.certificate(FRANK), "GET", path);
      const approved = { ...(body as object), status: { conditions: APPROVED } };
      await actors.send(actors.certificate(FRANK), "PUT", `${path}/approval`, { body: approved });
    },
  },
  {
    label: "own-request-of-made-name-approved-by-patch",
    technique: "T1098",
    principal: IDA,
    deeds: [],
    run: async (scene) => {
      const path = `${REQUESTS}/${await requested(scene, IDA, "nightly-")}`;
      const body = { status: { conditions: APPROVED } };
      await scene.actors.send(scene.actors.certificate(IDA), "PATCH", `${path}/approval`, { body });
    },
  },
  {
    label: "request-of-made-name-approved-by-colleague",
    technique: "none",
    principal: ERIN,
    deeds: [],
    run: async (scene) => {
      const path = `${REQUESTS}/${await requested(scene, FRANK, "weekly-")}`;
      const body = { status: { conditions: APPROVED } };
      await scene.actors.send(scene.actors.certificate(ERIN), "PATCH", `${path}/approval`, { body });
    },
  },
  byKubectl(["own-request-read", "none", FRANK], "list:certificatesigningrequests", "get csr"),
];

/** Rights given by other words than the other recordings have, and a certificate whose request the apiserver named. */
export const RIGHTS_VARIANTS: readonly Step[] = [...SUMMED, ...ROLES, ...NAMED_BY_THE_SERVER];
