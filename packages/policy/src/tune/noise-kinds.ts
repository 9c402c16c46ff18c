import type { RequestAttributes } from "@auditsieve/audit";
import { ALL_RESOURCES } from "../resource-catalogue.ts";
import type { LoopIdentity } from "./control-loops.ts";

/** A kind of talk that control loops are known for, and that says nothing about anyone else. */
export interface NoiseKind {
  readonly id: string;
  readonly reason: string;
  readonly isOne: (request: RequestAttributes, identity: LoopIdentity) => boolean;
}

/** Watching these says who may know or do what. */
const SENSITIVE: ReadonlySet<string> = new Set([
  "secrets",
  "configmaps",
  "serviceaccounts",
  "roles",
  "rolebindings",
  "clusterroles",
  "clusterrolebindings",
  "certificatesigningrequests",
  "mutatingwebhookconfigurations",
  "validatingwebhookconfigurations",
]);
const BUILT_IN: ReadonlySet<string> = new Set(ALL_RESOURCES.map(({ group, resource }) => `${group}/${resource}`));
const PROBES: ReadonlySet<string> = new Set(["/livez", "/readyz", "/healthz"]);
const DISCOVERY: ReadonlySet<string> = new Set(["/api", "/apis", "/openapi/v2", "/openapi/v3"]);

/** All kinds. A request of a control loop that is none of these is kept, however often it comes. */
const NOISE_KINDS: readonly NoiseKind[] = [
  {
    id: "leases",
    reason: "Leader election and heartbeats renew leases every few seconds.",
    isOne: ({ apiGroup, resource, subresource, verb }) =>
      apiGroup === "coordination.k8s.io" && resource === "leases" && subresource === "" && isAmong(verb, "get update"),
  },
  {
    id: "status",
    reason: "Control loops write down how far each object is; the object itself is another resource.",
    isOne: (request, { kind }) =>
      request.subresource === "status" &&
      isAmong(request.verb, "patch update") &&
      isKnownTo(request, kind) &&
      !SENSITIVE.has(request.resource) &&
      request.resource !== "namespaces",
  },
  {
    id: "events",
    reason: "Control loops tell what they did; whoever deletes events is still seen.",
    isOne: ({ apiGroup, resource, subresource, verb }) =>
      (apiGroup === "" || apiGroup === "events.k8s.io") &&
      resource === "events" &&
      subresource === "" &&
      isAmong(verb, "create patch update"),
  },
  {
    id: "endpoints",
    reason: "The addresses behind each service follow the pods.",
    isOne: ({ apiGroup, resource, subresource, verb }, { name }) =>
      ((apiGroup === "" && resource === "endpoints") ||
        (apiGroup === "discovery.k8s.io" && resource === "endpointslices")) &&
      subresource === "" &&
      isAmong(verb, name === "system:apiserver" ? "get create update" : "create update patch"),
  },
  {
    id: "binding",
    reason: "The scheduler says where a pod runs; the pod says it too.",
    isOne: ({ apiGroup, resource, subresource, verb }, { name }) =>
      name === "system:kube-scheduler" &&
      apiGroup === "" &&
      resource === "pods" &&
      subresource === "binding" &&
      verb === "create",
  },
  {
    id: "watches",
    reason: "Informers follow what they look after; nothing of what they read is written anyway.",
    isOne: (request, { kind }) =>
      request.subresource === "" &&
      request.isResourceRequest &&
      isAmong(request.verb, kind === "nodes" ? "list watch" : "watch") &&
      isKnownTo(request, kind) &&
      !SENSITIVE.has(request.resource),
  },
  {
    id: "discovery",
    reason:
      "Garbage collection and quota ask every half minute which resources there are; anyone else's discovery is kept.",
    isOne: ({ isResourceRequest, path, verb }, { kind }) =>
      !isResourceRequest && verb === "get" && kind !== "nodes" && kind !== "anonymous" && DISCOVERY.has(path),
  },
  {
    id: "probes",
    reason: "Load balancers and kubelets ask whether the apiserver lives.",
    isOne: ({ isResourceRequest, path, verb }) => !isResourceRequest && verb === "get" && PROBES.has(path),
  },
];

/** The kind that the request is of; an anonymous one only ever probes. */
export function noiseKindOf(request: RequestAttributes, identity: LoopIdentity): NoiseKind | undefined {
  const kind = NOISE_KINDS.find(({ isOne }) => isOne(request, identity));
  return identity.kind === "anonymous" && kind?.id !== "probes" ? undefined : kind;
}

/** Kubernetes' own resources are anyone's; custom ones only whom the operator has named. */
function isKnownTo({ apiGroup, resource }: RequestAttributes, kind: LoopIdentity["kind"]): boolean {
  return kind === "named" || BUILT_IN.has(`${apiGroup}/${resource}`);
}

function isAmong(verb: string, verbs: string): boolean {
  return verbs.split(" ").includes(verb);
}
