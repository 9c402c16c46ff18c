import { EventDocuments, EventScan, isJsonObject, own } from "@auditsieve/audit";
import type { DocumentStep, Field, JsonObject } from "@auditsieve/audit";
import type { Delivery } from "../sink.ts";
import { BODY_SHAPE } from "./body-extract.ts";
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

/** Numbers of what the steps are given with each document. */
const ID = 0;
const TIME = 1;
const MODULE = 2;
/** Numbers of what is made of several fields. */
const ACTOR = 0;
const STATUS = 1;
const ANNOTATIONS = 2;
/** Stands for itself in JSON. */
const PLAIN = /^[\w:.+-]*$/;

/**
 * Writes the bulk items of events, with documents as `ecsDocument` makes them, without parsing the event: most values stand in it
 * as they must stand in the document, and who did it from where, the status and the annotations repeat themselves. The members of
 * one object may come in another order.
 *
 * @example
 * const documents = new EcsEvents({ cluster: "prod", namespace: "default", now: Date.now });
 * const length = documents.write(delivery);
 * if (length > 0) documents.bytes.toString("utf8", documents.start, documents.start + length);
 */
export class EcsEvents {
  readonly #context: EcsContext;
  readonly #scan = new EventScan();
  readonly #documents: EventDocuments;
  readonly #arguments = ["", "", ""];
  /** What stands before and behind the time at which a document is made. */
  readonly #module: readonly [string, string];
  #ingestedAt = Number.NaN;

  constructor(context: EcsContext) {
    this.#context = context;
    const { ingested, ...module } = moduleFields({ ...context, now: () => 0 });
    const [before = "", behind = ""] = members({ ...module, ingested }).split(String(ingested));
    this.#module = [before, behind];
    this.#documents = new EventDocuments({
      steps: stepsFor(context),
      fragments: [
        { fields: ["user", "impersonatedUser", "sourceIPs"], make: (values) => actorTexts(values as JsonObject) },
        { fields: ["responseStatus"], make: (values) => statusTexts(values as JsonObject) },
        { fields: ["annotations"], make: (values) => annotationTexts(values as JsonObject) },
      ],
      shape: BODY_SHAPE,
    });
  }

  /** The item last written begins in these bytes at {@link start}. Anything else that is scanned or written overwrites it. */
  get bytes(): Buffer {
    return this.#documents.bytes;
  }

  get start(): number {
    return this.#documents.start;
  }

  /**
   * Writes the item of a delivery: the line with the operation, and the document's. Gives its length; 0 for what only `ecsDocument` can
   * make. A `scan` that holds the very event that the document is spares reading it again.
   */
  write({ id, kind, time, document }: Delivery, holder?: EventScan): number {
    if (kind !== "event" || !PLAIN.test(id) || !PLAIN.test(time)) {
      return 0;
    }
    const scan = holder !== undefined && this.#documents.canWrite(holder) ? holder : this.#scan;
    if (scan === this.#scan && !scan.scan(document, 0, document.length)) {
      return 0;
    }
    this.#arguments[ID] = id;
    this.#arguments[TIME] = time;
    const now = this.#context.now();
    if (now !== this.#ingestedAt) {
      this.#ingestedAt = now;
      const [before, behind] = this.#module;
      this.#arguments[MODULE] = before + new Date(now).toISOString() + behind;
    }
    return this.#documents.write(scan, this.#arguments);
  }
}

const BEFORE_ID = '{"create":{"_id":"';
const BEFORE_TIME = '"}}\n{"@timestamp":"';

/** The id in an item that {@link EcsEvents} has written. */
export function idIn(item: Buffer): string {
  return textAt(item, BEFORE_ID.length);
}

/** The time in it. */
export function timeIn(item: Buffer): string {
  return textAt(item, BEFORE_ID.length + idIn(item).length + BEFORE_TIME.length);
}

/** A text without escapes. */
function textAt(item: Buffer, from: number): string {
  return item.toString("latin1", from, item.indexOf(QUOTE, from));
}

const QUOTE = 34;
const LINE_KEY = '"original":';
const AFTER_LINE = "}}\n";

/** The line in an item that {@link EcsEvents} has written, as it was. */
export function quotedLine(item: Buffer): Buffer {
  // In the line itself a quote is never without a backslash before it.
  const from = item.lastIndexOf(`${LINE_KEY}"`) + LINE_KEY.length + 1;
  const to = item.length - AFTER_LINE.length - 1;
  const line = Buffer.allocUnsafeSlow(to - from);
  let length = 0;
  for (let at = from; at < to; at++) {
    const byte = item[at] as number;
    line[length++] = byte === BACKSLASH ? (BLANKS.get(item[++at] as number) ?? (item[at] as number)) : byte;
  }
  return line.subarray(0, length);
}

const BACKSLASH = 92;
/** White space between tokens, by the letter that stands for it behind a backslash: t, n and r. */
const BLANKS: ReadonlyMap<number, number> = new Map([
  [116, 9],
  [110, 10],
  [114, 13],
]);

/** What follows what; values of which nothing is left take their objects with them. */
function stepsFor(context: EcsContext): readonly DocumentStep[] {
  return [
    { kind: "text", text: BEFORE_ID },
    { kind: "argument", argument: ID },
    { kind: "text", text: BEFORE_TIME },
    { kind: "argument", argument: TIME },
    { kind: "text", text: `",${members(streamFields(context))}` },
    { kind: "open", text: '"orchestrator":{' },
    { kind: "text", text: members(clusterFields(context)) },
    field("namespace", "objectRef.namespace"),
    field("api_version", "objectRef.apiVersion"),
    { kind: "open", text: '"resource":{' },
    field("name", "objectRef.name"),
    field("type", "objectRef.resource"),
    { kind: "close" },
    { kind: "close" },
    { kind: "fragment", fragment: ACTOR, text: 0 },
    { kind: "open", text: '"user_agent":{' },
    field("original", "userAgent"),
    { kind: "close" },
    { kind: "open", text: '"kubernetes":{' },
    { kind: "open", text: '"audit":{' },
    ...(["kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "userAgent"] as const).map((name) =>
      field(name, name),
    ),
    { kind: "fragment", fragment: ACTOR, text: 1 },
    { kind: "open", text: '"objectRef":{' },
    ...REFERENCE_FIELDS.map((name) => field(name, `objectRef.${name}`)),
    { kind: "close" },
    { kind: "fragment", fragment: STATUS, text: 0 },
    { kind: "time", key: "requestReceivedTimestamp", field: "requestReceivedTimestamp" },
    { kind: "time", key: "stageTimestamp", field: "stageTimestamp" },
    { kind: "fragment", fragment: ANNOTATIONS, text: 0 },
    { kind: "body", key: "requestObject", field: "requestObject" },
    { kind: "body", key: "responseObject", field: "responseObject" },
    { kind: "close" },
    { kind: "close" },
    { kind: "text", text: '"event":{"id":"' },
    { kind: "argument", argument: ID },
    { kind: "text", text: '",' },
    { kind: "argument", argument: MODULE },
    { kind: "text", text: '"kind":"event",' },
    field("action", "verb"),
    { kind: "either-fragment" },
    { kind: "text", text: '"original":' },
    { kind: "line" },
    { kind: "text", text: "}}\n" },
  ];
}

function field(key: string, name: Field): DocumentStep {
  return { kind: "field", key, field: name };
}

/** Members of the actor: for ECS at the top, and for `kubernetes.audit`. */
function actorTexts(values: JsonObject): [string, string] {
  const { audit, ...ecs } = actorFields(values);
  return [members(ecs), members(audit)];
}

/** With the outcome where the annotations do not say that the request was forbidden. */
function statusTexts(values: JsonObject): [string, string] {
  return [members({ responseStatus: statusFields(values) }), outcomeText(outcomeOf({ ...values, annotations: {} }))];
}

/** With the outcome where they say it. */
function annotationTexts(values: JsonObject): [string, string] {
  const annotations = own(values, "annotations");
  const fields = annotationFields(isJsonObject(annotations) ? annotations : {});
  const isForbidden = fields["authorization_k8s_io/decision"] === "forbid";
  return [members({ annotations: fields }), isForbidden ? outcomeText("failure") : ""];
}

function outcomeText(outcome: ReturnType<typeof outcomeOf>): string {
  return members({ outcome });
}

/** The members of an object as they stand in its JSON, each with a comma behind it. */
function members(fields: Record<string, unknown>): string {
  const filled = withoutEmpty(fields);
  return filled === undefined ? "" : `${JSON.stringify(filled).slice(1, -1)},`;
}
