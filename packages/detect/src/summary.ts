import { asksDryRun, isDryRun } from "@auditsieve/audit";
import type { AuditEvent, ObjectReference } from "@auditsieve/audit";
import { safeText } from "./safe-text.ts";

/** What the exec family does, in a person's words. */
const STREAMS: Readonly<Record<string, string>> = {
  exec: "exec into",
  attach: "attach to",
  portforward: "port-forward to",
  proxy: "proxy to",
};

/** Who did it: the user that really authenticated, not the one impersonated. Undefined after a 401. */
export function actorOf(event: AuditEvent): string | undefined {
  const name = event.user?.username;
  return typeof name === "string" && name !== "" ? name : undefined;
}

/**
 * One line for a person: `ops-carol: exec into pod shop/tools (get, 101)`, `(patch, 200, dry run)` where nothing was changed. Every part
 * may come from an attacker: each is neutralised and cut.
 */
export function summarise(event: AuditEvent): string {
  const real = safeText(actorOf(event) ?? "(not authenticated)");
  const posed = event.impersonatedUser?.username;
  const who = typeof posed === "string" ? `${real} as ${safeText(posed)}` : real;
  const code = event.responseStatus?.code;
  const how = [event.verb, code, isTrial(event) ? "dry run" : undefined]
    .filter((part) => part !== undefined && part !== "")
    .map((part) => safeText(String(part), 40));
  const ref = event.objectRef;
  const what = typeof ref?.resource === "string" ? onObject(event.verb, ref) : `${event.verb} ${event.requestURI}`;
  return `${who}: ${typeof ref?.resource === "string" ? what : safeText(what)}${how.length > 0 ? ` (${how.join(", ")})` : ""}`;
}

/**
 * Whether the request, if it succeeded, certainly changed nothing. What reads, and what gives a token, does as it is asked whatever the URI says of
 * trials. Only of a deletion the body must be read.
 */
export function isTrial(event: AuditEvent): boolean {
  const { verb, requestURI, objectRef } = event;
  switch (verb) {
    case "delete":
    case "deletecollection":
      return isDryRun(event) === true;
    case "create":
    case "update":
    case "patch":
      return objectRef?.subresource !== "token" && asksDryRun(requestURI ?? "");
    default:
      return false;
  }
}

/** The object of a request as `namespace/name`; undefined when the request is not about one. */
export function objectOf(event: AuditEvent): string | undefined {
  const { resource, subresource, namespace, name } = event.objectRef ?? {};
  if (typeof resource !== "string") {
    return undefined;
  }
  const kind = typeof subresource === "string" ? `${resource}/${subresource}` : resource;
  const place = [resource === "namespaces" ? undefined : namespace, name].filter((part) => typeof part === "string");
  return place.length > 0 ? `${kind} ${place.join("/")}` : kind;
}

function onObject(verb: string, ref: ObjectReference): string {
  const { resource = "", subresource, namespace, name } = ref;
  const isNamespaced = typeof namespace === "string" && resource !== "namespaces";
  const kind = safeText(typeof name === "string" ? singular(resource) : resource);
  const place = safeText(
    [isNamespaced ? namespace : undefined, name].filter((part) => typeof part === "string").join("/"),
    200,
  );
  const stream = subresource !== undefined && Object.hasOwn(STREAMS, subresource) ? STREAMS[subresource] : undefined;
  if (typeof name !== "string") {
    const where = isNamespaced
      ? ` in ${place}`
      : ["list", "watch", "deletecollection"].includes(verb)
        ? " cluster-wide"
        : "";
    return `${safeText(verb, 40)} ${kind}${where}`;
  }
  if (stream !== undefined) {
    return `${stream} ${kind} ${place}`;
  }
  const part = typeof subresource === "string" ? `${safeText(subresource)} of ` : "";
  return `${safeText(verb, 40)} ${part}${kind} ${place}`;
}

function singular(resource: string): string {
  return resource.replace(/(?:ies|(ss|x|ch)es|s)$/, (ending, kept: string | undefined) =>
    ending === "ies" ? "y" : (kept ?? ""),
  );
}
