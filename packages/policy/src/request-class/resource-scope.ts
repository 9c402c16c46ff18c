import { KNOWN_RESOURCES } from "../known-resources.ts";

/** Where objects of a resource live, as far as it is one of Kubernetes' own. */
export type Scope = "namespace" | "cluster" | "unknown";

const CLUSTER_SCOPED = new Set(
  (
    "namespaces nodes persistentvolumes componentstatuses mutatingadmissionpolicies mutatingadmissionpolicybindings " +
    "mutatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings " +
    "validatingwebhookconfigurations customresourcedefinitions apiservices selfsubjectreviews tokenreviews " +
    "selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews certificatesigningrequests " +
    "clustertrustbundles flowschemas prioritylevelconfigurations storageversions ingressclasses ipaddresses servicecidrs " +
    "runtimeclasses clusterroles clusterrolebindings deviceclasses devicetaintrules resourceslices " +
    "resourcepoolstatusrequests priorityclasses csidrivers csinodes storageclasses volumeattachments " +
    "volumeattributesclasses storageversionmigrations"
  ).split(" "),
);

/** Scope of a resource of this group. */
export function scopeOf(group: string, resource: string): Scope {
  if (group === "metrics.k8s.io") {
    return resource === "nodes" ? "cluster" : resource === "pods" ? "namespace" : "unknown";
  }
  if (!isKnownResource(group, resource)) {
    return "unknown";
  }
  return CLUSTER_SCOPED.has(resource) ? "cluster" : "namespace";
}

/** Whether Kubernetes itself serves the resource in this group. */
function isKnownResource(group: string, resource: string): boolean {
  return KNOWN_RESOURCES.get(group)?.includes(resource) ?? false;
}

/** Subresources that belong to some resources only, by their own name. */
const PARENTS: Readonly<Record<string, readonly string[]>> = {
  approval: ["certificatesigningrequests"],
  attach: ["pods"],
  binding: ["pods"],
  ephemeralcontainers: ["pods"],
  eviction: ["pods"],
  exec: ["pods"],
  finalize: ["namespaces"],
  log: ["pods"],
  portforward: ["pods"],
  proxy: ["pods", "services", "nodes"],
  resize: ["pods"],
  scale: ["deployments", "replicasets", "statefulsets", "replicationcontrollers"],
  token: ["serviceaccounts"],
};

/** Whether an apiserver serves this subresource, as far as is known: what is custom may have any. */
export function isServed(group: string, resource: string, subresource: string): boolean {
  if (!KNOWN_RESOURCES.has(group)) {
    return resource !== "namespaces";
  }
  if (!isKnownResource(group, resource)) {
    return false;
  }
  return subresource === "" || subresource === "status" || (PARENTS[subresource]?.includes(resource) ?? false);
}
