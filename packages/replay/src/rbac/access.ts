import type { RequestAttributes } from "@auditsieve/audit";

/** One thing that the authorizer was asked about: an action on a kind of object, an object, or a path. */
export interface Access {
  readonly verb: string;
  readonly group: string;
  /** `pods`, `pods/exec`; empty for a path. */
  readonly resource: string;
  readonly namespace: string;
  /** Name of the object as the authorizer knew it: empty for create and for most lists. */
  readonly name: string;
  /** Of a request that is about no resource. */
  readonly path: string;
}

/**
 * What the RBAC authorizer is asked about a request.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go
 */
export function accessOf(request: RequestAttributes): Access {
  const { verb, isResourceRequest, apiGroup, resource, subresource, namespace, name, path } = request;
  return isResourceRequest
    ? {
        verb,
        group: apiGroup,
        resource: subresource === "" ? resource : `${resource}/${subresource}`,
        namespace,
        name,
        path: "",
      }
    : { verb, group: "", resource: "", namespace: "", name: "", path };
}

/** A text that is the same for the same access only. */
export function accessKey({ verb, group, resource, namespace, name, path }: Access): string {
  return JSON.stringify([verb, group, resource, namespace, name, path]);
}

/** `get deployments.apps web in shop`, `get /healthz`. */
export function describeAccess({ verb, group, resource, namespace, name, path }: Access): string {
  if (resource === "") {
    return `${verb === "" ? NO_VERB : verb} ${path}`;
  }
  return `${verb === "" ? NO_VERB : verb} ${describeKind(group, resource)}${name === "" ? "" : ` ${name}`}${namespace === "" ? "" : ` in ${namespace}`}`;
}

/** `pods/exec`, `deployments.apps/scale`. */
export function describeKind(group: string, resource: string): string {
  const [base = "", subresource] = resource.split("/", 2);
  return `${base}${group === "" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** In the place of a verb that is empty, as that of a request whose method the apiserver does not know. */
const NO_VERB = '"" (no verb)';
