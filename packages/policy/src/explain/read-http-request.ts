import { requestInfo } from "@auditsieve/audit";
import { notUnderstood, understood } from "./asked-request.ts";
import type { AskedRequest, ReadRequest } from "./asked-request.ts";

const METHODS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

const AUDIT_VERBS = new Set([
  "get",
  "list",
  "watch",
  "create",
  "update",
  "patch",
  "delete",
  "deletecollection",
  "proxy",
]);

/**
 * Reads `GET /api/v1/namespaces/x/secrets`: an HTTP method in capitals, or a verb as an audit event has it, then the
 * path, with or without the server before it.
 */
export function readHttpRequest(words: readonly string[]): ReadRequest {
  const [method = "", target = "", ...rest] = words;
  const uri = target.replace(/^https?:\/\/[^/]*/, "");
  if (!uri.startsWith("/")) {
    return notUnderstood(`${method} is taken for a method, but "${target}" is no path`, "Write GET /api/v1/pods");
  }
  if (rest.length > 0) {
    return notUnderstood(
      `${method} ${uri} is understood, but not what follows: ${rest.join(" ")}`,
      "Leave it out, or quote the path",
    );
  }
  return understood([{ request: httpRequest(method, uri), isMain: true }]);
}

/** The attributes that the apiserver reads from a method, or a verb, and a path with its query. */
export function httpRequest(method: string, uri: string): AskedRequest["request"] {
  const info = requestInfo(uri, "list");
  if (!info.isResourceRequest) {
    return { ...info, verb: method.toLowerCase() };
  }
  const verb = AUDIT_VERBS.has(method) ? method : (METHODS[method.toUpperCase()] ?? "");
  return { ...requestInfo(uri, verbOf(verb, uri)), verb: verbOf(verb, uri) };
}

/** Reads without a name are lists or watches, deletions without one are of a collection. */
function verbOf(verb: string, uri: string): string {
  const special = /^\/+(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/(watch|proxy)\/./.exec(uri)?.[1];
  if (special !== undefined) {
    return special;
  }
  const isNamed = requestInfo(uri, "get").name !== "";
  if (isNamed || (verb !== "get" && verb !== "delete")) {
    return verb;
  }
  if (verb === "delete") {
    return "deletecollection";
  }
  const watch = new URLSearchParams(uri.split("?")[1] ?? "").get("watch");
  return watch !== null && !/^(?:0|false)$/i.test(watch) ? "watch" : "list";
}
