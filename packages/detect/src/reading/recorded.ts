import { isJsonObject, own } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { HeadView } from "./head-view.ts";
import type { FieldPath } from "../condition/field-path.ts";
import { MEMORY_ROOT } from "../condition/remembered-fields.ts";

/** Subresources that are a connection: no body of either direction is ever written. */
const STREAMS: ReadonlySet<JsonValue | undefined> = new Set(["exec", "attach", "portforward", "proxy"]);
/** Verbs whose request has a body; without one in the event it was never read, or came to an aggregated API. */
const WRITES: ReadonlySet<JsonValue | undefined> = new Set(["create", "update", "patch"]);
const DELETES: ReadonlySet<JsonValue | undefined> = new Set(["delete", "deletecollection"]);
/** The apiserver writes these in every event; a converted event may lack them. */
const ALWAYS: ReadonlySet<string> = new Set(["level", "stage", "verb", "requestURI", "auditID"]);
/** objectRef fields that a create takes from its body once that is read. */
const FROM_BODY: ReadonlySet<string> = new Set(["objectRef.name", "objectRef.uid", "objectRef.resourceVersion"]);

/**
 * Whether a field that is not in the event is *unknown* rather than *absent*, as far as the head alone can say.
 * Bodies are not its matter: see {@link isBodyUnknown}.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/audit/request.go
 */
export function isHeadUnknown(field: string, head: HeadView): boolean {
  if (ALWAYS.has(field)) {
    return true;
  }
  if (isAtOrBelow(field, "user")) {
    // The apiserver writes at least one group of everybody with a name; a LogEntry tells the name alone.
    return (
      field !== "user.username" && head.get("user.username") !== undefined && head.get("user.groups") === undefined
    );
  }
  if (
    isAtOrBelow(field, "responseStatus") ||
    isAtOrBelow(field, "annotations") ||
    isAtOrBelow(field, "impersonatedUser")
  ) {
    return isBeforeAnswer(head);
  }
  const namesNamespace = field === "objectRef.namespace" && head.get("objectRef.resource") === "namespaces";
  if (FROM_BODY.has(field) || namesNamespace) {
    return head.get("verb") === "create" && !isBodyRead(head);
  }
  return false;
}

/** Whether the event may have been written before anybody said how the request is answered, or whether somebody is impersonated. */
export function isBeforeAnswer(head: HeadView): boolean {
  const stage = head.get("stage");
  return stage === "RequestReceived" || stage === undefined;
}

/** Whether a body that is not in the event is *unknown*: the request could carry it, but the log does not say. */
export function isBodyUnknown(body: "requestObject" | "responseObject", event: AuditEvent, head: HeadView): boolean {
  if (!isBodyPossible(head)) {
    return false;
  }
  const verb = head.get("verb");
  if (body === "responseObject") {
    const isLog = head.get("objectRef.subresource") === "log";
    // At RequestResponse a finished request writes its answer; where it is missing (an aggregated API) nobody knows it.
    return verb !== "watch" && !isLog;
  }
  if (WRITES.has(verb)) {
    return true;
  }
  if (!DELETES.has(verb)) {
    return false;
  }
  // DeleteOptions are optional: where they would have been written and are not, there were none.
  const level = head.get("level");
  const isWritten = level === "Request" || level === "RequestResponse";
  return !isWritten || isTruncated(event) || !isBodyRead(head);
}

/** Whether a field of an event at RequestReceived is unknown for certain, whatever stands behind the head. */
export function isWrittenLater({ root, text }: FieldPath, head: HeadView): boolean {
  switch (root) {
    case "responseStatus":
    case "impersonatedUser":
    case MEMORY_ROOT:
      return true;
    case "annotations":
      // Authenticators annotate before the stage is written; everyone else after it.
      return text !== root && !isAtOrBelow(text, "annotations.authentication");
    case "requestObject":
      return WRITES.has(head.get("verb")) && isBodyPossible(head);
    case "responseObject":
      return head.get("verb") !== "watch" && head.get("objectRef.subresource") !== "log" && isBodyPossible(head);
    default:
      return false;
  }
}

/** Whether the field is `root`, or one below it. Asked so often that no text is made for it. */
function isAtOrBelow(field: string, root: string): boolean {
  return field.startsWith(root) && (field.length === root.length || field[root.length] === ".");
}

function isBodyPossible(head: HeadView): boolean {
  return head.get("objectRef.resource") !== undefined && !STREAMS.has(head.get("objectRef.subresource"));
}

/** Whether the stage and the code say that the request body has been read. */
function isBodyRead(head: HeadView): boolean {
  const stage = head.get("stage");
  const code = head.get("responseStatus.code");
  const isOver = stage === "ResponseComplete" || stage === "Panic";
  return isOver && !(typeof code === "number" && code >= 400);
}

function isTruncated(event: AuditEvent): boolean {
  return isJsonObject(event.annotations) && own(event.annotations, "audit.k8s.io/truncated") !== undefined;
}
