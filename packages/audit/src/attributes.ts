import type { AuditEvent } from "./event.ts";
import { requestInfo } from "./request-info.ts";
import type { EventScan } from "./scan.ts";

/**
 * What the apiserver's authorizer and audit policy see of a request. Built from the request line and the user,
 * never from objectRef: the audit event's objectRef is later filled from the body, which the policy never saw.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/authorization/authorizer/interfaces.go
 */
export interface RequestAttributes {
  /** Undefined after a failed authentication (401): such a request matches no rule that names users or groups. */
  readonly user: { readonly name: string; readonly groups: readonly string[] } | undefined;
  /** Kubernetes verb for resource requests, lower-case HTTP method for the others. */
  readonly verb: string;
  readonly isResourceRequest: boolean;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** URL path, decoded, without the query. */
  readonly path: string;
}

/** What {@link attributesOf} reads: the part of an audit event that was known when the policy decided. */
export interface AttributeSource {
  readonly requestURI: string;
  readonly verb: string;
  readonly username: string | undefined;
  readonly groups: readonly string[];
}

/**
 * Rebuilds what the apiserver's audit policy saw of the request behind an audit event.
 *
 * @example
 * const attributes = attributesOf({ requestURI: "/api/v1/secrets", verb: "list", username: "jane", groups: [] });
 * assert.equal(attributes.resource, "secrets");
 * assert.equal(attributes.namespace, "");
 */
export function attributesOf(source: AttributeSource): RequestAttributes {
  const { username, groups, verb } = source;
  return {
    user: username === undefined || username === "" ? undefined : { name: username, groups },
    verb,
    ...requestInfo(source.requestURI, verb),
  };
}

/** {@link attributesOf} for a scanned line. */
export function attributesOfScan(scan: EventScan): RequestAttributes {
  return attributesOf({
    requestURI: scan.text("requestURI") ?? "",
    verb: scan.text("verb") ?? "",
    username: scan.text("user.username"),
    groups: (scan.value("user.groups") as readonly string[] | undefined) ?? [],
  });
}

/**
 * {@link attributesOf} for a decoded event.
 *
 * @example
 * const user = { username: "jane", groups: ["system:authenticated"] };
 * const requestURI = "/api/v1/namespaces/prod/pods/web/exec?command=sh";
 * const event = { level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI, verb: "create", user };
 * const { resource, subresource, namespace, name } = attributesOfEvent(event);
 * assert.deepEqual([resource, subresource, namespace, name], ["pods", "exec", "prod", "web"]);
 */
export function attributesOfEvent(event: AuditEvent): RequestAttributes {
  return attributesOf({
    requestURI: event.requestURI,
    verb: event.verb,
    username: event.user.username,
    groups: event.user.groups ?? [],
  });
}
