import type { RequestAttributes } from "@auditsieve/audit";
import { likelihoodOf, LIKELIHOOD } from "./likelihood.ts";
import { scopeOf } from "./resource-scope.ts";

/**
 * The kubectl command that sends a request, or undefined where kubectl sends none like it: then the line of HTTP says
 * it. Who runs it is not part of it.
 */
export function writeKubectl(request: RequestAttributes): string | undefined {
  if (!request.isResourceRequest) {
    const isSent = request.verb === "get" && isPlain(request.path) && likelihoodOf(request) === LIKELIHOOD.usual;
    return isSent ? `kubectl get --raw ${request.path}` : undefined;
  }
  const words = [request.resource, request.apiGroup, request.namespace, request.name];
  if (likelihoodOf(request) !== LIKELIHOOD.usual || !words.every((word) => word === "" || isPlain(word))) {
    return undefined;
  }
  const isOfNowhere = request.namespace === "" && scopeOf(request.apiGroup, request.resource) === "unknown";
  if (isOfNowhere && request.verb !== "list" && request.verb !== "watch") {
    // Only a cluster knows that a custom resource has no namespaces.
    return undefined;
  }
  const command = commandOf(request);
  return command === undefined ? undefined : ["kubectl", ...command].join(" ");
}

function isPlain(word: string): boolean {
  return /^[\w./:@-]+$/.test(word) && !word.startsWith("-");
}

function commandOf(request: RequestAttributes): readonly string[] | undefined {
  const { verb, subresource, name } = request;
  const [type, where] = [typeOf(request), placeOf(request)];
  const at = SUBRESOURCES.has(subresource) ? [`--subresource=${subresource}`] : [];
  if (subresource !== "" && at.length === 0) {
    return sessionOf(request, where);
  }
  switch (verb) {
    case "get":
      return ["get", type, name, ...where, ...at];
    case "list":
      return ["get", type, ...where];
    case "watch":
      return ["get", type, ...where, "--watch-only"];
    case "delete":
      return ["delete", type, name, ...where];
    case "patch":
      return ["patch", type, name, ...where, ...at, "-p", "'{}'"];
    case "create":
      return createOf(type, where);
    default:
      return undefined;
  }
}

/** Those that kubectl takes by `--subresource`. */
const SUBRESOURCES: ReadonlySet<string> = new Set(["status", "scale", "resize"]);

function sessionOf(request: RequestAttributes, where: readonly string[]): readonly string[] | undefined {
  const { verb, apiGroup, resource, subresource, name } = request;
  if (apiGroup !== "") {
    return undefined;
  }
  if (verb === "create" && resource === "serviceaccounts" && subresource === "token") {
    return ["create", "token", name, ...where];
  }
  if (verb !== "get" || resource !== "pods") {
    return undefined;
  }
  switch (subresource) {
    case "exec":
      return ["exec", ...where, name, "--", "sh"];
    case "attach":
      return ["attach", ...where, name];
    case "portforward":
      return ["port-forward", ...where, name, "8080"];
    case "log":
      return ["logs", ...where, name];
    default:
      return undefined;
  }
}

/** What kubectl creates by a command of its own, without a file. */
const CREATED: ReadonlyMap<string, readonly string[]> = new Map([
  ["pods", ["run", "example", "--image=example"]],
  ["namespaces", ["create", "namespace", "example"]],
  ["configmaps", ["create", "configmap", "example"]],
  ["secrets", ["create", "secret", "generic", "example"]],
  ["serviceaccounts", ["create", "serviceaccount", "example"]],
  ["deployments.apps", ["create", "deployment", "example", "--image=example"]],
  ["jobs.batch", ["create", "job", "example", "--image=example"]],
  ["roles.rbac.authorization.k8s.io", ["create", "role", "example", "--verb=get", "--resource=pods"]],
  ["rolebindings.rbac.authorization.k8s.io", ["create", "rolebinding", "example", "--role=example", "--user=example"]],
  ["clusterroles.rbac.authorization.k8s.io", ["create", "clusterrole", "example", "--verb=get", "--resource=pods"]],
  [
    "clusterrolebindings.rbac.authorization.k8s.io",
    ["create", "clusterrolebinding", "example", "--clusterrole=example", "--user=example"],
  ],
  ["selfsubjectaccessreviews.authorization.k8s.io", ["auth", "can-i", "get", "pods"]],
  ["selfsubjectreviews.authentication.k8s.io", ["auth", "whoami"]],
]);

function createOf(type: string, where: readonly string[]): readonly string[] | undefined {
  const command = CREATED.get(type);
  return command === undefined ? undefined : [...command, ...where];
}

function typeOf({ resource, apiGroup }: RequestAttributes): string {
  return apiGroup === "" ? resource : `${resource}.${apiGroup}`;
}

function placeOf({ verb, apiGroup, resource, namespace }: RequestAttributes): readonly string[] {
  if (resource === "namespaces" || scopeOf(apiGroup, resource) === "cluster") {
    return [];
  }
  if (namespace === "") {
    return verb === "list" || verb === "watch" ? ["-A"] : [];
  }
  return ["-n", namespace];
}
