/** Names that are no plural, by the resource as requests name it: its kind in small letters, and what kubectl takes for it. */
const RESOURCES = `
apiservices apiservice
bindings binding
certificatesigningrequests certificatesigningrequest csr
clusterrolebindings clusterrolebinding
clusterroles clusterrole
componentstatuses componentstatus cs
configmaps configmap cm
controllerrevisions controllerrevision
cronjobs cronjob cj
csidrivers csidriver
csinodes csinode
customresourcedefinitions customresourcedefinition crd crds
daemonsets daemonset ds
deployments deployment deploy
endpoints endpoint ep
endpointslices endpointslice
events event ev
flowschemas flowschema
horizontalpodautoscalers horizontalpodautoscaler hpa
ingressclasses ingressclass
ingresses ingress ing
jobs job
leases lease
limitranges limitrange limits
localsubjectaccessreviews localsubjectaccessreview
mutatingadmissionpolicies mutatingadmissionpolicy
mutatingadmissionpolicybindings mutatingadmissionpolicybinding
mutatingwebhookconfigurations mutatingwebhookconfiguration
namespaces namespace ns
networkpolicies networkpolicy netpol
nodes node no
persistentvolumeclaims persistentvolumeclaim pvc
persistentvolumes persistentvolume pv
poddisruptionbudgets poddisruptionbudget pdb
pods pod po
podsecuritypolicies podsecuritypolicy psp
podtemplates podtemplate
priorityclasses priorityclass pc
prioritylevelconfigurations prioritylevelconfiguration
replicasets replicaset rs
replicationcontrollers replicationcontroller rc
resourceclaims resourceclaim
resourcequotas resourcequota quota
rolebindings rolebinding
roles role
runtimeclasses runtimeclass
secrets secret
selfsubjectaccessreviews selfsubjectaccessreview
selfsubjectrulesreviews selfsubjectrulesreview
serviceaccounts serviceaccount sa
services service svc
statefulsets statefulset sts
storageclasses storageclass sc
subjectaccessreviews subjectaccessreview
tokenreviews tokenreview
validatingadmissionpolicies validatingadmissionpolicy
validatingadmissionpolicybindings validatingadmissionpolicybinding
validatingwebhookconfigurations validatingwebhookconfiguration
volumeattachments volumeattachment`;
const PLURALS: ReadonlyMap<string, string> = new Map(
  RESOURCES.trim()
    .split("\n")
    .flatMap((line) => {
      const [plural = "", ...others] = line.split(" ");
      return others.map((other) => [other, plural] as const);
    }),
);
/** Subresources that no resource is called like, each with one that has it. */
const SUBRESOURCES: ReadonlyMap<string, string> = new Map([
  ["exec", "pods"],
  ["attach", "pods"],
  ["portforward", "pods"],
  ["log", "pods"],
  ["eviction", "pods"],
  ["ephemeralcontainers", "pods"],
  ["token", "serviceaccounts"],
  ["approval", "certificatesigningrequests"],
]);
const streaming = (subresource: string): string =>
  `It is "create" or "get" of the objectRef.subresource "${subresource}"`;
const RIGHT =
  "That is a right, not a verb of requests: look for it in the roles that give it, or for what is done by it";
/** Words of kubectl and of RBAC that are no verb of a request. */
const VERBS: ReadonlyMap<string, string> = new Map([
  ["exec", streaming("exec")],
  ["attach", streaming("attach")],
  ["portforward", streaming("portforward")],
  ["port-forward", streaming("portforward")],
  ["logs", 'It is "get" of the objectRef.subresource "log"'],
  ["apply", 'It is "patch"'],
  ["edit", 'It is "patch"'],
  ["impersonate", RIGHT],
  ["bind", RIGHT],
  ["escalate", RIGHT],
]);

/** By the field what to write instead of a word; undefined where an event may have it. */
export const MEANT: ReadonlyMap<string, (value: string) => string | undefined> = new Map([
  ["objectRef.resource", meantResource],
  [
    "objectRef.subresource",
    (value) => (value.includes("/") ? "What stands before the slash is objectRef.resource" : undefined),
  ],
  ["objectRef.apiGroup", meantGroup],
  [
    "objectRef.apiVersion",
    (value) => (value.includes("/") ? "What stands before the slash is objectRef.apiGroup" : undefined),
  ],
  ["verb", (value) => VERBS.get(value.toLowerCase())],
]);

function meantResource(value: string): string | undefined {
  const word = value.toLowerCase();
  if (word.includes("/")) {
    return "What stands behind the slash is objectRef.subresource";
  }
  if (word.includes(".") && !/[*?]/.test(word)) {
    return "What stands behind the dot is objectRef.apiGroup";
  }
  const plural = PLURALS.get(word);
  if (plural !== undefined) {
    return `It is "${plural}", as the path of a request names it`;
  }
  const resource = SUBRESOURCES.get(word);
  return resource && `It is the objectRef.subresource "${word}" of the resource "${resource}"`;
}

function meantGroup(value: string): string | undefined {
  if (value.includes("/")) {
    return "What stands behind the slash is objectRef.apiVersion";
  }
  return value.toLowerCase() === "core" ? "Of the core group it is absent: objectRef.apiGroup: null" : undefined;
}
