import { nearest } from "../lint/nearest.ts";
import { notUnderstood, understood } from "./asked-request.ts";
import type { AskedRequest, ReadRequest } from "./asked-request.ts";
import { scopeOf } from "../request-class/resource-scope.ts";
import { parseKubectl } from "./kubectl-call.ts";
import type { KubectlCall } from "./kubectl-call.ts";
import { KUBECTL_COMMANDS } from "./kubectl-commands.ts";
import { isUnclear } from "./kubectl-targets.ts";
import { readHttpRequest } from "./read-http-request.ts";
import { shellWords } from "./shell-words.ts";

/**
 * Reads a request as a person writes it: a kubectl command, or an HTTP method and a path. One word with blanks in it is
 * taken apart as a shell would.
 *
 * @example
 * const read = readRequest(["kubectl exec -n prod web -- sh"]);
 * assert.ok(read.outcome === "understood");
 * const { verb, resource, subresource, namespace, name } = read.requests[0].request;
 * assert.deepEqual([verb, resource, subresource, namespace, name], ["get", "pods", "exec", "prod", "web"]);
 */
export function readRequest(given: readonly string[]): ReadRequest {
  const [only = "", ...more] = given;
  const isQuoted = /\s/.test(only.trim());
  if (isQuoted && more.length > 0) {
    return notUnderstood(
      `"${only}" is understood, but not what follows: ${more.join(" ")}`,
      "Leave it out, or quote it all",
    );
  }
  const words = isQuoted ? shellWords(only) : given;
  if (words === undefined) {
    return notUnderstood("a quote is left open", "Close it");
  }
  const [first = "", second = ""] = words;
  if (/^(?:kubectl|k|oc)$/.test(first)) {
    return readKubectl(words.slice(1));
  }
  if (/^[A-Za-z]+$/.test(first) && /^(?:\/|https?:\/\/)/.test(second)) {
    return readHttpRequest(words);
  }
  const what = first === "" ? "there is none" : `it begins with "${first}"`;
  return notUnderstood(
    what,
    "Write a kubectl command (kubectl get secrets -A), or a method and a path (GET /api/v1/secrets)",
  );
}

function readKubectl(words: readonly string[]): ReadRequest {
  const call = parseKubectl(words);
  if ("outcome" in call) {
    return call;
  }
  const command = KUBECTL_COMMANDS.get(call.command);
  if (command === undefined) {
    return unknownCommand(call.command);
  }
  if (call.flags.has("filename") || call.flags.has("kustomize")) {
    return notUnderstood(`kubectl ${call.command} is understood, but what it asks for stands in a file`, FILE_HINT);
  }
  const result = command(call);
  if (isUnclear(result)) {
    return notUnderstood(`kubectl ${call.command} is understood, but ${result.what}`, result.hint);
  }
  const notes = [...result.notes, ...scopeNotes(result.requests), ...identityNotes(call)];
  return { ...understood(result.requests, notes), impersonated: impersonatedBy(call) } as ReadRequest;
}

const FILE_HINT =
  "Write the type instead (kubectl create deployment x, kubectl patch TYPE NAME), or PATCH and the path";

function unknownCommand(command: string): ReadRequest {
  if (command === "") {
    return notUnderstood("kubectl is understood, but there is no command", "Write kubectl get secrets -A");
  }
  if (command === "apply" || command === "replace" || command === "diff") {
    return notUnderstood(`kubectl ${command} is understood, but what it asks for stands in a file`, FILE_HINT);
  }
  const meant = nearest(command, KUBECTL_COMMANDS.keys());
  const known = `Known: ${[...KUBECTL_COMMANDS.keys()].join(", ")}`;
  return notUnderstood(
    `kubectl ${command} is not known here`,
    meant === undefined ? known : `Did you mean kubectl ${meant}? ${known}`,
  );
}

function scopeNotes(requests: readonly AskedRequest[]): readonly string[] {
  const custom = requests.find(
    ({ request }) => request.namespace !== "" && scopeOf(request.apiGroup, request.resource) === "unknown",
  );
  return custom === undefined
    ? []
    : [`${custom.request.resource} is taken for a resource with namespaces; if it has none, give the path instead`];
}

function impersonatedBy({ flags, rest }: KubectlCall): string | undefined {
  const at = rest.indexOf("--as");
  return flags.get("as") ?? (at === -1 ? undefined : rest[at + 1]) ?? valueOf(rest, "--as=");
}

function valueOf(words: readonly string[], prefix: string): string | undefined {
  return words.find((word) => word.startsWith(prefix))?.slice(prefix.length);
}

function identityNotes({ flags, rest }: KubectlCall): readonly string[] {
  const isBehind = rest.some((word) => word === "--as" || word.startsWith("--as="));
  return [
    ...(isBehind ? ["--as stands behind --: kubectl would hand it to the command in the container"] : []),
    ...(flags.has("user")
      ? ["kubectl's --user names a user of the kubeconfig; who the apiserver takes it for is said by our own --user"]
      : []),
  ];
}
