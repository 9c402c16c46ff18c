import type { RequestAttributes } from "@auditsieve/audit";
import { BLANK_REQUEST } from "../blank-request.ts";

/** A request by an ordinary person, to be filled in: for no resource, of any path. */
export const PERSON: RequestAttributes = {
  ...BLANK_REQUEST,
  user: { name: "jane", groups: ["system:authenticated"] },
  verb: "get",
  path: "/",
};

const NAMELESS = new Set(["create", "list", "watch", "deletecollection"]);

/** A person's request for an object: `secrets`, `pods/exec`, `roles.rbac.authorization.k8s.io`. */
export function personsRequest(verb: string, name: string): RequestAttributes {
  const [named = "", subresource = ""] = name.split("/");
  const dot = named.indexOf(".");
  const isNameless = NAMELESS.has(verb) && subresource === "";
  return {
    ...PERSON,
    verb,
    isResourceRequest: true,
    apiGroup: dot === -1 ? "" : named.slice(dot + 1),
    apiVersion: "v1",
    resource: dot === -1 ? named : named.slice(0, dot),
    subresource,
    namespace: CLUSTER_SCOPED.test(named) ? "" : "default",
    name: isNameless ? "" : "x",
  };
}

const CLUSTER_SCOPED = /^(?:nodes|cluster|certificatesigning|tokenreviews|mutating|validating)/;
