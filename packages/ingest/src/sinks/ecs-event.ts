import { EventScan, isJsonObject, own, slotOf } from "@auditsieve/audit";
import type { Field, JsonObject } from "@auditsieve/audit";
import type { Delivery } from "../sink.ts";
import { isTimestamp } from "../timestamp.ts";
import { BodyBytes } from "./body-bytes.ts";
import {
  actorFields,
  annotationFields,
  clusterFields,
  moduleFields,
  outcomeOf,
  REFERENCE_FIELDS,
  statusFields,
  streamFields,
  withoutEmpty,
} from "./ecs-document.ts";
import type { EcsContext } from "./ecs-document.ts";
import { FragmentMemo } from "./fragment-memo.ts";
import type { JsonWriter } from "./json-writer.ts";

/** Members of the actor: for ECS at the top, for `kubernetes.audit`. */
interface ActorText {
  readonly ecs: Buffer;
  readonly audit: Buffer;
}

interface StatusText {
  readonly audit: Buffer;
  /** Where the annotations do not say that the request was forbidden. */
  readonly outcome: Buffer;
}

interface AnnotationText {
  readonly audit: Buffer;
  readonly isForbidden: boolean;
}

/** A field of the event, with the key under which its value is written. */
interface FieldKey {
  readonly slot: number;
  readonly key: Buffer;
}

/**
 * Writes the documents of events as `ecsDocument` makes them, without parsing the event: most values stand in it as they must
 * stand in the document, and who did it from where, the status and the annotations repeat themselves. The members of one
 * object may come in another order.
 *
 * @example
 * const documents = new EcsEvents({ cluster: "prod", namespace: "default", now: () => new Date() });
 * const out = new JsonWriter(4096);
 * if (!documents.write(out, delivery)) out.utf8(ecsDocument(delivery, context));
 */
export class EcsEvents {
  readonly #context: EcsContext;
  readonly #scan = new EventScan();
  readonly #bodies = new BodyBytes();
  readonly #actors: FragmentMemo<ActorText> = new FragmentMemo(actorText);
  readonly #statuses: FragmentMemo<StatusText> = new FragmentMemo(statusText);
  readonly #annotations: FragmentMemo<AnnotationText> = new FragmentMemo(annotationText);
  readonly #stream: Buffer;
  readonly #cluster: Buffer;
  #module: Buffer = Buffer.alloc(0);
  #ingestedAt = Number.NaN;

  constructor(context: EcsContext) {
    this.#context = context;
    this.#stream = members(streamFields(context));
    this.#cluster = members(clusterFields(context));
  }

  /** Writes the document of a delivery; false, with nothing written, for what only `ecsDocument` can make. */
  write(out: JsonWriter, delivery: Delivery): boolean {
    const { document } = delivery;
    if (delivery.kind !== "event" || !this.#scan.scan(document, 0, document.length)) {
      return false;
    }
    const start = out.length;
    if (this.#event(out, delivery)) {
      return true;
    }
    out.length = start;
    return false;
  }

  #event(out: JsonWriter, { id, time, document }: Delivery): boolean {
    const scan = this.#scan;
    const actor = this.#actors.get(scan, ACTOR_FIELDS);
    const annotations = this.#annotations.get(scan, ANNOTATION_FIELDS);
    out.raw(TIMESTAMP);
    out.utf8(`${JSON.stringify(time)},`);
    out.raw(this.#stream);
    const orchestrator = out.open(ORCHESTRATOR);
    out.raw(this.#cluster);
    this.#fields(out, ORCHESTRATOR_KEYS);
    const resource = out.open(RESOURCE);
    this.#fields(out, RESOURCE_KEYS);
    out.closeObject(resource);
    out.closeObject(orchestrator);
    out.raw(actor.ecs);
    const agent = out.open(USER_AGENT);
    this.#fields(out, AGENT_KEYS);
    out.closeObject(agent);
    const kubernetes = out.open(KUBERNETES);
    const audit = out.open(AUDIT);
    this.#fields(out, AUDIT_KEYS);
    out.raw(actor.audit);
    const reference = out.open(REFERENCE);
    this.#fields(out, REFERENCE_KEYS);
    out.closeObject(reference);
    const status = this.#statuses.get(scan, STATUS_FIELDS);
    out.raw(status.audit);
    this.#time(out, RECEIVED);
    this.#time(out, STAGED);
    out.raw(annotations.audit);
    if (!this.#body(out, REQUEST) || !this.#body(out, RESPONSE)) {
      return false;
    }
    out.closeObject(audit);
    out.closeObject(kubernetes);
    out.raw(EVENT_ID);
    out.utf8(`${JSON.stringify(id)},`);
    out.raw(this.#moduleNow());
    out.raw(EVENT_KIND);
    this.#fields(out, ACTION_KEYS);
    out.raw(annotations.isForbidden ? OUTCOMES.failure : status.outcome);
    out.raw(ORIGINAL);
    out.quoted(document);
    out.raw(END);
    return true;
  }

  #moduleNow(): Buffer {
    const now = this.#context.now();
    if (now.getTime() !== this.#ingestedAt) {
      this.#ingestedAt = now.getTime();
      this.#module = members(moduleFields({ ...this.#context, now: () => now }));
    }
    return this.#module;
  }

  /** The fields that are there, as they stand; an empty string is as good as none. */
  #fields(out: JsonWriter, keys: readonly FieldKey[]): void {
    const scan = this.#scan;
    for (let i = 0; i < keys.length; i++) {
      const { slot, key } = keys[i] as FieldKey;
      const end = scan.slotEnd(slot);
      if (end !== 0) {
        const start = scan.slotStart(slot);
        if (end - start > 2) {
          out.raw(key);
          out.raw(scan.bytes, start, end);
          out.comma();
        }
      }
    }
  }

  #time(out: JsonWriter, { slot, key }: FieldKey): void {
    const scan = this.#scan;
    const end = scan.slotEnd(slot);
    if (end !== 0) {
      const start = scan.slotStart(slot);
      if (isTimestamp(scan.bytes.toString("latin1", start + 1, end - 1))) {
        out.raw(key);
        out.raw(scan.bytes, start, end);
        out.comma();
      }
    }
  }

  #body(out: JsonWriter, { slot, key }: FieldKey): boolean {
    const scan = this.#scan;
    const end = scan.slotEnd(slot);
    return end === 0 || this.#bodies.write(out, key, scan.bytes, scan.slotStart(slot), end);
  }
}

const DECISION = "authorization.k8s.io/decision";
const ACTOR_FIELDS = ["user", "impersonatedUser", "sourceIPs"] as const;
const STATUS_FIELDS = ["responseStatus"] as const;
const ANNOTATION_FIELDS = ["annotations"] as const;
const TIMESTAMP = Buffer.from('{"@timestamp":');
const ORCHESTRATOR = Buffer.from('"orchestrator":{');
const RESOURCE = Buffer.from('"resource":{');
const USER_AGENT = Buffer.from('"user_agent":{');
const KUBERNETES = Buffer.from('"kubernetes":{');
const AUDIT = Buffer.from('"audit":{');
const REFERENCE = Buffer.from('"objectRef":{');
const EVENT_ID = Buffer.from('"event":{"id":');
const EVENT_KIND = Buffer.from('"kind":"event",');
const ORIGINAL = Buffer.from('"original":');
const END = Buffer.from("}}");
const OUTCOMES = {
  success: Buffer.from('"outcome":"success",'),
  failure: Buffer.from('"outcome":"failure",'),
  unknown: Buffer.from('"outcome":"unknown",'),
} as const;

const ORCHESTRATOR_KEYS = [as("objectRef.namespace", "namespace"), as("objectRef.apiVersion", "api_version")];
const RESOURCE_KEYS = [as("objectRef.name", "name"), as("objectRef.resource", "type")];
const AGENT_KEYS = [as("userAgent", "original")];
const ACTION_KEYS = [as("verb", "action")];
const AUDIT_KEYS = (
  ["kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "userAgent"] as const
).map((field) => as(field, field));
const REFERENCE_KEYS = REFERENCE_FIELDS.map((field) => as(`objectRef.${field}`, field));
const RECEIVED = as("requestReceivedTimestamp", "requestReceivedTimestamp");
const STAGED = as("stageTimestamp", "stageTimestamp");
const REQUEST = as("requestObject", "requestObject");
const RESPONSE = as("responseObject", "responseObject");

function as(field: Field, key: string): FieldKey {
  return { slot: slotOf(field), key: Buffer.from(`"${key}":`) };
}

function actorText(body: JsonObject): ActorText {
  const { audit, ...ecs } = actorFields(body);
  return { ecs: members(ecs), audit: members(audit) };
}

function statusText(body: JsonObject): StatusText {
  const outcome = outcomeOf({ ...body, annotations: {} });
  return { audit: members({ responseStatus: statusFields(body) }), outcome: OUTCOMES[outcome] };
}

function annotationText(body: JsonObject): AnnotationText {
  const annotations = own(body, "annotations");
  const fields = annotationFields(isJsonObject(annotations) ? annotations : {});
  return {
    audit: members({ annotations: fields }),
    isForbidden: fields[DECISION.replaceAll(".", "_")] === "forbid",
  };
}

/** The members of an object as they stand in its JSON, each with a comma behind it. */
function members(fields: Record<string, unknown>): Buffer {
  const filled = withoutEmpty(fields);
  return Buffer.from(filled === undefined ? "" : `${JSON.stringify(filled).slice(1, -1)},`);
}
