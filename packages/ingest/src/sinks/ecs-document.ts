import { isIP } from "node:net";
import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { Delivery } from "../sink.ts";
import { isTimestamp } from "../timestamp.ts";
import { extract } from "./body-extract.ts";

export const DATASET = "kubernetes.audit_logs";
const ECS_VERSION = "8.17.0";
/** Integer of ECS's event.severity for each of Sigma's words, on the scale that Elastic's rules use. */
const SEVERITY_NUMBERS: Readonly<Record<string, number>> = {
  informational: 10,
  low: 21,
  medium: 47,
  high: 73,
  critical: 99,
};
const MAX_KEY_LENGTH = 512;
const MAX_EXTRA_KEYS = 100;
const MAX_VALUES = 1000;

/** What a document says that its delivery does not. */
export interface EcsContext {
  readonly cluster: string;
  readonly namespace: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The document that Elasticsearch gets of a delivery: Elastic's Kubernetes audit contract (ECS with `kubernetes.audit.*`), the
 * document itself in `event.original`. Holds only values of the types that the index template maps, whatever the log held.
 *
 * @see https://www.elastic.co/docs/reference/integrations/kubernetes/audit-logs
 */
export function ecsDocument(delivery: Delivery, context: EcsContext): string {
  const text = delivery.document.toString("utf8");
  const body = objectOf(text);
  return JSON.stringify(
    withoutEmpty({
      "@timestamp": delivery.time,
      ...streamFields(context),
      ...FIELDS[delivery.kind](body, context),
      event: {
        id: delivery.id,
        ...moduleFields(context),
        ...eventFields(delivery, body),
        original: text,
      },
    }),
  );
}

/** What a redactor could not settle and has replaced as a whole is no JSON: it is delivered all the same. */
function objectOf(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) ? parsed : {};
  } catch (error) {
    if (error instanceof SyntaxError) {
      return {};
    }
    throw error;
  }
}

/** What is the same in all documents of a data stream. */
export function streamFields({ namespace }: EcsContext): Record<string, unknown> {
  return { ecs: { version: ECS_VERSION }, data_stream: { type: "logs", dataset: DATASET, namespace } };
}

export function moduleFields({ now }: EcsContext): Record<string, unknown> {
  return { module: "kubernetes", dataset: DATASET, ingested: new Date(now()).toISOString() };
}

type FieldMaker = (body: JsonObject, context: EcsContext) => Record<string, unknown>;

const FIELDS: Readonly<Record<Delivery["kind"], FieldMaker>> = {
  event: auditFields,
  finding: findingFields,
  undecidable: (body, { cluster }) => ({
    orchestrator: { type: "kubernetes", cluster: { name: cluster } },
    message: text(body, "note"),
    tags: ["undecidable"],
    auditsieve: { undecidable: { reason: text(body, "reason"), bytes: own(body, "bytes") } },
  }),
  receipt: receiptFields,
};

function eventFields({ kind }: Delivery, body: JsonObject): Record<string, unknown> {
  switch (kind) {
    case "finding": {
      const severity = text(child(body, "detection"), "level") ?? "";
      return { kind: "signal", severity: SEVERITY_NUMBERS[severity], outcome: findingOutcome(text(body, "outcome")) };
    }
    case "undecidable":
      return { kind: "pipeline_error" };
    case "receipt":
      return { kind: "metric", action: text(body, "verb"), start: time(body, "first"), end: time(body, "last") };
    case "event":
    default:
      return { kind: "event", action: text(body, "verb"), outcome: outcomeOf(body) };
  }
}

function auditFields(body: JsonObject, context: EcsContext): Record<string, unknown> {
  const reference = child(body, "objectRef");
  const { audit, ...ecs } = actorFields(body);
  return {
    orchestrator: {
      ...clusterFields(context),
      namespace: text(reference, "namespace"),
      api_version: text(reference, "apiVersion"),
      resource: { name: text(reference, "name"), type: text(reference, "resource") },
    },
    ...ecs,
    user_agent: { original: text(body, "userAgent") },
    kubernetes: {
      audit: {
        ...pick(body, ["kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "userAgent"]),
        ...audit,
        objectRef: pick(reference, REFERENCE_FIELDS),
        responseStatus: statusFields(body),
        requestReceivedTimestamp: time(body, "requestReceivedTimestamp"),
        stageTimestamp: time(body, "stageTimestamp"),
        annotations: annotationFields(child(body, "annotations")),
        requestObject: extract(own(body, "requestObject")),
        responseObject: extract(own(body, "responseObject")),
      },
    },
  };
}

export const REFERENCE_FIELDS = [
  "resource",
  "subresource",
  "namespace",
  "name",
  "uid",
  "apiGroup",
  "apiVersion",
  "resourceVersion",
] as const;

export function clusterFields({ cluster }: EcsContext): Record<string, unknown> {
  return { type: "kubernetes", cluster: { name: cluster } };
}

/** Who it was and from where: of `user`, `impersonatedUser` and `sourceIPs`, for ECS and for `kubernetes.audit`. */
export function actorFields(body: JsonObject): Record<string, unknown> & { readonly audit: Record<string, unknown> } {
  const user = child(body, "user");
  const impersonated = child(body, "impersonatedUser");
  const addresses = texts(own(body, "sourceIPs"));
  const ips = addresses.filter((address) => isIP(address) !== 0 && !address.includes("%"));
  return {
    user: {
      name: text(user, "username"),
      id: text(user, "uid"),
      effective: { name: text(impersonated, "username"), id: text(impersonated, "uid") },
    },
    source: { ip: ips },
    client: { ip: ips },
    related: {
      ip: ips,
      user: distinct([user, impersonated].flatMap((who) => [text(who, "username"), text(who, "uid")])),
    },
    audit: { user: userFields(user), impersonatedUser: userFields(impersonated), sourceIPs: addresses },
  };
}

export function statusFields(body: JsonObject): Record<string, unknown> {
  return { ...pick(child(body, "responseStatus"), ["status", "reason", "message"]), code: codeOf(body) };
}

function findingFields(body: JsonObject, { cluster }: EcsContext): Record<string, unknown> {
  const detection = child(body, "detection");
  const actor = text(body, "actor");
  const impersonated = text(body, "impersonated");
  const techniques = texts(own(detection, "techniques"));
  return {
    message: text(body, "summary"),
    orchestrator: { type: "kubernetes", cluster: { name: cluster }, namespace: text(body, "namespace") },
    user: { name: actor, effective: { name: impersonated } },
    related: { user: distinct([actor, impersonated]) },
    rule: { id: text(detection, "id"), name: text(detection, "title"), ruleset: "auditsieve" },
    threat: techniques.length === 0 ? {} : { framework: "MITRE ATT&CK", technique: { id: techniques } },
    auditsieve: {
      finding: {
        severity: text(detection, "level"),
        outcome: text(body, "outcome"),
        audit_ids: texts(own(body, "auditIDs")),
        object: text(body, "object"),
      },
    },
  };
}

function receiptFields(body: JsonObject, { cluster }: EcsContext): Record<string, unknown> {
  const actor = text(body, "actor");
  const rule = own(body, "rule");
  return {
    orchestrator: { type: "kubernetes", cluster: { name: cluster }, resource: { type: text(body, "resource") } },
    user: { name: actor },
    related: { user: distinct([actor]) },
    auditsieve: {
      receipt: {
        ...pick(body, ["sink", "source", "input"]),
        from: own(body, "from"),
        to: own(body, "to"),
        rule: typeof rule === "number" ? String(rule) : (text(body, "rule") ?? "none"),
        count: own(body, "count"),
        bytes: own(body, "bytes"),
      },
    },
  };
}

/** Success only where the request really succeeded: an allowed request can still end in a 403 or 500. */
export function outcomeOf(body: JsonObject): "success" | "failure" | "unknown" {
  const code = codeOf(body);
  const decision = text(child(body, "annotations"), "authorization.k8s.io/decision");
  if (code === undefined) {
    return decision === "forbid" ? "failure" : "unknown";
  }
  return code >= 400 || decision === "forbid" ? "failure" : "success";
}

function findingOutcome(outcome: string | undefined): string {
  return outcome === "success" || outcome === "trial"
    ? "success"
    : outcome === "unknown" || outcome === undefined
      ? "unknown"
      : "failure";
}

function codeOf(body: JsonObject): number | undefined {
  const code = own(child(body, "responseStatus"), "code");
  return typeof code === "number" && Number.isInteger(code) && code > 0 && code < 100_000 ? code : undefined;
}

function userFields(user: JsonObject): Record<string, unknown> {
  const extra = Object.entries(child(user, "extra"))
    .slice(0, MAX_EXTRA_KEYS)
    .filter(([key]) => key !== "" && key.length <= MAX_KEY_LENGTH && !key.includes("\0"))
    .map(([key, value]) => [key, texts(value).filter((one) => !one.includes("\0"))]);
  return { ...pick(user, ["username", "uid"]), groups: texts(own(user, "groups")), extra: Object.fromEntries(extra) };
}

/** Elastic's rules know the annotations with underscores, and only these are mapped. */
export function annotationFields(annotations: JsonObject): Record<string, unknown> {
  return Object.fromEntries(
    [
      "authorization.k8s.io/decision",
      "authorization.k8s.io/reason",
      "authentication.k8s.io/legacy-token",
      "authentication.kubernetes.io/issued-credential-id",
      "pod-security.kubernetes.io/enforce-policy",
    ].map((key) => [key.replaceAll(".", "_"), text(annotations, key)]),
  );
}

function time(body: JsonObject, key: string): string | undefined {
  const value = text(body, key);
  return isTimestamp(value) ? value : undefined;
}

function child(body: JsonObject, key: string): JsonObject {
  const value = own(body, key);
  return isJsonObject(value) ? value : {};
}

function text(body: JsonObject, key: string): string | undefined {
  const value = own(body, key);
  return typeof value === "string" ? value : undefined;
}

function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value)
    ? (value as readonly JsonValue[]).slice(0, MAX_VALUES).filter((one) => typeof one === "string")
    : [];
}

function pick(body: JsonObject, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, text(body, key)]));
}

function distinct(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}

/** Leaves out what is empty, as Elastic's own pipeline does: absent, "", [] and {} are one thing to a search. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.length === 0 ? undefined : value;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
      .filter(([, inner]) => inner !== undefined);
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return value === "" || value === null ? undefined : value;
}
