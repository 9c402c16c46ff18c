import { resourceRequest } from "./asked-request.ts";
import type { AskedRequest } from "./asked-request.ts";
import type { KubectlCall } from "./kubectl-call.ts";
import { resolveType, typeOf } from "./resource-names.ts";
import type { ResourceType } from "./resource-names.ts";

/** Objects that a command names: one, or all of a type where the name is empty. */
export interface Target {
  readonly type: ResourceType;
  readonly name: string;
}

/** What cannot be understood of a command, and what would be. */
export interface Unclear {
  readonly what: string;
  readonly hint: string;
}

/** Whether a step of reading went wrong. */
export function isUnclear(value: object): value is Unclear {
  return "what" in value && "hint" in value;
}

/** What `kubectl get all` stands for. */
const ALL =
  "pods,replicationcontrollers,services,daemonsets,deployments,replicasets,statefulsets,horizontalpodautoscalers,cronjobs,jobs";

/** Reads `pods`, `pods,svc`, `pod web db`, `pod/web svc/db`. */
export function targetsOf(args: readonly string[]): readonly Target[] | Unclear {
  const [first, ...names] = args;
  if (first === undefined) {
    return { what: "there is no type of object", hint: "Name one, as in kubectl get secrets" };
  }
  const words = first.includes("/") ? args : (first === "all" ? ALL : first).split(",");
  const targets: Target[] = [];
  for (const word of words) {
    const [type = "", name] = word.split("/");
    const resolved = resolveType(type);
    if (resolved.outcome === "unknown") {
      return { what: `there is no type "${type}" among Kubernetes' own`, hint: resolved.hint };
    }
    const ofType = first.includes("/") ? [name ?? ""] : names.length > 0 ? names : [""];
    targets.push(...ofType.map((each) => ({ type: resolved.type, name: each })));
  }
  return targets;
}

/** The pod that `web`, `pod/web` or `deploy/web` names; of what is no pod, kubectl takes one that belongs to it. */
export function podOf(word: string | undefined): { readonly pod: string; readonly notes: readonly string[] } | Unclear {
  if (word === undefined || word === "") {
    return { what: "there is no pod", hint: "Name one, as in kubectl exec web -- sh" };
  }
  const [type = "", name = ""] = word.includes("/") ? word.split("/") : ["pods", word];
  const resolved = resolveType(type);
  if (resolved.outcome === "unknown") {
    return { what: `there is no type "${type}" among Kubernetes' own`, hint: resolved.hint };
  }
  const isPod = resolved.type.resource === "pods";
  const notes = isPod ? [] : [`kubectl takes a pod of ${word}; its name is taken to be "${name}" here`];
  return { pod: name, notes };
}

/** A request for a target in the namespace of the command. */
export function requestFor(
  { namespace }: KubectlCall,
  verb: string,
  { type, name }: Target,
  { subresource = "", isMain = true }: { readonly subresource?: string; readonly isMain?: boolean } = {},
): AskedRequest {
  return { request: resourceRequest(type, verb, { namespace, name, subresource }), isMain };
}

/** The type of pods. */
export const PODS: ResourceType = typeOf("", "pods");
