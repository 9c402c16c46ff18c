/** Requests that a cluster's owner wants to see whoever sends them: verb and resource. */
export const SENSITIVE_CLASSES: readonly (readonly [verb: string, resource: string])[] = [
  ...["get", "list", "create", "update", "patch", "delete"].map((verb) => [verb, "secrets"] as const),
  ...["clusterrolebindings", "rolebindings", "clusterroles", "roles"].map(
    (kind) => ["create", `${kind}.rbac.authorization.k8s.io`] as const,
  ),
  ["get", "pods/exec"],
  ["create", "pods/exec"],
  ["get", "pods/attach"],
  ["get", "pods/portforward"],
  ["patch", "pods/ephemeralcontainers"],
  ["get", "nodes/proxy"],
  ["create", "serviceaccounts/token"],
  ["create", "pods"],
  ["create", "mutatingwebhookconfigurations.admissionregistration.k8s.io"],
  ["create", "validatingwebhookconfigurations.admissionregistration.k8s.io"],
  ["create", "certificatesigningrequests.certificates.k8s.io"],
  ["update", "certificatesigningrequests.certificates.k8s.io/approval"],
];
