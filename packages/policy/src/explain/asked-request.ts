import type { Problem, RequestAttributes } from "@auditsieve/audit";
import { writeRequest } from "../request-class/write-request.ts";
import type { ResourceType } from "./resource-names.ts";

/** A request that was asked about, whoever sends it. */
export interface AskedRequest {
  readonly request: Omit<RequestAttributes, "user">;
  /** Whether it is what the command is for; kubectl sends others beside it. */
  readonly isMain: boolean;
}

/** What reading a request from words gives. */
export type ReadRequest =
  | {
      readonly outcome: "understood";
      readonly requests: readonly AskedRequest[];
      /** Whom the request impersonates. */
      readonly impersonated: string | undefined;
      /** What is to be said about how the words were taken. */
      readonly notes: readonly string[];
    }
  | { readonly outcome: "refused"; readonly problem: Problem };

/** A request that was understood, with nothing beside. */
export function understood(requests: readonly AskedRequest[], notes: readonly string[] = []): ReadRequest {
  return { outcome: "understood", requests, impersonated: undefined, notes };
}

/** A refusal: what cannot be understood, and what can be. */
export function notUnderstood(what: string, hint: string): ReadRequest {
  const message = `Cannot understand the request: ${what}`;
  return { outcome: "refused", problem: { id: "request-not-understood", severity: "error", message, hint } };
}

/** A request for objects of a type. */
export function resourceRequest(
  type: ResourceType,
  verb: string,
  where: { readonly namespace: string; readonly name?: string; readonly subresource?: string },
): AskedRequest["request"] {
  const { namespace, name = "", subresource = "" } = where;
  const isSelecting = verb === "list" || verb === "watch";
  const ownNamespace = type.group === "" && type.resource === "namespaces" && !isSelecting ? name : "";
  const request = {
    verb,
    isResourceRequest: true,
    apiGroup: type.group,
    apiVersion: type.version,
    resource: type.resource,
    subresource,
    namespace: type.scope === "cluster" ? ownNamespace : namespace,
    name,
    path: "",
  };
  const uri = writeRequest({ user: undefined, ...request })?.uri ?? "";
  return { ...request, path: uri.split("?")[0] ?? "" };
}
