import { isJsonObject, own } from "@auditsieve/audit";
import type { EventScan, JsonObject, JsonValue } from "@auditsieve/audit";
import type { Place } from "../summary/read-events.ts";
import type { Session } from "../summary/sessions.ts";

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
  const place = namespace === "" || resource === "namespaces" ? name : `${namespace}/${name}`;
  return place === "" ? resource : `${resource} ${place}`;
}

/** What a successful create made, out of the answer's body, or of the request's where the answer has none. */
export function readMadeObject(
  scan: EventScan,
  made: { readonly resource: string; readonly session: Session; readonly time: string; readonly place: Place },
): MadeObject {
  const answer = body(scan, "responseObject");
  const asked = answer === undefined ? body(scan, "requestObject") : undefined;
  const object = answer ?? asked ?? {};
  const metadata = objectAt(object, "metadata");
  const namespace = textAt(metadata, "namespace") ?? scan.text("objectRef.namespace") ?? "";
  const name = textAt(metadata, "name") ?? scan.text("objectRef.name") ?? "";
  return {
    ...made,
    key: objectKey(made.resource, namespace, name),
    uid: textAt(metadata, "uid") ?? scan.text("objectRef.uid"),
    namespace,
    name,
    owners: ownersOf(metadata),
    serviceAccount: serviceAccountOf(object),
    tokenFor: tokenFor(object, metadata),
    isBodyMissing: answer === undefined && asked === undefined,
  };
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
  return typeof value === "string" && value !== "" ? value : undefined;
}

function ownersOf(metadata: JsonObject): readonly Owner[] {
  const owners = own(metadata, "ownerReferences");
  return (Array.isArray(owners) ? owners : []).filter(isJsonObject).map((owner) => ({
    kind: textAt(owner, "kind") ?? "",
    name: textAt(owner, "name") ?? "",
    uid: textAt(owner, "uid") ?? "",
  }));
}

/** Of a Pod, of a template of a workload, of a CronJob's template of a template. */
function serviceAccountOf(object: JsonObject): string | undefined {
  const spec = objectAt(object, "spec");
  const template = objectAt(objectAt(spec, "template"), "spec");
  const job = objectAt(objectAt(objectAt(objectAt(spec, "jobTemplate"), "spec"), "template"), "spec");
  return [spec, template, job].map((each) => textAt(each, "serviceAccountName")).find((name) => name !== undefined);
}

function tokenFor(object: JsonObject, metadata: JsonObject): string | undefined {
  return textAt(object, "type") === "kubernetes.io/service-account-token"
    ? textAt(objectAt(metadata, "annotations"), "kubernetes.io/service-account.name")
    : undefined;
}
