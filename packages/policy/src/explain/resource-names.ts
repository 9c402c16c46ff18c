import { nearest } from "../lint/nearest.ts";
import { groupsServing, KNOWN_RESOURCES } from "../known-resources.ts";
import { scopeOf } from "../request-class/resource-scope.ts";
import type { Scope } from "../request-class/resource-scope.ts";

/** A kind of object as requests name it. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly scope: Scope;
}

/** What {@link resolveType} gives. */
export type ResolvedType =
  | { readonly outcome: "resolved"; readonly type: ResourceType }
  | { readonly outcome: "unknown"; readonly hint: string };

const SHORT_NAMES: Readonly<Record<string, string>> = {
  cj: "cronjobs",
  cm: "configmaps",
  crd: "customresourcedefinitions",
  crds: "customresourcedefinitions",
  cs: "componentstatuses",
  csr: "certificatesigningrequests",
  deploy: "deployments",
  ds: "daemonsets",
  ep: "endpoints",
  ev: "events",
  hpa: "horizontalpodautoscalers",
  ing: "ingresses",
  limits: "limitranges",
  netpol: "networkpolicies",
  no: "nodes",
  ns: "namespaces",
  pc: "priorityclasses",
  pdb: "poddisruptionbudgets",
  po: "pods",
  pv: "persistentvolumes",
  pvc: "persistentvolumeclaims",
  quota: "resourcequotas",
  rc: "replicationcontrollers",
  rs: "replicasets",
  sa: "serviceaccounts",
  sc: "storageclasses",
  sts: "statefulsets",
  svc: "services",
};

/** Preferred versions that are not v1. */
const VERSIONS: Readonly<Record<string, string>> = {
  autoscaling: "v2",
  "internal.apiserver.k8s.io": "v1alpha1",
  "metrics.k8s.io": "v1beta1",
};

/**
 * Finds the resource that kubectl takes a word for: `po`, `pod`, `pods`, `deployments.apps`, `widgets.example.com`. A
 * custom resource needs its group, since only a cluster knows it.
 */
export function resolveType(word: string): ResolvedType {
  const dot = word.indexOf(".");
  const [name, rest] = dot === -1 ? [word, undefined] : [word.slice(0, dot), word.slice(dot + 1)];
  const plural = pluralOf(name.toLowerCase(), rest);
  if (rest !== undefined) {
    const group = rest.replace(/^v\d+((alpha|beta)\d+)?(\.|$)/, "");
    return { outcome: "resolved", type: typeOf(group, plural ?? name.toLowerCase()) };
  }
  const [group] = plural === undefined ? [] : groupsServing(plural);
  if (plural === undefined || group === undefined) {
    const known = [...KNOWN_RESOURCES.values()].flat();
    const meant = nearest(name.toLowerCase(), known);
    const custom = `A custom resource needs its group: ${/^[\w-]+$/.test(name) ? name : "NAME"}.GROUP`;
    return { outcome: "unknown", hint: meant === undefined ? custom : `Did you mean ${meant}? ${custom}` };
  }
  return { outcome: "resolved", type: typeOf(group, plural) };
}

/** The type of a resource whose group is known. */
export function typeOf(group: string, resource: string): ResourceType {
  return { group, version: VERSIONS[group] ?? "v1", resource, scope: scopeOf(group, resource) };
}

function pluralOf(name: string, group: string | undefined): string | undefined {
  const short = Object.hasOwn(SHORT_NAMES, name) ? SHORT_NAMES[name] : undefined;
  if (short !== undefined) {
    return short;
  }
  const known = group === undefined ? [...KNOWN_RESOURCES.values()].flat() : (KNOWN_RESOURCES.get(group) ?? []);
  return known.find((plural) => plural === name) ?? known.find((plural) => singularOf(plural) === name);
}

function singularOf(plural: string): string {
  if (plural === "endpoints") {
    return plural;
  }
  if (plural.endsWith("ies")) {
    return `${plural.slice(0, -3)}y`;
  }
  return plural.replace(/(ss|tus)es$|s$/, "$1");
}
