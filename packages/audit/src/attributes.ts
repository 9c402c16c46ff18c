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
