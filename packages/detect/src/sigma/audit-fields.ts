import type { Pipeline } from "./pipeline.ts";

const POD_SPECS = [
  "requestObject.spec",
  "requestObject.spec.template.spec",
  "requestObject.spec.jobTemplate.spec.template.spec",
];
const CONTAINERS = ["containers", "initContainers", "ephemeralContainers"];

/** Domains of annotations that the apiserver writes; Elastic stores their dots as underscores. */
const ANNOTATION_DOMAINS = [
  "apiserver.latency.k8s.io",
  "audit.k8s.io",
  "authentication.k8s.io",
  "authentication.kubernetes.io",
  "authorization.k8s.io",
  "failed-open.mutating.webhook.admission.k8s.io",
  "failed-open.validating.webhook.admission.k8s.io",
  "imagepolicywebhook.image-policy.k8s.io",
  "insecure-sha1.invalid-cert.kubernetes.io",
  "k8s.io",
  "missing-san.invalid-cert.kubernetes.io",
  "mutation.webhook.admission.k8s.io",
  "patch.webhook.admission.k8s.io",
  "pod-security.kubernetes.io",
  "podsecuritypolicy.policy.k8s.io",
  "validation.policy.admission.k8s.io",
];

/** Constants that Elastic puts into every document of this log. */
const ELASTIC_CONSTANTS: Readonly<Record<string, string>> = {
  "data_stream.dataset": "kubernetes.audit_logs",
  "data_stream.type": "logs",
  "event.dataset": "kubernetes.audit_logs",
  "event.kind": "event",
  "event.module": "kubernetes",
};

/**
 * The one place that knows other spellings of audit fields: Elastic's, and the fields that SigmaHQ's Kubernetes rules
 * read although no audit event has them. Everything becomes the raw spelling.
 *
 * @see https://www.elastic.co/docs/reference/integrations/kubernetes/audit-logs
 */
export const AUDIT_FIELDS: Pipeline = {
  name: "audit-fields",
  priority: 100,
  transformations: [
    { type: "field_name_prefix_mapping", mapping: { "kubernetes.audit.": "" } },
    {
      type: "field_name_prefix_mapping",
      mapping: Object.fromEntries(
        ANNOTATION_DOMAINS.map((domain) => [`annotations.${domain.replaceAll(".", "_")}/`, `annotations.${domain}/`]),
      ),
    },
    ...Object.entries(ELASTIC_CONSTANTS).map(([field, constant]) => ({
      type: "drop_detection_item" as const,
      on: { fields: [field], value: (text: string) => text === constant },
    })),
    { type: "map_string", mapping: { success: "allow", failure: "forbid" }, on: { fields: ["event.outcome"] } },
    {
      // A decision is no status code: rules that say so mean the annotation.
      type: "field_name_mapping",
      mapping: { "responseStatus.code": ["annotations.authorization.k8s.io/decision"] },
      on: { value: (text) => /^(?:allow|forbid)$/i.test(text) },
    },
    {
      type: "field_name_mapping",
      mapping: {
        apiGroup: ["objectRef.apiGroup"],
        resource: ["objectRef.resource"],
        subresource: ["objectRef.subresource"],
        namespace: ["objectRef.namespace"],
        username: ["user.username"],
        groups: ["user.groups"],
        capabilities: POD_SPECS.flatMap((spec) =>
          CONTAINERS.map((kind) => `${spec}.${kind}.securityContext.capabilities.add`),
        ),
        hostPath: POD_SPECS.map((spec) => `${spec}.volumes.hostPath.path`),
        "@timestamp": ["requestReceivedTimestamp"],
        "client.ip": ["sourceIPs"],
        "container.image.name": POD_SPECS.map((spec) => `${spec}.containers.image`),
        "event.action": ["verb"],
        "event.outcome": ["annotations.authorization.k8s.io/decision"],
        "orchestrator.api_version": ["objectRef.apiVersion"],
        "orchestrator.namespace": ["objectRef.namespace"],
        "orchestrator.resource.name": ["objectRef.name"],
        "orchestrator.resource.type": ["objectRef.resource"],
        "related.ip": ["sourceIPs"],
        "related.user": ["user.username", "user.uid"],
        "source.ip": ["sourceIPs"],
        "url.original": ["requestURI"],
        "user.id": ["user.uid"],
        "user.name": ["user.username"],
        "user_agent.original": ["userAgent"],
      },
    },
  ],
};

/** Other spellings that {@link AUDIT_FIELDS} knows, each with the first raw field that it stands for. */
export const OTHER_SPELLINGS: ReadonlyMap<string, string> = new Map(
  AUDIT_FIELDS.transformations.flatMap((step) =>
    step.type === "field_name_mapping" && !step.on
      ? Object.entries(step.mapping).map(([name, [raw = ""]]): [string, string] => [name, raw])
      : [],
  ),
);
