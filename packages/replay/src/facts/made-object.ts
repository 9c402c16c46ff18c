import { isJsonObject, MemberIndex, own } from "@auditsieve/audit";
import type { EventScan, JsonObject, JsonValue, ValueRange } from "@auditsieve/audit";
import { boundedText } from "../bounded-text.ts";
import type { Place } from "./read-events.ts";
import type { Session } from "./sessions.ts";

/** An object that a request in the log created. */
export interface MadeObject {
  /** `pods shop/web-67ccbd97d-vvp69`. */
  readonly key: string;
  readonly resource: string;
  readonly uid: string | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly owners: readonly Owner[];
  /** Of a pod or of a template for pods. */
  readonly serviceAccount: string | undefined;
  /** Of a Secret that holds a token without expiry: the service account it is for. */
  readonly tokenFor: string | undefined;
  readonly session: Session;
  readonly time: string;
  readonly place: Place;
  /** The log holds no body of it: owners are not known. */
  readonly isBodyMissing: boolean;
}

/** An entry of metadata.ownerReferences. */
export interface Owner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Key of an object: `deployments.apps shop/web`. */
export function objectKey(resource: string, namespace: string, name: string): string {
  const place =
    namespace === "" || resource === "namespaces"
      ? boundedText(name)
      : `${boundedText(namespace)}/${boundedText(name)}`;
  return place === "" ? resource : `${resource} ${place}`;
}

/** What a successful create made, out of the answer's body, or of the request's where the answer has none. */
export function readMadeObject(
  scan: EventScan,
  made: { readonly resource: string; readonly session: Session; readonly time: string; readonly place: Place },
): MadeObject {
  const isBody = isLoaded(scan, "responseObject") || isLoaded(scan, "requestObject");
  const find = (...keys: readonly string[]): ValueRange | undefined => (isBody ? BODY.find(keys) : undefined);
  const namespace = textOf(scan, find("metadata", "namespace")) ?? boundedText(scan.text("objectRef.namespace") ?? "");
  const name = textOf(scan, find("metadata", "name")) ?? boundedText(scan.text("objectRef.name") ?? "");
  return {
    ...made,
    key: objectKey(made.resource, namespace, name),
    uid: textOf(scan, find("metadata", "uid")) ?? uidOf(scan),
    namespace,
    name,
    owners: ownersOf(valueOf(scan, find("metadata", "ownerReferences"))),
    serviceAccount: serviceAccountOf(scan, find),
    tokenFor:
      textOf(scan, find("type")) === "kubernetes.io/service-account-token"
        ? tokenFor(valueOf(scan, find("metadata", "annotations")))
        : undefined,
    isBodyMissing: !isBody,
  };
}

/** Where a body holds what pods are made of: of a Pod, of a template of a workload, of a CronJob's template of a template. */
const POD_SPECS: readonly (readonly string[])[] = [
  ["spec"],
  ["spec", "template", "spec"],
  ["spec", "jobTemplate", "spec", "template", "spec"],
];

/** What the pods run as that are made of it; undefined where none are. */
function serviceAccountOf(
  scan: EventScan,
  find: (...keys: readonly string[]) => ValueRange | undefined,
): string | undefined {
  for (const spec of POD_SPECS) {
    const named = textOf(scan, find(...spec, "serviceAccountName"));
    if (named !== undefined || find(...spec, "containers") !== undefined) {
      return named ?? "default";
    }
  }
  return undefined;
}

/** A body is mostly what nobody asks for: it is walked over and not parsed. */
const BODY = new MemberIndex();

/** Whether the body is an object, which {@link BODY} then is. */
function isLoaded(scan: EventScan, field: "requestObject" | "responseObject"): boolean {
  if (!scan.has(field) || scan.bytes[scan.valueStart(field)] !== OPEN_OBJECT) {
    return false;
  }
  BODY.load(scan.bytes, scan.valueStart(field), scan.valueEnd(field));
  return textOf(scan, BODY.find(["kind"])) !== "Status";
}

function valueOf({ bytes }: EventScan, range: ValueRange | undefined): JsonValue | undefined {
  return range && (JSON.parse(bytes.toString("utf8", range.start, range.end)) as JsonValue);
}

function textOf(scan: EventScan, range: ValueRange | undefined): string | undefined {
  if (range === undefined || scan.bytes[range.start] !== QUOTE) {
    return undefined;
  }
  const text = scan.bytes.toString("utf8", range.start + 1, range.end - 1);
  return text === "" ? undefined : boundedText(text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text);
}

/** A body of the event that `scan` holds, where it is an object. */
export function body(scan: EventScan, field: "requestObject" | "responseObject"): JsonObject | undefined {
  const value = scan.value(field) as JsonValue | undefined;
  return isJsonObject(value) && own(value, "kind") !== "Status" ? value : undefined;
}

/** The object under `key`, or an empty one. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = own(object, key);
  return isJsonObject(value) ? value : {};
}

/** The text under `key`. */
export function textAt(object: JsonObject, key: string): string | undefined {
  const value = own(object, key);
  return typeof value === "string" && value !== "" ? boundedText(value) : undefined;
}

function ownersOf(owners: JsonValue | undefined): readonly Owner[] {
  return (Array.isArray(owners) ? (owners as readonly JsonValue[]).slice(0, MOST_OWNERS) : [])
    .filter(isJsonObject)
    .map((owner) => ({
      kind: textAt(owner, "kind") ?? "",
      name: textAt(owner, "name") ?? "",
      uid: textAt(owner, "uid") ?? "",
    }));
}

function tokenFor(annotations: JsonValue | undefined): string | undefined {
  return isJsonObject(annotations) ? textAt(annotations, "kubernetes.io/service-account.name") : undefined;
}

function uidOf(scan: EventScan): string | undefined {
  const uid = scan.text("objectRef.uid");
  return uid === undefined ? undefined : boundedText(uid);
}

/** An object has one that controls it, and seldom another one. */
const MOST_OWNERS = 20;
const QUOTE = 34;
const OPEN_OBJECT = 123;
