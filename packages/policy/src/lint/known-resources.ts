/**
 * Resources of Kubernetes' own API groups (1.37). Groups that are not listed are taken for custom ones.
 *
 * @see https://github.com/kubernetes/kubernetes/tree/v1.37.0/api/discovery
 */
const RESOURCES: Readonly<Record<string, string>> = {
  "":
    "bindings componentstatuses configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims " +
    "persistentvolumes pods podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services",
  "admissionregistration.k8s.io":
    "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations validatingadmissionpolicies " +
    "validatingadmissionpolicybindings validatingwebhookconfigurations",
  "apiextensions.k8s.io": "customresourcedefinitions",
  "apiregistration.k8s.io": "apiservices",
  apps: "controllerrevisions daemonsets deployments replicasets statefulsets",
  "authentication.k8s.io": "selfsubjectreviews tokenreviews",
  "authorization.k8s.io":
    "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
  autoscaling: "horizontalpodautoscalers",
  batch: "cronjobs jobs",
  "certificates.k8s.io": "certificatesigningrequests clustertrustbundles podcertificaterequests",
  "coordination.k8s.io": "leasecandidates leases",
  "discovery.k8s.io": "endpointslices",
  "events.k8s.io": "events",
  extensions: "",
  "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
  "internal.apiserver.k8s.io": "storageversions",
  "networking.k8s.io": "ingressclasses ingresses ipaddresses networkpolicies servicecidrs",
  "node.k8s.io": "runtimeclasses",
  policy: "poddisruptionbudgets",
  "rbac.authorization.k8s.io": "clusterrolebindings clusterroles rolebindings roles",
  "resource.k8s.io":
    "deviceclasses devicetaintrules resourceclaims resourceclaimtemplates resourceslices resourcepoolstatusrequests",
  "scheduling.k8s.io": "podgroups priorityclasses workloads",
  "settings.k8s.io": "",
  "storage.k8s.io": "csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattributesclasses",
  "storagemigration.k8s.io": "storageversionmigrations",
};

/** Names by group; a group without names is one that no supported version serves any more. */
export const KNOWN_RESOURCES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(RESOURCES).map(([group, names]) => [group, names.split(" ").filter((name) => name !== "")]),
);

/** Groups of Kubernetes' own API that serve a resource of this name. */
export function groupsServing(resource: string): readonly string[] {
  return [...KNOWN_RESOURCES].filter(([, names]) => names.includes(resource)).map(([group]) => group);
}
