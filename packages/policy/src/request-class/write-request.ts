import { requestInfo } from "@auditsieve/audit";
import type { RequestAttributes } from "@auditsieve/audit";
import { encodePath } from "./path-classes.ts";

/** A request as it goes over the wire. */
export interface RequestLine {
  /** HTTP method, upper-case. */
  readonly method: string;
  /** Path and query. */
  readonly uri: string;
}

const METHODS: ReadonlyMap<string, string> = new Map([
  ["create", "POST"],
  ["get", "GET"],
  ["list", "GET"],
  ["watch", "GET"],
  ["proxy", "GET"],
  ["update", "PUT"],
  ["patch", "PATCH"],
  ["delete", "DELETE"],
  ["deletecollection", "DELETE"],
  ["", "OPTIONS"],
]);

/** Subresources of a namespace; others that follow its name are resources in it. */
const OWN = new Set(["", "status", "finalize"]);

/** The verbs that a request for a resource can have; the empty one is that of OPTIONS and of unknown methods. */
export const RESOURCE_VERBS: readonly string[] = [
  "get",
  "list",
  "create",
  "update",
  "patch",
  "delete",
  "watch",
  "deletecollection",
  "",
  "proxy",
];

/**
 * A request from which the apiserver reads these attributes, or undefined if there is none: no request for a resource
 * has the verb `use`, no `get` is without a name. The user has no part in it.
 *
 * @example
 * const request = {
 *   user: undefined, verb: "list", isResourceRequest: true, path: "", apiGroup: "apps", apiVersion: "v1",
 *   resource: "deployments", subresource: "", namespace: "shop", name: "",
 * };
 * assert.deepEqual(writeRequest(request), { method: "GET", uri: "/apis/apps/v1/namespaces/shop/deployments" });
 */
export function writeRequest(request: RequestAttributes): RequestLine | undefined {
  const line = request.isResourceRequest ? resourceLine(request) : urlLine(request);
  return line !== undefined && isReadAs(line.uri, request) ? line : undefined;
}

function urlLine({ verb, path }: RequestAttributes): RequestLine | undefined {
  // A method is a token of HTTP; the apiserver makes it lower-case.
  return path.startsWith("/") && /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(verb)
    ? { method: verb.toUpperCase(), uri: encodePath(path) }
    : undefined;
}

function resourceLine(request: RequestAttributes): RequestLine | undefined {
  const { verb, name, namespace, resource, subresource, apiGroup, apiVersion } = request;
  const method = METHODS.get(verb);
  const isSelecting = verb === "list" || verb === "watch";
  const needsName = verb === "get" || verb === "delete";
  if (method === undefined || (needsName && name === "") || (verb === "deletecollection" && name !== "")) {
    return undefined;
  }
  const version = apiVersion === "" ? "v1" : apiVersion;
  const base = apiGroup === "" ? ["api", version] : ["apis", apiGroup, version];
  const isItself =
    resource === "namespaces" && !isSelecting && namespace !== "" && namespace === name && OWN.has(subresource);
  const where = namespace === "" || isItself ? [] : ["namespaces", namespace];
  const named = isSelecting ? "" : name;
  const below = subresource === "" ? (named === "" ? [] : [named]) : [named, subresource];
  const prefix = verb === "proxy" ? ["proxy"] : [];
  const path = `/${[...base, ...prefix, ...where, resource, ...below].map(encodeSegment).join("/")}`;
  return { method, uri: path + query(verb, name) };
}

function query(verb: string, name: string): string {
  const isNamed = name !== "" && (verb === "list" || verb === "watch");
  const parameters = [
    ...(isNamed ? [`fieldSelector=metadata.name%3D${encodeURIComponent(escapeSelector(name.toWellFormed()))}`] : []),
    ...(verb === "watch" ? ["watch=true"] : []),
  ];
  return parameters.length > 0 ? `?${parameters.join("&")}` : "";
}

function escapeSelector(name: string): string {
  return name.replaceAll(/[\\,=]/g, "\\$&");
}

function encodeSegment(segment: string): string {
  const encoded = encodePath(segment);
  return encoded.includes("/") ? encoded.replaceAll("/", "%2F") : encoded;
}

function isReadAs(uri: string, request: RequestAttributes): boolean {
  const read = requestInfo(uri, request.verb);
  if (!request.isResourceRequest) {
    return !read.isResourceRequest && read.path === request.path;
  }
  return (
    read.isResourceRequest &&
    read.apiGroup === request.apiGroup &&
    read.resource === request.resource &&
    read.subresource === request.subresource &&
    read.namespace === request.namespace &&
    read.name === request.name
  );
}
