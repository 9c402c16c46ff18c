import type { Need } from "@auditsieve/audit";

/** What must be fed for a field to be known. */
export type MemoryPart = "pods" | "podAddresses" | "grants" | "credentials";

/** A field of ours under `auditsieve.`: what it says, what of the event it reads, and what of earlier events. */
export interface RememberedField {
  readonly what: string;
  /** Fields of the event itself. */
  readonly reads: readonly string[];
  readonly parts: readonly MemoryPart[];
}

const POD = ["objectRef.resource", "objectRef.namespace", "objectRef.name"];
const REASON = ["annotations.authorization.k8s.io/reason"];
const ID = ["user.extra.authentication.kubernetes.io/credential-id"];
const SUBJECTS = ["requestObject.subjects", "user.username", "user.groups"];

const REQUEST = ["objectRef.resource", "requestObject.spec.request"];

/** Every field that detections may read beside those of the event; the table of docs/sigma.md is made of it. */
export const REMEMBERED_FIELDS: Readonly<Record<RememberedName, RememberedField>> = {
  subjects: field(
    "users and groups that the binding in the request is for; service accounts by their user name",
    SUBJECTS,
  ),
  selfGrant: field(
    "whether the subjects of the binding hold the actor, or a group of it that is not `system:`",
    SUBJECTS,
  ),
  "csr.commonName": field(
    "user name (CN) that the certificate signing request in the request asks for; unknown where it cannot be read",
    REQUEST,
  ),
  "csr.organizations": field("groups (O) that this signing request asks for", REQUEST),
  "grant.binding": field(
    "binding that allowed the request: `ClusterRoleBinding/name`, `RoleBinding/namespace/name`",
    REASON,
  ),
  "grant.role": field("role that allowed the request: `ClusterRole/name`, `Role/name`", REASON),
  "grant.ageSeconds": field(
    "seconds since that binding was made or changed; absent when that is not in the log or is over a day ago",
    [...REASON, "user.username", "user.groups"],
    ["grants"],
  ),
  "grant.by": field(
    "who made or changed that binding; absent as its age is",
    [...REASON, "user.username", "user.groups"],
    ["grants"],
  ),
  "pod.privileged": field("whether a container of the pod that the request names is privileged", POD, ["pods"]),
  "pod.hostPath": field("host paths that this pod mounts", POD, ["pods"]),
  "pod.hostNetwork": field("whether this pod is in the host's network", POD, ["pods"]),
  "pod.hostPID": field("whether this pod sees the host's processes", POD, ["pods"]),
  "pod.hostIPC": field("whether this pod shares the host's memory segments", POD, ["pods"]),
  "pod.serviceAccount": field("service account of this pod", POD, ["pods"]),
  "pod.createdBy": field("who created this pod: for workloads a controller", POD, ["pods"]),
  "pod.ageSeconds": field("seconds since this pod was created", POD, ["pods"]),
  "credential.kind": field("`token` or `certificate`", ID),
  "credential.issuedBy": field("who asked for the credential of the request; absent when that is not in the log", ID, [
    "credentials",
  ]),
  "credential.approvedBy": field("who approved the signing request of the certificate", ID, ["credentials"]),
  "credential.lineage": field("who asked for the credential, for that which it was asked for with, and so on", ID, [
    "credentials",
  ]),
  "credential.ageSeconds": field("seconds since it was made; absent when that is not in the log", ID, ["credentials"]),
  "credential.addresses": field(
    "how many addresses it has come from, this one included",
    [...ID, "sourceIPs"],
    ["credentials"],
  ),
  "credential.podDeletedSeconds": field("seconds since the pod was deleted that the token is bound to", ID, [
    "credentials",
    "pods",
  ]),
  "credential.awayFromPod": field(
    "whether a token bound to a pod comes from an address that is neither the pod's nor its node's; absent when those are not known",
    [...ID, "sourceIPs"],
    ["credentials", "podAddresses"],
  ),
};

/** Name of a field under `auditsieve.`. */
export type RememberedName =
  | "subjects"
  | "selfGrant"
  | "csr.commonName"
  | "csr.organizations"
  | "grant.binding"
  | "grant.role"
  | "grant.ageSeconds"
  | "grant.by"
  | "pod.privileged"
  | "pod.hostPath"
  | "pod.hostNetwork"
  | "pod.hostPID"
  | "pod.hostIPC"
  | "pod.serviceAccount"
  | "pod.createdBy"
  | "pod.ageSeconds"
  | "credential.kind"
  | "credential.issuedBy"
  | "credential.approvedBy"
  | "credential.lineage"
  | "credential.ageSeconds"
  | "credential.addresses"
  | "credential.podDeletedSeconds"
  | "credential.awayFromPod";

export const MEMORY_ROOT = "auditsieve";

/** The field that `text` names; undefined for a field of the event, or one that we do not have. */
export function rememberedField(text: string): RememberedField | undefined {
  const name = text.startsWith(`${MEMORY_ROOT}.`) ? text.slice(MEMORY_ROOT.length + 1) : "";
  return Object.hasOwn(REMEMBERED_FIELDS, name) ? REMEMBERED_FIELDS[name as RememberedName] : undefined;
}

/**
 * Fields of the event itself that are read for a field: its own name, unless it is one of ours.
 *
 * @example
 * assert.deepEqual(readsOf("verb"), ["verb"]);
 */
export function readsOf(field: string): readonly string[] {
  return rememberedField(field)?.reads ?? [field];
}

/** What must be in the log for the memory to know: requests like these, each kind with its level. */
export const NEEDS_OF_PART: Readonly<Record<MemoryPart, readonly Need[]>> = {
  pods: [
    need(["create"], "", "pods", "Request", ["requestObject.spec"]),
    need(["update", "patch"], "", "pods/ephemeralcontainers", "Request", ["requestObject.spec"]),
  ],
  podAddresses: [need(["patch", "update"], "", "pods/status", "Request", ["requestObject.status"])],
  grants: [
    need(["create", "update", "patch"], "rbac.authorization.k8s.io", "clusterrolebindings", "Metadata", [
      "objectRef.name",
    ]),
    need(["create", "update", "patch"], "rbac.authorization.k8s.io", "rolebindings", "Metadata", ["objectRef.name"]),
  ],
  credentials: [
    need(["create"], "", "serviceaccounts/token", "Metadata", [
      "annotations.authentication.kubernetes.io/issued-credential-id",
    ]),
    need(["create"], "certificates.k8s.io", "certificatesigningrequests", "Metadata", ["objectRef.name"]),
    need(["update", "patch"], "certificates.k8s.io", "certificatesigningrequests/status", "Request", [
      "requestObject.status.certificate",
    ]),
  ],
};

function field(what: string, reads: readonly string[], parts: readonly MemoryPart[] = []): RememberedField {
  return { what, reads, parts };
}

function need(
  verbs: readonly string[],
  group: string,
  resource: string,
  level: Need["level"],
  fields: readonly string[],
): Need {
  return {
    request: { verbs, apiGroups: [group], resources: [resource] },
    stages: ["ResponseComplete"],
    level,
    fields,
    earlier: true,
  };
}
