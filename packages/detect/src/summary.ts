import { isDryRun } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { asksTrial, headOf } from "./reading/event-parts.ts";
import type { HeadField, HeadView } from "./reading/head-view.ts";
import { safeText } from "./safe-text.ts";

/** What the exec family does, in a person's words. */
const STREAMS: Readonly<Record<string, string>> = {
  exec: "exec into",
  attach: "attach to",
  portforward: "port-forward to",
  proxy: "proxy to",
};

/** How the request that made a finding ended; `trial`: it succeeded and changed nothing (`dryRun=All`). */
export type RequestOutcome = "success" | "trial" | "denied" | "failure" | "unknown";

/** What a finding says of its event. */
export interface EventFacts {
  /** When the apiserver received the request. */
  readonly time: string;
  /** The user that authenticated, also when it impersonated another; absent after a failed authentication. */
  readonly actor?: string;
  readonly impersonated?: string;
  /** One line, safe to print. */
  readonly summary: string;
  readonly outcome: RequestOutcome;
  readonly code?: number;
  readonly namespace?: string;
  /** `pods/exec shop/tools`; absent for requests that are not about a resource. */
  readonly object?: string;
}

/** The object of a request; what is no text is absent. */
interface Reference {
  readonly resource: string | undefined;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/**
 * What a finding says of the event. Nothing but its head need be parsed, and of a deletion what the body says of trials.
 *
 * The summary is for a person: `ops-carol: exec into pod shop/tools (get, 101)`, `(patch, 200, dry run)` where nothing was changed. Every part
 * may come from an attacker: each is neutralised and cut.
 */
export function factsOf(event: AuditEvent): EventFacts {
  const head = headOf(event);
  const actor = textOf(head, "user.username");
  const impersonated = textOf(head, "impersonatedUser.username");
  const status = head.get("responseStatus.code");
  const code = typeof status === "number" ? status : undefined;
  const reference: Reference = {
    resource: textOf(head, "objectRef.resource"),
    subresource: textOf(head, "objectRef.subresource"),
    namespace: textOf(head, "objectRef.namespace"),
    name: textOf(head, "objectRef.name"),
  };
  const { verb } = event;
  const isTried = isTrial(event, reference);
  const real = safeText(actor === undefined || actor === "" ? "(not authenticated)" : actor);
  const who = impersonated === undefined ? real : `${real} as ${safeText(impersonated)}`;
  const how = [verb, code, isTried ? "dry run" : undefined]
    .filter((part) => part !== undefined && part !== "")
    .map((part) => safeText(String(part), 40));
  const { resource, namespace } = reference;
  const what = resource === undefined ? safeText(`${verb} ${event.requestURI}`) : onObject(verb, resource, reference);
  return {
    time: event.requestReceivedTimestamp ?? event.stageTimestamp ?? "",
    ...(actor !== undefined && actor !== "" && { actor }),
    ...(impersonated !== undefined && { impersonated }),
    summary: `${who}: ${what}${how.length > 0 ? ` (${how.join(", ")})` : ""}`,
    outcome: outcomeOf(code, isTried),
    ...(code !== undefined && { code }),
    ...(namespace !== undefined && { namespace }),
    ...(resource !== undefined && { object: nameOf(resource, reference) }),
  };
}

function textOf(head: HeadView, field: HeadField): string | undefined {
  const value = head.get(field);
  return typeof value === "string" ? value : undefined;
}

/**
 * Whether the request, if it succeeded, certainly changed nothing. What reads, and what gives a token, does as it is asked whatever the URI says of
 * trials. Only of a deletion the body must be read.
 */
function isTrial(event: AuditEvent, { subresource }: Reference): boolean {
  switch (event.verb) {
    case "delete":
    case "deletecollection":
      return isDryRun(event) === true;
    case "create":
    case "update":
    case "patch":
      return subresource !== "token" && asksTrial(event);
    default:
      return false;
  }
}

function outcomeOf(code: number | undefined, isTried: boolean): RequestOutcome {
  if (code === undefined) {
    return "unknown";
  }
  if (code >= 400) {
    return code === 401 || code === 403 ? "denied" : "failure";
  }
  return isTried ? "trial" : "success";
}

/** The object of a request as `namespace/name`. */
function nameOf(resource: string, { subresource, namespace, name }: Reference): string {
  const kind = subresource === undefined ? resource : `${resource}/${subresource}`;
  const place = [resource === "namespaces" ? undefined : namespace, name].filter((part) => part !== undefined);
  return place.length > 0 ? `${kind} ${place.join("/")}` : kind;
}

function onObject(verb: string, resource: string, { subresource, namespace, name }: Reference): string {
  const isNamespaced = namespace !== undefined && resource !== "namespaces";
  const kind = safeText(name === undefined ? resource : singular(resource));
  const place = safeText(
    [isNamespaced ? namespace : undefined, name].filter((part) => part !== undefined).join("/"),
    200,
  );
  const stream = subresource !== undefined && Object.hasOwn(STREAMS, subresource) ? STREAMS[subresource] : undefined;
  if (name === undefined) {
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
  const part = subresource !== undefined ? `${safeText(subresource)} of ` : "";
  return `${safeText(verb, 40)} ${part}${kind} ${place}`;
}

/** Without a pattern, which costs more where it is asked once in a while. */
function singular(resource: string): string {
  if (resource.endsWith("ies")) {
    return `${resource.slice(0, -3)}y`;
  }
  const isLong = resource.endsWith("sses") || resource.endsWith("xes") || resource.endsWith("ches");
  return isLong ? resource.slice(0, -2) : resource.endsWith("s") ? resource.slice(0, -1) : resource;
}
