import type { RequestClass } from "@auditsieve/audit";
import { requestInfo } from "@auditsieve/audit";
import { ALL_RESOURCES, resourcesOf } from "../resource-catalogue.ts";
import type { ServedResource } from "../resource-catalogue.ts";
import type { PolicyRule } from "../policy.ts";

/** Requests that differ only in who sends them, where, and about which object. */
export type Cell =
  | {
      readonly kind: "resource";
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      /** Undefined: not known, a custom resource. */
      readonly namespaced: boolean | undefined;
      /** Whether it stands for the resources of every group that nobody names, and for every such resource. */
      readonly isAnyGroup: boolean;
      readonly isAnyResource: boolean;
    }
  | { readonly kind: "url"; readonly verb: string; readonly path: string };

const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const METHODS = ["get", "post", "put", "patch", "delete", "head"];
const OTHER_PATHS = [
  "/",
  "/api",
  "/apis",
  "/openapi/v3",
  "/version",
  "/metrics",
  "/logs/kube-apiserver.log",
  "/debug/pprof/profile",
];
const CUSTOM_GROUP = "example.com";
const CUSTOM_RESOURCE = "widgets";

/**
 * The cells of a class of requests. Rules match verbs, groups, resources and paths by equality, by prefix or not at all, so the
 * literals of rules and of the class, what Kubernetes serves, and one of each that nobody names stand for all.
 */
export function cellsOf(
  request: RequestClass,
  rules: readonly PolicyRule[],
  kubernetesVersion: string,
): readonly Cell[] {
  const served = resourcesOf(kubernetesVersion);
  const named = objectsOf(request, rules, served);
  const ofResources = named.flatMap((object) =>
    (request.verbs ?? VERBS)
      .filter((verb) => object.verbs?.includes(verb) ?? true)
      .map((verb) => ({
        kind: "resource" as const,
        verb,
        group: object.group,
        resource: object.resource,
        subresource: object.subresource,
        namespaced: object.namespaced,
        isAnyGroup: object.group === CUSTOM_GROUP && request.apiGroups === undefined,
        isAnyResource: object.resource === CUSTOM_RESOURCE && request.resources === undefined,
      })),
  );
  return request.resources === undefined && request.apiGroups === undefined
    ? [...ofResources, ...urlCells(request, rules)]
    : ofResources;
}

interface ApiObject {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespaced: boolean | undefined;
  readonly verbs: readonly string[] | undefined;
}

function objectsOf(
  { apiGroups, resources }: RequestClass,
  rules: readonly PolicyRule[],
  served: readonly ServedResource[],
): readonly ApiObject[] {
  const known = served.filter(
    (one) =>
      (apiGroups?.includes(one.group) ?? true) &&
      (resources?.some((pattern) => names(pattern, one.resource, one.subresource)) ?? true),
  );
  const custom = literalsOf(rules)
    .filter(({ group, resource, subresource }) => {
      const isKnown = ALL_RESOURCES.some((one) => one.group === group && one.resource === resource);
      const isAsked =
        (apiGroups?.includes(group) ?? true) &&
        (resources?.some((pattern) => names(pattern, resource, subresource)) ?? true);
      return isAsked && !isKnown;
    })
    .map((object) => ({ ...object, namespaced: undefined, verbs: undefined }));
  const unserved = (resources ?? [])
    .filter((pattern) => !pattern.includes("*") && !known.some((one) => names(pattern, one.resource, one.subresource)))
    .flatMap((pattern) => {
      const [resource = "", subresource = ""] = pattern.split("/");
      const groups = apiGroups ?? [CUSTOM_GROUP];
      return groups.map((group) => ({ group, resource, subresource, namespaced: undefined, verbs: undefined }));
    });
  const other =
    resources === undefined
      ? (apiGroups ?? [CUSTOM_GROUP])
          .filter((group) => !served.some((one) => one.group === group))
          .map((group) => ({
            group,
            resource: CUSTOM_RESOURCE,
            subresource: "",
            namespaced: undefined,
            verbs: undefined,
          }))
      : [];
  return distinct([...known, ...custom, ...unserved, ...other]);
}

/** Whether a class's `pods`, `pods/exec` or `pods/*` (subresources only) names the resource. */
function names(pattern: string, resource: string, subresource: string): boolean {
  const [name, below = ""] = pattern.split("/");
  return name === resource && (below === "*" ? subresource !== "" : below === subresource);
}

function literalsOf(rules: readonly PolicyRule[]): readonly Pick<ApiObject, "group" | "resource" | "subresource">[] {
  return rules.flatMap((rule) =>
    (rule.resources ?? []).flatMap(({ group = "", resources }) =>
      (resources?.length ? resources : [CUSTOM_RESOURCE])
        .filter((pattern) => !pattern.includes("*") && group !== "*")
        .map((pattern) => {
          const [resource = "", subresource = ""] = pattern.split("/");
          return { group, resource, subresource };
        }),
    ),
  );
}

function distinct(objects: readonly ApiObject[]): readonly ApiObject[] {
  return [...new Map(objects.map((one) => [`${one.group}/${one.resource}/${one.subresource}`, one])).values()];
}

function urlCells({ verbs }: RequestClass, rules: readonly PolicyRule[]): readonly Cell[] {
  const specs = rules.flatMap(({ nonResourceURLs = [] }) => nonResourceURLs);
  const paths = specs.flatMap((spec) => {
    const stem = spec.replace(/\*+$/, "");
    return spec.endsWith("*")
      ? [stem, `${stem.replace(/\/$/, "")}/x`, `${stem}x`, `${stem.replace(/\/$/, "")}/../x`]
      : [spec];
  });
  const all = new Set(
    [...OTHER_PATHS, ...paths].filter((path) => path.startsWith("/") && !requestInfo(path, "get").isResourceRequest),
  );
  return (verbs ?? METHODS)
    .filter((verb) => METHODS.includes(verb))
    .flatMap((verb) => [...all].map((path) => ({ kind: "url" as const, verb, path })));
}
