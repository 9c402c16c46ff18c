/** Labels whose first deed goes into small.log. */
export const SMALL_LABELS: readonly string[] = [
  "anonymous-probe",
  "bad-token",
  "recon-can-i",
  "sa-secret-list-denied",
  "secret-list-all-namespaces",
  "secret-read",
  "configmap-aws-auth-patch",
  "clusterrolebinding-cluster-admin",
  "wildcard-clusterrole",
  "escalate-denied",
  "privileged-pod-hostpath",
  "serviceaccount-token-request",
  "exec",
  "exec-denied-raw",
  "exec-denied-websocket",
  "attach",
  "port-forward",
  "ephemeral-container",
  "nodes-proxy",
  "audit-id-spoof",
  "impersonate",
  "impersonate-denied",
  "csr-approve",
  "mutating-webhook",
  "suspicious-cronjob",
  "delete-event-single",
  "bind-anonymous",
  "legacy-sa-token-secret",
  "secret-watch",
  "node-restriction-violation",
];

/** Everyday events of small.log: the first of each kind. */
export const SMALL_OTHERS: readonly {
  readonly stage: string;
  readonly verb: string;
  readonly user: string;
  readonly uri: string;
}[] = [
  { stage: "ResponseComplete", verb: "get", user: "system:anonymous", uri: "/readyz" },
  { stage: "RequestReceived", verb: "update", user: "system:kube-scheduler", uri: "/apis/coordination.k8s.io/v1/" },
  { stage: "ResponseComplete", verb: "update", user: "system:kube-scheduler", uri: "/apis/coordination.k8s.io/v1/" },
  {
    stage: "ResponseComplete",
    verb: "update",
    user: "system:kube-controller-manager",
    uri: "/apis/coordination.k8s.io/v1/",
  },
  { stage: "ResponseStarted", verb: "watch", user: "system:kube-scheduler", uri: "/api/v1/" },
  {
    stage: "ResponseComplete",
    verb: "create",
    user: "system:kube-controller-manager",
    uri: "/api/v1/namespaces/kube-system/serviceaccounts/",
  },
  { stage: "ResponseComplete", verb: "create", user: "system:kube-scheduler", uri: "/api/v1/namespaces/shop/pods/" },
  { stage: "ResponseComplete", verb: "get", user: "dev-alice", uri: "/apis/apps/v1/" },
  { stage: "ResponseComplete", verb: "list", user: "dev-bob", uri: "/api/v1/" },
  { stage: "ResponseComplete", verb: "create", user: "kubernetes-admin", uri: "/api/v1/namespaces/shop/configmaps" },
];
