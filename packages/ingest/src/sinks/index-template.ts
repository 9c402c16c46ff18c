import type { estypes } from "@elastic/elasticsearch";
import { BODY_SHAPE } from "./body-extract.ts";
import type { Shape } from "./body-extract.ts";

export const INDEX_TEMPLATE_NAME = "auditsieve-kubernetes-audit";

type Mapping = Readonly<Record<string, unknown>>;

const KEYWORD = { type: "keyword", ignore_above: 1024 };
const LONG_KEYWORD = { type: "keyword", ignore_above: 8191 };
/** A keyed value of `flattened` must stay below 32,766 bytes: with keys of at most 512 characters this does. */
const FLATTENED = { type: "flattened", ignore_above: 8191, depth_limit: 3 };
const DATE = { type: "date_nanos" };
const IP = { type: "ip" };
/** Kept and given back byte for byte, never searched: only `_source` holds it. */
const STORED_ONLY = { type: "keyword", index: false, doc_values: false };

const USER = object({ username: KEYWORD, uid: KEYWORD, groups: KEYWORD, extra: FLATTENED });

const PROPERTIES: Mapping = {
  "@timestamp": DATE,
  message: LONG_KEYWORD,
  tags: KEYWORD,
  ecs: object({ version: KEYWORD }),
  data_stream: object({ type: KEYWORD, dataset: KEYWORD, namespace: KEYWORD }),
  event: object({
    id: KEYWORD,
    kind: KEYWORD,
    category: KEYWORD,
    type: KEYWORD,
    module: KEYWORD,
    dataset: KEYWORD,
    action: KEYWORD,
    outcome: KEYWORD,
    severity: { type: "integer" },
    ingested: { type: "date" },
    start: DATE,
    end: DATE,
    original: STORED_ONLY,
  }),
  cloud: object({ provider: KEYWORD }),
  orchestrator: object({
    type: KEYWORD,
    api_version: KEYWORD,
    namespace: KEYWORD,
    cluster: object({ name: KEYWORD }),
    resource: object({ name: KEYWORD, type: KEYWORD }),
  }),
  user: object({ id: KEYWORD, name: KEYWORD, effective: object({ id: KEYWORD, name: KEYWORD }) }),
  user_agent: object({ original: LONG_KEYWORD }),
  source: object({ ip: IP }),
  client: object({ ip: IP }),
  related: object({ ip: IP, user: KEYWORD }),
  rule: object({ id: KEYWORD, name: KEYWORD, ruleset: KEYWORD }),
  threat: object({ framework: KEYWORD, technique: object({ id: KEYWORD }) }),
  kubernetes: object({
    audit: object({
      kind: KEYWORD,
      apiVersion: KEYWORD,
      level: KEYWORD,
      auditID: KEYWORD,
      stage: KEYWORD,
      requestURI: LONG_KEYWORD,
      verb: KEYWORD,
      userAgent: LONG_KEYWORD,
      user: USER,
      impersonatedUser: USER,
      sourceIPs: KEYWORD,
      objectRef: object({
        resource: KEYWORD,
        subresource: KEYWORD,
        namespace: KEYWORD,
        name: KEYWORD,
        uid: KEYWORD,
        apiGroup: KEYWORD,
        apiVersion: KEYWORD,
        resourceVersion: KEYWORD,
      }),
      responseStatus: object({ code: { type: "integer" }, status: KEYWORD, reason: KEYWORD, message: LONG_KEYWORD }),
      requestReceivedTimestamp: DATE,
      stageTimestamp: DATE,
      annotations: object({
        "authorization_k8s_io/decision": KEYWORD,
        "authorization_k8s_io/reason": LONG_KEYWORD,
        "authentication_k8s_io/legacy-token": KEYWORD,
        "authentication_kubernetes_io/issued-credential-id": KEYWORD,
        "pod-security_kubernetes_io/enforce-policy": KEYWORD,
      }),
      requestObject: mappingOf(BODY_SHAPE),
      responseObject: mappingOf(BODY_SHAPE),
    }),
  }),
  auditsieve: object({
    undecidable: object({ reason: KEYWORD, bytes: { type: "long" } }),
    receipt: object({
      sink: KEYWORD,
      source: KEYWORD,
      input: KEYWORD,
      from: { type: "long" },
      to: { type: "long" },
      rule: KEYWORD,
      count: { type: "long" },
      bytes: { type: "long" },
    }),
    finding: object({ severity: KEYWORD, outcome: KEYWORD, audit_ids: KEYWORD, object: KEYWORD }),
  }),
};

/**
 * Until when a document can be searched for. Each second, the default while anybody searches, leaves segments so small that making and merging
 * them cost a busy server a quarter of its CPU.
 */
const REFRESH_INTERVAL = "5s";

/** How long documents are kept: by the data stream's own lifecycle, or by a policy of index lifecycle management. */
export type Lifecycle = { readonly retention: string } | { readonly ilmPolicy: string };

/**
 * The index template of the data streams `logs-kubernetes.audit_logs-<namespace>`: every field typed, nothing mapped from
 * content (`dynamic: false`), and only field types that a bare Elasticsearch has. Without `lifecycle` the server's own default holds.
 */
export function indexTemplate(
  dataset: string,
  lifecycle?: Lifecycle,
): Pick<estypes.IndicesPutIndexTemplateRequest, "priority" | "data_stream" | "template" | "_meta"> & {
  readonly index_patterns: string[];
} {
  const ilmPolicy = lifecycle !== undefined && "ilmPolicy" in lifecycle ? lifecycle.ilmPolicy : undefined;
  return {
    index_patterns: [`logs-${dataset}-*`],
    // The templates that Elasticsearch and its integrations bring have 100 to 200.
    priority: 250,
    data_stream: {},
    template: {
      settings: {
        index: {
          refresh_interval: REFRESH_INTERVAL,
          ...(ilmPolicy !== undefined && { lifecycle: { name: ilmPolicy } }),
        },
      },
      mappings: { dynamic: false, properties: PROPERTIES as Record<string, estypes.MappingProperty> },
      ...(lifecycle !== undefined &&
        "retention" in lifecycle && { lifecycle: { data_retention: lifecycle.retention } }),
    },
    _meta: { managed_by: "auditsieve", version: 2 },
  };
}

function object(properties: Mapping): Mapping {
  return { type: "object", dynamic: false, properties };
}

function mappingOf(shape: Shape): Mapping {
  switch (shape) {
    case "keyword":
      return KEYWORD;
    case "boolean":
      return { type: "boolean" };
    case "long":
      return { type: "long" };
    default:
      return object(Object.fromEntries(Object.entries(shape).map(([key, inner]) => [key, mappingOf(inner)])));
  }
}
