import type { RequestAttributes } from "@auditsieve/audit";
import { isServed, scopeOf } from "./resource-scope.ts";
import { writeRequest } from "./write-request.ts";

/**
 * How much a request is like those that clusters see: none has attributes that are impossible; odd ones can be sent,
 * but nothing is served at their place.
 */
export const LIKELIHOOD = { impossible: 0, odd: 1, usual: 2 } as const;

/** One of {@link LIKELIHOOD}. */
export type Likelihood = (typeof LIKELIHOOD)[keyof typeof LIKELIHOOD];

const HTTP_VERBS = new Set(["get", "head", "post", "put", "patch", "delete", "options"]);
const SESSIONS = new Set(["exec", "attach", "portforward", "log", "proxy"]);
const REVIEWS = /reviews$/;

/** How likely a request is, whoever sends it. */
export function likelihoodOf(request: RequestAttributes): Likelihood {
  if (writeRequest(request) === undefined) {
    return LIKELIHOOD.impossible;
  }
  const isUsual = request.isResourceRequest ? isUsualResource(request) : HTTP_VERBS.has(request.verb);
  return isUsual ? LIKELIHOOD.usual : LIKELIHOOD.odd;
}

function isUsualResource(request: RequestAttributes): boolean {
  const { verb, apiGroup, resource, subresource, namespace, name } = request;
  return (
    isServed(apiGroup, resource, subresource) &&
    isUsualVerb(verb, resource, subresource, name) &&
    isUsualPlace(scopeOf(apiGroup, resource), verb, resource, namespace, name)
  );
}

function isUsualVerb(verb: string, resource: string, subresource: string, name: string): boolean {
  if (REVIEWS.test(resource)) {
    return verb === "create" && name === "";
  }
  const isNamed = name !== "";
  switch (subresource) {
    case "":
      break;
    case "token":
    case "eviction":
    case "binding":
      return isNamed && verb === "create";
    case "log":
      return isNamed && verb === "get";
    default:
      return isNamed && (SESSIONS.has(subresource) ? ["get", "create"] : ["get", "update", "patch"]).includes(verb);
  }
  switch (verb) {
    case "get":
    case "update":
    case "patch":
    case "delete":
      return isNamed;
    case "list":
    case "watch":
    case "create":
    case "deletecollection":
      return !isNamed;
    default:
      return false;
  }
}

function isUsualPlace(
  scope: ReturnType<typeof scopeOf>,
  verb: string,
  resource: string,
  namespace: string,
  name: string,
): boolean {
  if (resource === "namespaces") {
    return namespace === name;
  }
  if (scope === "unknown" || (namespace === "" && (verb === "list" || verb === "watch"))) {
    return true;
  }
  return (scope === "cluster") === (namespace === "");
}
